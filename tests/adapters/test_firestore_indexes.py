"""The file of Firestore's indexes, TTLs and exemptions against the queries of the code, and against the guides."""

from __future__ import annotations

import ast
import fnmatch
import tomllib

import pytest

from shared.adapters.firestore_documents import KEPT
from shared.adapters.firestore_values import EXPIRES, WRITES
from shared.state import documents
from tests.adapters import queries
from tests.adapters.test_data_model import COLLECTIONS, ROWS
from tests.index_rules import DATA, FILE, Shape, exempted, lacking
from tests.test_architecture import ROOT


@pytest.fixture(scope="module")
def found():
    return list(queries.shapes(queries.sources()))


def test_every_query_of_the_code_has_an_index(found):
    assert [f"{place}: {lack}" for place, shape in found if (lack := lacking(shape))] == []


def test_the_queries_of_the_code_are_found(found):
    shapes = {shape for _, shape in found}
    assert len(found) > 40
    for wanted in (
        Shape(collection="recordings", equal=frozenset({"state"}), descending="created"),
        Shape(collection="recordings", descending="created"),
        Shape(collection="recordings", equal=frozenset({"state", "held"})),
        Shape(collection="failures", equal=frozenset({"recording", "chunk"})),
        Shape(collection="failures", equal=frozenset({"request"})),
        Shape(collection="ledger", equal=frozenset({"worker"}), summed="usd"),
        Shape(collection="ledger", summed="usd"),
        Shape(collection="chunks"),
    ):
        assert wanted in shapes


PLANTED = """
def latest(ports, key):
    where = {"recording": key}
    return ports.records.newest(documents.LEDGER, "minute", 3, where)

def exempt(records):
    return records.count(documents.LEDGER, {"kind": "attempt"})

def through(records):
    return asked(records, {"worker": "w"})

def asked(records, where):
    return records.sum(documents.LEDGER, "busy_seconds", where)
"""


def test_planted_queries_without_an_index_are_found():
    planted = queries.Source("planted.py", ast.parse(PLANTED), {"documents": documents})
    lacks = {place: lacking(shape) for place, shape in queries.shapes([planted])}
    assert "add ['recording'] ASCENDING, minute DESCENDING" in lacks["planted.py:4"]
    assert "reads ['kind'], which firestore_indexes.json exempts" in lacks["planted.py:7"]
    assert "add ['worker'] ASCENDING, busy_seconds ASCENDING" in lacks["planted.py:13"]


@pytest.mark.parametrize("argument", ["unknown()", "{name: 1}"])
def test_a_query_that_cannot_be_read_is_not_passed_over(argument):
    text = f"def f(records, name):\n    return records.count('chunks', {argument})\n"
    planted = queries.Source("planted.py", ast.parse(text), {})
    with pytest.raises((AssertionError, ValueError), match=r"cannot be read|malformed"):
        list(queries.shapes([planted]))


def test_an_order_that_runs_the_other_way_is_no_index():
    shape = Shape(collection="ledger", equal=frozenset({"day"}), descending="usd")
    assert "usd DESCENDING" in lacking(shape)


def test_records_of_the_tests_refuse_what_firestore_would(world):
    records = world.ports.records
    records.create("ledger", "a", {"recording": "r", "usd": 1.0})
    assert records.sum("ledger", "usd", {"recording": "r"}) == 1.0
    with pytest.raises(AssertionError, match="needs a composite index"):
        records.newest("ledger", "minute", 3, {"recording": "r"})
    with pytest.raises(AssertionError, match="exempts from indexing"):
        records.count("ledger", {"kind": "attempt"})


def test_every_index_is_used(found):
    used = {(one.collection, one.equal, one.descending or one.summed) for _, one in found}
    for index in DATA["indexes"]:
        *first, last = (one["fieldPath"] for one in index["fields"])
        assert (index["collectionGroup"], frozenset(first), last) in used


def test_only_fields_that_exist_are_exempted():
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
