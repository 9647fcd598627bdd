"""A recording that is DONE."""

from __future__ import annotations

import pytest

from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from tests.world import heard


@pytest.fixture
def done(world):
    recording = upload.on_upload(world.upload("talk.wav"), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one, "Good evning everybody here."), world.ports)
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert ended is not None
    assert ended.state == "DONE"
    return ended
