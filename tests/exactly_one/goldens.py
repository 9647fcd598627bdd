"""What one release writes: a message of each topic, a document of each collection, from one made-up history.

`python -m tests.exactly_one.goldens > tests/exactly_one/golden/NAME.json` keeps that of the present release. Files of
earlier releases are never changed: each release must read what each of them wrote.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from shared.errors import EngineLimit
from shared.flow import dispatch, record, request, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, TranscribeRequest, request_to_json
from shared.recovery import fallback
from shared.state import failure_log
from shared.state.sweep_notes import SWEEPS
from shared.sweep import clock_steps, sweep
from tests.world import World, heard

TOPICS = ("chunks-cpu", "chunks-deepgram", "chunks-done", "transcripts-ready")


class Kept:
    """A queue that keeps what is published."""

    def __init__(self, queue):
        self._queue, self.messages = queue, {}

    def __getattr__(self, name):
        return getattr(self._queue, name)

    def publish(self, topic, data, attributes=None):
        self.messages.setdefault(topic, json.loads(data))
        return self._queue.publish(topic, data, attributes)

    def publish_many(self, topic, messages):
        kept = list(messages)
        for data, _ in kept:
            self.messages.setdefault(topic, json.loads(data))
        return self._queue.publish_many(topic, kept)


def written(folder):
    """Messages by topic and documents by collection."""
    world = World(Path(folder))
    world.clock.time = 1_795_176_000.0
    settings = replace(world.settings, chunk_minutes=0.5, budget_daily_usd=100.0)
    queue = Kept(world.ports.queue)
    ports = replace(
        world.ports, settings=settings, queue=queue, engines=frozenset({"parakeet-cpu", "deepgram"})
    )
    event = world.upload()
    asked = TranscribeRequest(uri="gs://audio/talk.wav", request_id="call-1")
    request.on_request({"messageId": "1", "data": request_to_json(asked).decode()}, ports)
    recording = upload.on_upload(event, ports)
    first = dispatch.missing(recording, ports)[0]
    failure_log.note(
        EngineLimit("x"), ports, where="parakeet-cpu", message_id="m", attempt=1, attributes={"recording": recording.id, "chunk": "0"}
    )  # fmt: skip
    fallback.hand_over(first, EngineLimit("x"), ports)
    for chunk in recording.chunks:
        commit_result(*heard(recording, chunk), ports)
        dispatch.say_done(recording.id, chunk.index, ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=1), ports)
    sweep.on_tick(ports)
    with world.database.read() as connection:
        keys = connection.execute("SELECT collection, key FROM documents ORDER BY collection, key").fetchall()
    documents = {}
    for collection, key in keys:
        if (collection, key) == (SWEEPS, clock_steps.MARK):
            continue  # of the several kinds in one collection, the earlier releases had another one first
        documents.setdefault(collection, ports.records.get(collection, key))
    world.close()
    return {"messages": queue.messages, "documents": documents}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as here:
        sys.stdout.write(json.dumps(written(here), indent=1, sort_keys=True, default=list) + "\n")
