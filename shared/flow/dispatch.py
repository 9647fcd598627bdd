"""Between the steps: publish the chunks of a plan, a chunk that was handed on, and that a chunk is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared import engines
from shared.flow import capacity
from shared.messages import (
    CHUNKS_DONE,
    ChunkDone,
    ChunkMessage,
    encode,
)
from shared.state import claims, documents

if TYPE_CHECKING:
    from shared.model import Chunk, Recording
    from shared.ports import Ports
    from shared.state.claims import Claim


def publish_chunks(recording: Recording, ports: Ports) -> None:
    """Publish the chunks of a frozen plan that have no result yet, and start workers for them.

    Each goes to the engine that owns it now. If all have a result, the last chunk is published as done again, in
    case the merger died before it handled it.
    """
    if recording.state != "PLANNED":
        return
    waiting = missing(recording, ports)
    by_topic: dict[str, list[tuple[bytes, dict[str, str]]]] = {}
    for message in waiting:
        topic = engines.spec(message.chunk.engine).topic
        by_topic.setdefault(topic, []).append((encode(message), attributes_of(message)))
    for topic, messages in by_topic.items():
        ports.queue.publish_many(topic, messages)
    waited = ports.clock.now() - recording.created
    capacity.start_for([one.chunk for one in waiting], ports, waited)
    if not waiting:
        say_done(recording.id, len(recording.chunks) - 1, ports)


def missing(recording: Recording, ports: Ports) -> list[ChunkMessage]:
    """The messages of a recording's chunks without a result, each for the engine that owns it now.

    Raises:
        Transient: the records did not answer.
    """
    results = ports.records.query(documents.CHUNKS, {"recording": recording.id})
    done = {fields["index"] for _, fields in results}
    claimed = claims.of_recording(recording.id, ports.records)
    return [
        chunk_message(recording, chunk, claimed.get(chunk.index), ports)
        for chunk in recording.chunks
        if chunk.index not in done
    ]


def publish_turn(recording: Recording, claim: Claim, ports: Ports) -> None:
    """Publish the message of a chunk that was handed on, and note that it is published.

    Raises:
        Transient: it may be published anyway; the next delivery of the old message publishes it again.
    """
    message = chunk_message(recording, recording.chunks[claim.index], claim, ports)
    ports.queue.publish(engines.spec(claim.engine).topic, encode(message), attributes_of(message))

    def out(stored: Claim) -> Claim | None:
        return replace(stored, published=True) if stored.turn == claim.turn and not stored.published else None

    claims.change(claim, out, ports)


def chunk_message(recording: Recording, chunk: Chunk, claim: Claim | None, ports: Ports) -> ChunkMessage:
    """The message that gives a chunk to the engine that owns it."""
    assert recording.audio is not None, "set with the plan"
    assert recording.decision is not None, "set with the plan"
    engine = chunk.engine if claim is None else claim.engine
    model = recording.decision.model
    if not engines.is_hosted(engine) and model in {
        one.hosted.weights for one in engines.hosted_specs() if one.hosted
    }:
        # The chunk was planned for a hosted engine, which has weights of its own.
        model = recording.options.model or ports.settings.model
    return ChunkMessage(
        recording=recording.id,
        source=recording.source,
        options=recording.options,
        audio=recording.audio,
        chunk=replace(chunk, engine=engine),
        model=model,
        turn=0 if claim is None else claim.turn,
        tried=() if claim is None else claim.tried,
    )


def attributes_of(message: ChunkMessage) -> dict[str, str]:
    """The Pub/Sub attributes of a message, for those who do not read its data."""
    return {"recording": message.recording, "chunk": str(message.chunk.index)}


def say_done(recording: str, index: int, ports: Ports) -> None:
    """Publish to the merger that a chunk has its result."""
    message = encode(ChunkDone(recording=recording, index=index))
    ports.queue.publish(CHUNKS_DONE, message, {"recording": recording, "chunk": str(index)})
