"""Between the steps: publish the chunks of a plan, and say that a chunk is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.flow import capacity, documents
from shared.messages import CHUNKS_DEEPGRAM, CHUNKS_DONE, CHUNKS_GPU, ChunkDone, ChunkMessage, encode

if TYPE_CHECKING:
    from shared.model import Recording
    from shared.ports import Ports


def publish_chunks(recording: Recording, ports: Ports) -> None:
    """Publish the chunks of a frozen plan that have no result yet, and see that workers run.

    Where all have one, the merger is told again: it may have died before it heard of the last.
    """
    if recording.state != "PLANNED":
        return
    assert recording.audio is not None, "a plan comes with what the probe found"
    assert recording.decision is not None, "and with its decision"
    results = ports.records.query(documents.CHUNKS, {"recording": recording.id})
    done = {fields["index"] for _, fields in results}
    missing = [chunk for chunk in recording.chunks if chunk.index not in done]
    by_topic: dict[str, list[tuple[bytes, dict[str, str]]]] = {}
    for chunk in missing:
        message = ChunkMessage(
            recording=recording.id,
            source=recording.source,
            options=recording.options,
            audio=recording.audio,
            chunk=chunk,
            model=recording.decision.model,
        )
        topic = CHUNKS_DEEPGRAM if chunk.engine == "deepgram" else CHUNKS_GPU
        attributes = {"recording": recording.id, "chunk": str(chunk.index)}
        by_topic.setdefault(topic, []).append((encode(message), attributes))
    for topic, messages in by_topic.items():
        ports.queue.publish_many(topic, messages)
    waited = ports.clock.now() - recording.created
    capacity.start_workers(sum(map(capacity.needs_worker, missing)), ports, waited)
    if not missing:
        say_done(recording.id, max(done), ports)


def say_done(recording: str, index: int, ports: Ports) -> None:
    """Tell the merger that a chunk has its result."""
    message = encode(ChunkDone(recording=recording, index=index))
    ports.queue.publish(CHUNKS_DONE, message, {"recording": recording, "chunk": str(index)})
