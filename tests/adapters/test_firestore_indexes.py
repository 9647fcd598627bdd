"""The file of Firestore's indexes, TTLs and exemptions against the queries of the code, and against the guides."""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import replace
from functools import partial
from operator import attrgetter
from types import SimpleNamespace

import pytest

from local.backend import embedded_ports
from shared.adapters.firestore_documents import EXPIRES, KEPT, WRITES
from shared.costs import budget, executions
from shared.flow import record
from shared.ports import TaskRun
from shared.settings import Settings
from shared.state import pagination
from tests import index_rules
from tests.adapters.test_data_model import COLLECTIONS, ROWS
from tests.index_rules import DATA, FILE, Shape, exempted, lacking
from tests.test_architecture import ROOT
from tests.world import IN_A_PROJECT


def test_an_equality_of_fields_with_their_own_indexes_needs_no_other():
    assert lacking(Shape(collection="failures", equal=frozenset({"recording", "chunk"}))) == ""


def test_an_order_that_runs_the_other_way_is_no_index():
    shape = Shape(collection="ledger", equal=frozenset({"day"}), descending="usd")
    assert "usd DESCENDING" in lacking(shape)


@pytest.fixture
def opened(tmp_path):
    """What the product itself opens on one machine."""
    ports = embedded_ports.open_ports(Settings(state_dir=tmp_path / "state"))
    yield ports
    ports.close()


def test_records_of_the_tests_refuse_what_firestore_would(world, opened):
    for records in (world.ports.records, opened.records):
        records.create("ledger", "a", {"recording": "r", "usd": 1.0})
        assert records.sum("ledger", "usd", {"recording": "r"}) == 1.0
        with pytest.raises(AssertionError, match=r"add \['recording'\] ASCENDING, minute DESCENDING"):
            records.newest("ledger", "minute", 3, {"recording": "r"})
        with pytest.raises(AssertionError, match=r"add \['worker'\] ASCENDING, busy_seconds ASCENDING"):
            records.sum("ledger", "busy_seconds", {"worker": "w"})
        for ask in (records.count, records.query):
            with pytest.raises(
                AssertionError, match=r"reads \['kind'\], which firestore_indexes.json exempts"
            ):
                ask("ledger", {"kind": "attempt"})


def under_another_name(ports):
    db = ports.records
    db.newest("failures", "time", 3, {"recording": "r"})


def by_an_alias(ports):
    newest = ports.records.newest
    newest(limit=3, by="time", collection="ledger")


def in_parts(ports):
    partial(ports.records.sum, "ledger")("usd", where={"minute": 5})


def with_fields_that_grow(ports):
    where = {"recording": "r"}
    where |= {"chunk": 3}
    where["minute"] = 4
    attrgetter("records.newest")(ports)("ledger", "usd", 1, where)


@pytest.mark.parametrize("ask", [under_another_name, by_an_alias, in_parts, with_fields_that_grow])
def test_a_query_is_refused_however_it_is_written(world, ask):
    with pytest.raises(AssertionError, match=r"needs a composite index|exempts from indexing"):
        ask(world.ports)


def test_no_index_is_left_that_no_query_needs(world, monkeypatch):
    shapes = []
    monkeypatch.setattr(index_rules, "check", shapes.append)
    now = world.clock.now()
    task = TaskRun(execution="x", index=0, started=now - 600, ended=now - 300, completed=now - 300)
    jobs = SimpleNamespace(ended=lambda since: [task])
    ports = replace(world.ports, gpu_jobs=jobs, settings=Settings(**IN_A_PROJECT, engines="parakeet-gpu"))
    record.cost("r", ports)
    budget.committed(ports)
    budget.sum_up(ports)
    for _ in range(2):
        executions.reconcile(ports, ["main"])
        world.clock.time += 600
    for one in ({"state": "DONE"}, {"label": ""}, {"trouble": True}, {"is_held": True}):
        pagination.page(ports.records, pagination.Filter(**one), 1)
    asked = {(one.collection, one.equal, one.descending or one.summed) for one in shapes}
    assert DATA["indexes"]
    for index in DATA["indexes"]:
        *first, last = (one["fieldPath"] for one in index["fields"])
        assert (index["collectionGroup"], frozenset(first), last) in asked


def test_only_fields_that_exist_are_exempted():
    assert DATA["fieldOverrides"]
    for one in DATA["fieldOverrides"]:
        row = ROWS[one["collectionGroup"]]
        assert one["fieldPath"] in {"*", WRITES, EXPIRES} or f"`{one['fieldPath']}`" in row


def test_what_may_be_forgotten_is_what_the_adapter_stamps_and_its_stamp_has_no_index():
    ttls = {one["collectionGroup"] for one in DATA["fieldOverrides"] if one.get("ttl")}
    assert ttls == set(DATA["ttlDays"]) == set(KEPT)
    assert {one["fieldPath"] for one in DATA["fieldOverrides"] if one.get("ttl")} == {EXPIRES}
    assert all(exempted(collection, EXPIRES) for collection in ttls)


def test_the_adapters_own_fields_have_no_index():
    assert [one for one in sorted(COLLECTIONS) if not exempted(one, WRITES)] == []


def test_composite_indexes_of_the_table_of_queries_are_those_of_the_file():
    text = (ROOT / "docs" / "data-model.md").read_text("utf-8")
    assert DATA["indexes"]
    for index in DATA["indexes"]:
        *first, last = index["fields"]
        told = ", ".join(f"`{one['fieldPath']}` {one['order'].lower()}" for one in (*first, last))
        where = " and ".join(f"`{one['fieldPath']}`" for one in first)
        assert f"`{index['collectionGroup']}` where {where}, " in text
        assert f"**composite: {told}**" in text
    assert text.count("**composite: ") == len(DATA["indexes"])


def test_the_file_is_part_of_what_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["shared.adapters"]
    assert any(fnmatch.fnmatch(FILE.name, pattern) for pattern in patterns)
