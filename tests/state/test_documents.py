"""How documents are read and changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from shared.errors import BadRequest
from shared.flow import upload
from shared.state import documents


def test_put_writes_whether_there_was_a_document_or_not(world):
    for number in (1, 2):
        documents.put("c", "k", {"n": number}, world.ports)
        assert world.ports.records.get("c", "k") == {"n": number}


def test_keys_of_chunks_are_in_the_order_of_the_chunks():
    assert documents.chunk_key("r", 7) == "r.00007"
    assert documents.chunk_key("r", 9) < documents.chunk_key("r", 10)


def test_a_recording_is_read_changed_and_left(world):
    recording = upload.on_upload(world.upload(), world.ports)
    records = world.ports.records
    assert documents.get_recording(records, recording.id).source == recording.source
    assert documents.get_recording(records, "nobody") is None
    done = documents.change_recording(world.ports, recording.id, lambda one: replace(one, held="wait"))
    assert documents.change_recording(world.ports, recording.id, lambda _: None) == done
    assert documents.get_recording(records, recording.id).held == "wait"
    assert documents.change_recording(world.ports, "nobody", lambda one: one) is None


def test_recordings_are_found_by_their_fields(world):
    for name in ("a.wav", "b.wav"):
        upload.on_upload(world.upload(name), world.ports)
    assert {one.source.name for one in documents.recordings(world.ports.records)} == {"a.wav", "b.wav"}
    assert list(documents.recordings(world.ports.records, {"state": "DONE"})) == []
    assert len(list(documents.recordings(world.ports.records, {"state": "PLANNED"}))) == 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A record in a record."""

    name: str
    times: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What this version knows of a document."""

    n: int = 0
    one: Item | None = None
    items: tuple[Item, ...] = ()
    by_name: dict[str, int] = field(default_factory=dict)


def changed(world, stored, how):
    world.ports.records.create("c", "k", stored)
    documents.change("c", "k", Known, how, world.ports.records)
    return world.ports.records.get("c", "k")


def test_a_change_leaves_the_fields_of_a_newer_version_alone_also_in_records_inside(world):
    stored = {"n": 1, "newer": {"x": 1}, "one": {"name": "a", "newer": [1]}}
    after = changed(world, stored, lambda one: replace(one, n=2, one=replace(one.one, times=3)))
    assert after == {
        "n": 2, "newer": {"x": 1}, "one": {"name": "a", "times": 3, "newer": [1]}, "items": [], "by_name": {},
    }  # fmt: skip


def test_records_of_a_list_keep_the_fields_of_a_newer_version_wherever_they_go(world):
    stored = {"items": [{"name": "a", "newer": 1}, {"name": "b", "newer": 2}, {"name": "c", "newer": 3}]}

    def how(one):
        _, b, c = one.items
        return replace(one, items=(b, Item(name="d"), replace(c, times=7)))

    assert changed(world, stored, how)["items"] == [
        {"name": "b", "times": 0, "newer": 2},
        {"name": "d", "times": 0},
        {"name": "c", "times": 7, "newer": 3},
    ]


def test_a_name_that_is_taken_out_of_a_mapping_is_gone(world):
    after = changed(world, {"by_name": {"a": 1, "b": 2}}, lambda one: replace(one, by_name={"b": 3}))
    assert after["by_name"] == {"b": 3}


def test_a_change_makes_the_document_from_its_first_record_and_replaces_a_damaged_one(world, caplog):
    records = world.ports.records

    def one_more(one):
        return replace(one, n=one.n + 1)

    assert documents.change("c", "k", Known, one_more, records) is None
    for number in (6, 7):
        assert documents.change("c", "k", Known, one_more, records, first=Known(n=5)).n == number
    records.update("c", "k", lambda _: {"n": "seven"})
    with pytest.raises(BadRequest):
        documents.change("c", "k", Known, one_more, records)
    assert documents.change("c", "k", Known, one_more, records, first=Known(n=5)).n == 6
    assert "c/k cannot be read" in caplog.text
    assert documents.change("c", "k", Known, lambda _: None, records, first=Known(n=5)).n == 6


def test_of_several_that_would_make_a_change_one_is_told_that_it_did(world):
    world.ports.records.create("c", "k", {"n": 1})

    def to_two(one):
        return replace(one, n=2) if one.n == 1 else None

    told = [documents.change_first("c", "k", Known, to_two, world.ports.records) for _ in range(2)]
    assert [(one.record.n, one.by_us) for one in told] == [(2, True), (2, False)]
    assert documents.change_first("c", "none", Known, to_two, world.ports.records) is None
