"""The console of a deployment in a temporary folder, without a network."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from console.security.access import Access
from console.server import application
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from tests.world import heard

TOKEN = "a token for tests"
SAID = "Good evning everybody here."


@pytest.fixture
def client(world):
    app = application(world.ports, Access(token=TOKEN))
    with TestClient(
        app, base_url="http://127.0.0.1:8610", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as one:
        yield one


@pytest.fixture
def planned(world):
    """A recording in several chunks; nothing is transcribed yet."""
    world.media.info = replace(world.media.info, duration=150.0)
    return upload.on_upload(world.upload("talks/talk.wav", **{"dropscribe-label": "sales"}), world.ports)


@pytest.fixture
def finish(world):
    """Gives `finish(recording, chunks)`: chunks that come in."""

    def done(recording, chunks=None, text=SAID):
        for one in recording.chunks if chunks is None else chunks:
            chunk.commit_result(*heard(recording, one, text), world.ports)
        return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)

    return done


@pytest.fixture
def done(planned, finish):
    """A recording with a transcript."""
    return finish(planned)
