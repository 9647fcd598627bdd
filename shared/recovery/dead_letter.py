"""A message was delivered too often. Keep it, and give its chunk to another engine.

If there is no other engine, or the message is not about a chunk, its recording ends with a reason.
Otherwise a recording whose messages were dead-lettered would stay PLANNED for ever.

Deliveries say nothing about a chunk: its workers may have been killed while processing it, or storage was unavailable. If its
engine did not fail often enough, its message is published again. What kills its worker is known by its rows
(`shared/recovery/poison.py`); whatever else leaves no trace ends after some rounds. While a hosted engine is busy with
other chunks, or the place of an upload is not there, as an inbox on a drive that is not mounted, nothing counts.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from shared.clock import seconds_since
from shared.engines import spec
from shared.errors import BadRequest, NewerVersion, Permanent
from shared.flow import chunk, dispatch, erase, record, upload
from shared.messages import TRANSCRIBE_REQUESTS, ChunkDone, ChunkMessage, decode, readable_part
from shared.model import Options, Recording, StoredObject
from shared.recovery import fallback
from shared.state import answers, dead_letters, documents, failure_log, ledger
from shared.state.dead_letters import COUNT, ERROR, SOURCE
from shared.telemetry import log
from shared.topology import topology

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shared.messages import TranscribeRequest
    from shared.ports import Ports
    from shared.state.failure_log import About

Message = TypeVar("Message")

MOST_ROUNDS = 5
"""How often a message is published again without enough failures: together an hour of deliveries, or more."""

QUEUED_FOR = 6 * 3600.0
"""Seconds that a chunk may wait for its turn while others are being done."""

LATELY = 10
"""Minutes in which an engine that is at work has done a chunk: as long as a call may take."""

UNSAID = "the reason is unknown, because the process was killed or took too long. Check its log"
"""The reason if no attempt left a note."""


def on_dead_letter(message: Mapping[str, Any], ports: Ports) -> None:
    """Keep a dead letter; publish its chunk again, give it to another engine, or fail its recording.

    The message is as push delivers it: base64 `data`, `attributes`, `messageId`.

    What only a newer version can read is left to the newer version's sweeper, which pushes what is stuck.
    """
    data = dead_letters.keep(message, ports)
    attributes = message.get("attributes") or {}
    about = failure_log.about(attributes, data, attributes.get(SOURCE, ""))
    try:
        recording = documents.get_recording(ports.records, about.recording) if about.recording else None
        if _is_forgotten(recording, about, ports):
            dead_letters.discard(dead_letters.key_of(message, data), ports.records)
        else:
            _act(message, data, about, recording, ports)
    except NewerVersion as error:
        log.error("a dead letter is kept, and its recording left to the sweeper: %s", error)


def _is_forgotten(recording: Recording | None, about: About, ports: Ports) -> bool:
    """Whether a dead letter is about a recording that is deleted; then it is not kept either."""
    if recording is not None and recording.state == "DELETED":
        erase.again(recording, ports)
        return True
    asked = answers.find(about.request, ports.records) if about.request else None
    if asked is None or not asked.forgotten:
        return False
    erase.forget_failures(about.request, ports)
    return True


def _act(
    message: Mapping[str, Any], data: bytes, about: About, recording: Recording | None, ports: Ports
) -> None:
    attributes = message.get("attributes") or {}
    where, times = attributes.get(SOURCE, "?"), attributes.get(COUNT, "?")
    noted = failure_log.last_reasons(about, ports.records)
    said = noted or attributes.get(ERROR) or UNSAID
    log.error("gave up a message of %s after %s deliveries: %s", where, times, said)
    tries = f"Gave up after {times} tries in {where}: {said.rstrip('. ')}."
    reason = f"{tries} Transcribe it again to start over."
    lost, done = _read(data, ChunkMessage), _read(data, ChunkDone)
    if recording is not None and done is not None:
        # Its set may be complete by now, or its recording ended; what is missing comes with other messages.
        record.on_chunk_done(done, ports)
    elif recording is not None and not recording.ended and (why := ports.out_of_reach(recording)):
        _wait(recording, lost, why, ports)
    elif recording is not None and lost is not None:
        _go_on(lost, tries, reason, ports)
    elif recording is not None:
        # An upload's event names no recording.
        if attributes.get("recording") or _is_hopeless(recording, ports):
            record.fail(recording.id, Permanent(reason), ports)
    elif (request := readable_part(data)) is not None and (why := ports.out_of_reach(_asked(request, ports))):
        log.warning("request %s is sent again: %s", request.request_id, why)
        ports.queue.publish(TRANSCRIBE_REQUESTS, data, {"request_id": request.request_id})
    elif request is not None:
        answers.refuse(request, Permanent(reason), ports)


def _asked(request: TranscribeRequest, ports: Ports) -> Recording:
    """The recording that a request asks for; before its file was looked at, one of the place that it names."""
    asked = answers.find(request.request_id, ports.records)
    if asked is None or asked.source is None:
        bucket, _, name = request.uri.partition("://")[2].partition("/")
        place = StoredObject(bucket=bucket, name=name, generation=0, size=0)
        return upload.first_seen(place, Options(), ports)
    known = documents.get_recording(ports.records, asked.recording)
    return known or upload.first_seen(asked.source, asked.options, ports)


def _wait(recording: Recording, lost: ChunkMessage | None, why: str, ports: Ports) -> None:
    """Let a recording wait for its file, whatever was tried so far."""
    if lost is None:
        log.warning("%s is left to the sweeper: %s", recording.id, why)
    elif chunk.is_wanted(lost, ports):
        log.warning("chunk %d of %s is sent again: %s", lost.chunk.index, recording.id, why)
        dispatch.publish_again(lost, ports, counts=False)


def _go_on(lost: ChunkMessage, tries: str, reason: str, ports: Ports) -> None:
    """Give a chunk to the next engine if its own failed often enough, else to its own again."""
    if _counts_against(lost, ports):
        handed = fallback.hand_over(lost, Permanent(tries), ports)
        if not handed.done:
            fallback.end(lost, Permanent(reason), ports, handed)
    elif chunk.is_wanted(lost, ports):
        log.warning("chunk %d of %s is sent again: its engine did not fail", lost.chunk.index, lost.recording)
        dispatch.publish_again(lost, ports, counts=not _waits_for_its_turn(lost, ports))


def _waits_for_its_turn(message: ChunkMessage, ports: Ports) -> bool:
    """Whether a hosted engine is busy with other chunks and never began with this one.

    Where all instances of its function are busy, the platform refuses deliveries, and each counts.
    """
    engine, now = message.chunk.engine, ports.clock.now()
    if not spec(engine).hosted or seconds_since(message.planned, now) > QUEUED_FOR:
        return False
    if ledger.numbered(message.recording, message.chunk.index, engine, ports):
        return False
    minutes = range(int(now // 60) - LATELY, int(now // 60) + 1)
    return any(ports.records.count(documents.CHUNKS, {"minute": one, "engine": engine}) for one in minutes)


def _counts_against(message: ChunkMessage, ports: Ports) -> bool:
    """Whether an engine has failed so often at a chunk that another one should have it.

    The failures of a service pass, so it has as many tries as there are deliveries, those left out in which another
    one was at work on the chunk.
    """
    engine = spec(message.chunk.engine)
    most = topology().subscription(engine.subscription).max_attempts if engine.hosted else None
    enough = most or fallback.MOST_FAILURES
    return message.again >= MOST_ROUNDS or len(fallback.failures(message, ports)) >= enough


def _is_hopeless(recording: Recording, ports: Ports) -> bool:
    """Whether the event of an upload failed so often that its recording fails; with a plan, its work is done.

    Deliveries say nothing here either: if the router was killed each time, the sweep goes on with the recording.
    """
    if recording.state != "ACCEPTED":
        return False
    return len(failure_log.of_recording(recording, ports.records)) >= fallback.MOST_FAILURES


def _read(data: bytes, kind: type[Message]) -> Message | None:
    with contextlib.suppress(BadRequest):
        return decode(data, kind)
    return None
