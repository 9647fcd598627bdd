"""Between the steps: publish the chunks of a plan, a chunk that was handed over, and that a chunk is done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared import engines
from shared.clock import seconds_since
from shared.errors import UnderWay
from shared.flow import capacity, transcript_files
from shared.messages import CHUNKS_DONE, ChunkDone, ChunkMessage, encode
from shared.planning import worker_pools
from shared.routing import flags
from shared.state import claims, documents
from shared.telemetry import attributes

if TYPE_CHECKING:
    from shared.model import Chunk, Engine, Recording
    from shared.ports import Ports
    from shared.state.claims import Claim


PUBLISHED_WITHIN = 30.0
"""Seconds that the maker of a plan has to publish it; after that others do."""


def publish_chunks(recording: Recording, ports: Ports, *, again: bool = False, ours: bool = False) -> None:
    """Publish the chunks of a frozen plan that have no result yet, and start workers for them.

    Args:
        recording: as it is stored.
        ports: the adapters to use.
        again: publish all of them, because published messages may be lost. If all have a result, the last chunk
            is published as done again, in case the merger died before it handled it. False: publish only those
            that have never been published.
        ours: this process made the plan, or continued it, and so is the one to publish it.

    Raises:
        UnderWay: another process is about to publish them; look again later.
        Transient: some may have been published; publish again.
    """
    if recording.state == "PLANNED":
        with documents.about(recording):
            _publish_chunks(recording, ports, again=again, ours=ours)


def _publish_chunks(recording: Recording, ports: Ports, *, again: bool, ours: bool) -> None:
    count = len(recording.chunks)
    if recording.published >= count and not again:
        return
    since = seconds_since(recording.planned or 0.0, ports.clock.now())
    if not (again or ours) and since < PUBLISHED_WITHIN:
        # Of two deliveries of one message at one time, one publishes: what both publish may be paid twice.
        raise UnderWay(f"another process planned {recording.id} {since:.0f} s ago, and publishes it")
    first = 0 if again else recording.published
    # Whose files are decided and rendered needs no engine any more, only the merger.
    decided = bool(recording.files) and transcript_files.kept(recording, ports) is not None
    left = () if decided else missing(recording, ports)
    waiting = [one for one in left if recording.position(one.chunk.index) >= first]
    by_topic: dict[str, list[tuple[bytes, dict[str, str]]]] = {}
    for message in waiting:
        topic = topic_of(message.recording, message.chunk.engine, ports)
        by_topic.setdefault(topic, []).append((encode(message), attributes_of(message)))
    # What only a newer version can publish is left to it, untouched.
    if not (again or ours):
        recording = _taken_over(recording, ports)
    for topic, messages in by_topic.items():
        ports.queue.publish_many(topic, messages)

    def noted(stored: Recording) -> Recording | None:
        # It may have been tried again, or another engine took over all of it meanwhile: then these messages are void. If it was continued,
        # or has lost results or messages, there is more to publish, by the process that found that or by the next sweep.
        same = (stored.life, stored.planned) == (recording.life, recording.planned)
        same = same and stored.chunks == recording.chunks
        return replace(stored, published=count) if same and stored.published < count else None

    if recording.published < count:
        documents.change_recording(ports, recording.id, noted)
    waited = ports.clock.now() - recording.created
    capacity.start_for(recording.id, [one.chunk for one in waiting], ports, waited)
    if not waiting:
        say_done(recording.id, recording.chunks[-1].index, ports)


def _taken_over(recording: Recording, ports: Ports) -> Recording:
    """The recording, which this process publishes from now on instead of the maker of its plan: of several, one does.

    Raises:
        UnderWay: another one does.
    """

    def to_ours(stored: Recording) -> Recording | None:
        same = (stored.planned, stored.published) == (recording.planned, recording.published)
        return replace(stored, planned=planned_anew(stored, ports)) if same else None

    changed = documents.change_recording_first(ports, recording.id, to_ours)
    if not changed.by_us:
        raise UnderWay(f"another process has just begun to publish {recording.id} in place of one that died")
    return changed.record


def planned_anew(recording: Recording, ports: Ports) -> float:
    """When a recording is planned again, seconds since 1970: later than before, which tells who has read it before."""
    return max(ports.clock.now(), (recording.planned or 0.0) + 0.001)


def forget_published(key: str, ports: Ports) -> Recording | None:
    """Note that the messages of a recording are gone: the next event publishes what has no result.

    Returns:
        The recording as it stands afterwards, or None if there is none.
    """

    def unpublished(stored: Recording) -> Recording | None:
        # Also where nothing is noted as published: the process that is about to note it may not.
        out = stored.state == "PLANNED" and (stored.published or stored.planned is not None)
        return replace(stored, planned=None, published=0) if out else None

    return documents.change_recording(ports, key, unpublished)


def missing(recording: Recording, ports: Ports) -> list[ChunkMessage]:
    """The messages of a recording's chunks without a result, each for the engine that owns it now."""
    done = documents.done_of(recording, ports.records)
    claimed = claims.of_recording(recording.id, ports.records)
    return [
        chunk_message(recording, chunk, claimed.get(chunk.index), ports)
        for chunk in recording.chunks
        if chunk.index not in done
    ]


