"""A deployment whose recordings are transcribed when a test says so."""

from __future__ import annotations

import json

import pytest

from local.runtime.events import object_resource, pushed
from local.runtime.subscriptions import in_process
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from shared.state import documents
from tests.world import heard

SAID = "good evening everybody"
TEXT = f"{SAID}\n\n{SAID}"
"""Each of two chunks says it."""


@pytest.fixture
def take_in(world):
    """Delivers what was uploaded and asked for to the router."""

    def take_in():
        for source in list(world.ports.store.list("audio")):
            upload.on_upload(json.loads(object_resource(source)), world.ports)
        subscription = world.ports.queue.topology.subscription("requests")
        for one in world.pull("requests"):
            in_process(world.ports)["requests"](pushed(subscription, one))

    return take_in


@pytest.fixture
def transcribe(world):
    """Has all chunks of what is planned transcribed."""

    def transcribe():
        for recording in list(documents.recordings(world.ports.records, {"state": "PLANNED"})):
            for one in recording.chunks:
                chunk.commit_result(*heard(recording, one, SAID), world.ports)
            record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)

    return transcribe
