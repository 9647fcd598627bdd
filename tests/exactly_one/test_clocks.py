"""Whoever sets the clock of the machine neither rests the flow nor has anything done twice."""

from __future__ import annotations

import pytest

from shared.flow import chunk, record, upload
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.state import documents
from tests.world import World, heard


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_clock_that_is_set_while_chunks_are_in_hand_changes_nothing(tmp_path, step):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    queue = world.ports.queue
    recording = upload.on_upload(world.upload(), world.ports)
    world.clock.step(step)
    (first,) = queue.pull("cpu-worker", 1, 60.0)
    world.clock.step(step)
    (second,) = queue.pull("cpu-worker", 9, 60.0)
    world.clock.step(-3 * step)
    assert queue.pull("cpu-worker", 9, 60.0) == []
    for delivery in (first, second):
        message = decode(delivery.data, ChunkMessage)
        chunk.commit_result(*heard(recording, message.chunk), world.ports)
        assert queue.ack("cpu-worker", delivery.lease)
    assert len(world.pull("merger")) == 2
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "DONE"
    assert world.ports.records.count(documents.LEDGER) == 2
    world.close()