def publish_turn(recording: Recording, claim: Claim, ports: Ports) -> None:
    """Publish the message of a chunk that was handed over, and note that it is published; one of an earlier plan is not published.

    Raises:
        Transient: it may be published anyway; the next delivery of the old message publishes it again.
    """
    if (found := recording.chunk(claim.index)) is not None:
        message = chunk_message(recording, found, claim, ports)
        with documents.about(recording, claim.index):
            ports.queue.publish(
                topic_of(recording.id, claim.engine, ports), encode(message), attributes_of(message)
            )

    def out(stored: Claim) -> Claim | None:
        return replace(stored, published=True) if stored.turn == claim.turn and not stored.published else None

    claims.change(claim, out, ports)


def publish_again(message: ChunkMessage, ports: Ports, *, counts: bool = True) -> None:
    """Publish a message whose deliveries ran out; it says how often that was done, those left out that do not count.

    Raises:
        Transient: it may be published anyway.
    """
    again = replace(message, again=message.again + 1) if counts else message
    topic = topic_of(message.recording, message.chunk.engine, ports)
    ports.queue.publish(topic, encode(again), attributes_of(message))


def topic_of(recording: str, engine: Engine, ports: Ports) -> str:
    """The topic of a recording's chunks for an engine: that of the next release for those on which it is tried."""
    spec = engines.spec(engine)
    settings = flags.read(ports).applied(ports.settings)
    return spec.canary_topic if worker_pools.on_canary(recording, engine, settings) else spec.topic


def chunk_message(recording: Recording, chunk: Chunk, claim: Claim | None, ports: Ports) -> ChunkMessage:
    """The message that gives a chunk to the engine that owns it."""
    assert recording.audio is not None, "set with the plan"
    assert recording.decision is not None, "set with the plan"
    engine = chunk.engine if claim is None else claim.engine
    planned, hosted = recording.decision.model, engines.is_hosted(engine)
    frozen = recording.weights.get(engine, "")
    model = planned if hosted else frozen or _model_of_now(planned, recording, ports)
    return ChunkMessage(
        recording=recording.id,
        source=recording.source,
        options=recording.options,
        audio=recording.audio,
        chunk=replace(chunk, engine=engine),
        model=model,
        hosted_model=frozen if hosted else "",
        turn=0 if claim is None else claim.turn,
        tried=recording.given_up if claim is None else claim.tried,
        life=recording.life,
        planned=recording.planned or 0.0,
    )


def _model_of_now(planned: str, recording: Recording, ports: Ports) -> str:
    """The weights of our engines for a recording that was planned before weights were part of the plan."""
    if planned in {one.hosted.weights for one in engines.hosted_specs() if one.hosted}:
        # It was planned for a hosted engine, which has weights of its own.
        return recording.options.model or ports.settings.model
    return planned


def attributes_of(message: ChunkMessage) -> dict[str, str]:
    """The Pub/Sub attributes of a message, for those who do not read its data."""
    return {"recording": message.recording, "chunk": str(message.chunk.index)} | attributes()


def say_done(recording: str, index: int, ports: Ports) -> None:
    """Publish to the merger that a chunk has its result."""
    message = encode(ChunkDone(recording=recording, index=index))
    ports.queue.publish(CHUNKS_DONE, message, {"recording": recording, "chunk": str(index)} | attributes())
