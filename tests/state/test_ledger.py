from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import chunk
from shared.state import documents, ledger
from tests.attempts import message_of_an_upload, row_of
from tests.world import heard, ledger_rows


@pytest.fixture
def message(world):
    return message_of_an_upload(world)


def test_an_attempt_has_one_row_however_often_it_is_written(world, message):
    assert ledger.write(row_of(message, world.ports), world.ports)
    world.clock.time += 5
    assert not ledger.write(row_of(message, world.ports), world.ports)
    assert ledger.write(row_of(message, world.ports, attempt="m-2", outcome="failed"), world.ports)
    assert len(ledger_rows(world.ports)) == 2


def test_a_day_is_a_date_in_utc():
    assert ledger.day_of(1_795_132_799.9) == "2026-11-19"
    assert ledger.day_of(1_795_132_800.0) == "2026-11-20"


def test_the_document_of_a_chunk_names_the_attempt_whose_result_stands(world, message):
    recording = documents.get_recording(world.ports.records, message.recording)
    first, first_row = heard(recording, message.chunk, attempt="m-1")
    second, second_row = heard(recording, message.chunk, attempt="m-2", text="four five")
    create = world.ports.records.create

    def dying(collection, *rest):
        if collection == documents.CHUNKS:
            raise RuntimeError("killed")
        return create(collection, *rest)

    records = type("Dying", (), {"create": staticmethod(dying)})()
    with pytest.raises(RuntimeError):
        chunk.commit_result(first, first_row, replace(world.ports, records=records))
    chunk.commit_result(second, second_row, world.ports)
    key = documents.chunk_key(recording.id, message.chunk.index)
    assert world.ports.records.get(documents.CHUNKS, key) == {
        "recording": recording.id, "index": message.chunk.index, "engine": "parakeet-cpu", "attempt": "m-1",
        "minute": int(world.clock.time // 60),
    }  # fmt: skip
    assert {row.attempt for row in ledger_rows(world.ports)} == {"m-1", "m-2"}
