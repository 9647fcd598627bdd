"""How documents are read and changed."""

from __future__ import annotations

from dataclasses import replace

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
