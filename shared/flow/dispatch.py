"""Between the steps: publish the chunks of a plan, hand one on, and say that one is done."""

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


def publish_chunks(recording: Recording, ports: Ports, *, again: bool = False) -> None:
    """Publish chunks of a frozen plan that have no result yet, each to its engine, and see that workers run.

    Args:
        recording: as it is stored.
        ports: the adapters to use.
        again: publish all of them, because the messages that were published may be lost. If all have a result,
            the merger is told again: it may have died before it heard of the last. False: only those that have
            never been published.

    Raises:
        Transient: some may have been published; publish again.
    """
    if recording.state != "PLANNED":
        return
    count = len(recording.chunks)
    if recording.published >= count and not again:
        return
    first = 0 if again else recording.published
    waiting = [one for one in missing(recording, ports) if one.chunk.index >= first]
    by_topic: dict[str, list[tuple[bytes, dict[str, str]]]] = {}
    for message in waiting:
        topic = engines.spec(message.chunk.engine).topic
        by_topic.setdefault(topic, []).append((encode(message), attributes_of(message)))
    for topic, messages in by_topic.items():
        ports.queue.publish_many(topic, messages)

    def noted(stored: Recording) -> Recording | None:
        return replace(stored, published=count) if stored.published < count <= len(stored.chunks) else None

    if recording.published < count:
        documents.change_recording(ports, recording.id, noted)
    waited = ports.clock.now() - recording.created
    capacity.start_for([one.chunk for one in waiting], ports, waited)
    if not waiting:
        say_done(recording.id, count - 1, ports)


def missing(recording: Recording, ports: Ports) -> list[ChunkMessage]:
    """The messages of the chunks of a recording that have no result, each for the engine whose it is now.

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
    """Publish the message of a chunk that was handed on, and note that it is out.

    Raises:
        Transient: it may be out all the same; whoever comes next publishes it again.
    """
    message = chunk_message(recording, recording.chunks[claim.index], claim, ports)
    ports.queue.publish(engines.spec(claim.engine).topic, encode(message), attributes_of(message))

    def out(stored: Claim) -> Claim | None:
        return replace(stored, published=True) if stored.turn == claim.turn and not stored.published else None

    claims.change(claim, out, ports)


def chunk_message(recording: Recording, chunk: Chunk, claim: Claim | None, ports: Ports) -> ChunkMessage:
    """The message that gives a chunk to the engine whose it is."""
    assert recording.audio is not None, "a plan comes with what the probe found"
    assert recording.decision is not None, "and with its decision"
    engine = chunk.engine if claim is None else claim.engine
    model = recording.decision.model
    if not engines.is_hosted(engine) and model in {
        one.hosted.weights for one in engines.hosted_specs() if one.hosted
    }:
        # It was planned for a hosted engine, which has weights of its own.
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
    """What can be told of a message without reading it."""
    return {"recording": message.recording, "chunk": str(message.chunk.index)}


def say_done(recording: str, index: int, ports: Ports) -> None:
    """Tell the merger that a chunk has its result."""
    message = encode(ChunkDone(recording=recording, index=index))
    ports.queue.publish(CHUNKS_DONE, message, {"recording": recording, "chunk": str(index)})
