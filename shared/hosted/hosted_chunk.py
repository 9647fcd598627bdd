"""Step 5 for a hosted engine: give it one chunk, keep its result and its charge.

A recording of one chunk is given by its address if the store has one, so that none of it passes through this
process. Anything else is decoded here, and its samples are sent.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shared import concurrency
from shared.engines import spec
from shared.errors import (
    ConfigurationError,
    Damaged,
    EngineFailed,
    EngineLimit,
    EngineRefused,
    Permanent,
    UnderWay,
)
from shared.flow import chunk, dispatch, speakers
from shared.flow.reading import peaks
from shared.hosted.audio_budget import audio_budget_of
from shared.hosted.hosted_call import (
    PATIENCE,
    Answer,
    Call,
    NotWanted,
    row_of,
    service_of,
    weights_of,
)
from shared.hosted.hosted_result import NOTHING, Stretch, result_of
from shared.recovery import fallback
from shared.routing.speakers import LONGEST_SENT
from shared.state import failure_log, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.messages import ChunkMessage
    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import ChunkResult, Heard, LedgerRow

ADDRESS_LIFE = 900.0
"""Seconds for which an address is valid: it is read at once, however long the transcript takes."""
SHORTEST = 0.1
"""Least seconds of audio that may contain a word."""
USUAL = 3600.0
"""Assumed length of a recording of unknown length, seconds."""

_at_work: dict[tuple[object, ...], object] = {}
"""On one machine: the chunks that this process has in hand. Their rows say so too, but by the wall clock."""


def on_chunk(
    message: ChunkMessage,
    ports: Ports,
    *,
    message_id: str,
    delivery: int = 0,
    stop: concurrency.Event | None = None,
) -> None:
    """Have one chunk transcribed, unless it has a result. Every call of the engine has its row in the ledger.

    A fault of the recording ends the recording. If the engine refuses to work for this deployment, or was paid three
    times without a result, another engine gets the chunk. Whatever else goes wrong raises, so that the message is
    delivered again: a temporary failure, no other engine, or another delivery at work on the chunk.

    Args:
        message: the chunk.
        ports: the adapters to use.
        message_id: the same for every delivery of the message.
        delivery: number of this delivery, from 1; 0 if the sender does not say.
        stop: set when this process has to end: from then on an answer that cannot be stored is dropped.
    """
    try:
        recording = chunk.recording_of(message, ports)
    except Damaged as error:
        fallback.give_up(message, error, ports)
        return
    if recording is None:
        return
    with _in_hand(message, ports):
        call = Call(message=message, ports=ports, give_up_at=concurrency.monotonic() + PATIENCE, stop=stop)
        _have_transcribed(call, recording, message_id, delivery)


@contextmanager
def _in_hand(message: ChunkMessage, ports: Ports) -> Iterator[None]:
    """Raises UnderWay if this process, the only one of its machine for this engine, is at work on the chunk already."""
    if not ports.process:
        yield
        return
    key = (ports.process, message.recording, message.chunk.index, message.chunk.engine)
    mine = object()
    if _at_work.setdefault(key, mine) is not mine:
        raise UnderWay(f"Another delivery of chunk {message.chunk.index} of {message.recording} is at work.")
    try:
        yield
    finally:
        del _at_work[key]


def _have_transcribed(call: Call, recording: Recording, message_id: str, delivery: int) -> None:
    message, ports = call.message, call.ports
    try:
        result, row = _transcribe(call, recording)
        call.store(lambda: chunk.commit_result(result, row, ports, source=message.source))
    except NotWanted:
        return
    except (EngineRefused, EngineFailed, Permanent) as error:
        if not call.store(partial(_given_up, message, error, ports)):
            raise
        # What is raised is noted by `functions/outcome.py`.
        failure_log.note(
            error,
            ports,
            where=message.chunk.engine,
            message_id=message_id,
            attempt=delivery,
            attributes=dispatch.attributes_of(message),
        )


def _given_up(message: ChunkMessage, error: EngineRefused | EngineFailed | Permanent, ports: Ports) -> bool:
    """Give a chunk up, if this engine is not to have it again; whether nothing is left to do about its message."""
    if isinstance(error, Permanent):
        fallback.give_up(message, error, ports)
        return True
    return _another_should(message, error, ports) and fallback.hand_over(message, error, ports).done


def _another_should(message: ChunkMessage, error: EngineRefused | EngineFailed, ports: Ports) -> bool:
    """Whether another engine should get the chunk: this one refuses, or its charged answers were lost repeatedly."""
    if isinstance(error, EngineRefused):
        return True
    if error.billed_seconds is None:
        return False
    now = ports.clock.now()
    rows = ledger.numbered(message.recording, message.chunk.index, message.chunk.engine, ports)
    lost = [row for row in rows if row.life == message.life and ledger.as_of(row, now).outcome == "lost"]
    return len(lost) >= fallback.MOST_FAILURES


def _transcribe(call: Call, recording: Recording) -> tuple[ChunkResult, LedgerRow]:
    message, ports = call.message, call.ports
    url = _address(message, ports) if len(recording.chunks) == 1 else None
    if url is not None:
        speakers.check_length(
            message.audio.duration or 0.0, service_of(message).limits.seconds, message, ports.settings
        )
        try:
            answer = call.make(message.audio.duration or USUAL, url=url)
        except EngineLimit as error:
            # The engine may not reach the address, or not know the format that FFmpeg knows.
            log.warning("%s is sent as samples, because its address failed: %s", message.source.uri, error)
        else:
            heard = answer.heard
            whole = Stretch(
                start=0.0, owned=heard.seconds, decoded=heard.seconds, warnings=_missed(message, heard)
            )
            return _outcome(call, whole, answer)
    length = (message.chunk.end or 0.0) - message.chunk.start
    speakers.check_length(length, LONGEST_SENT[ports.settings.platform], message, ports.settings)
    decoded = length + message.chunk.lead + message.chunk.tail
    with audio_budget_of(ports.settings.platform).hold(decoded, call.give_up_at - concurrency.monotonic()):
        return _sent(call)


def _sent(call: Call) -> tuple[ChunkResult, LedgerRow]:
    pcm = chunk.fetch(call.message, call.ports)
    stretch = Stretch(
        start=pcm.start,
        owned=pcm.owned,
        decoded=round(pcm.seconds, 6),
        warnings=pcm.warnings,
        peaks=peaks.of_chunk(pcm),
    )
    if pcm.seconds < SHORTEST or pcm.samples.count(0) == len(pcm.samples):
        heard = replace(NOTHING, model=weights_of(call.message))
        return _outcome(call, stretch, Answer(heard=heard, busy=0.0, attempt=concurrency.new_id()[:8]))
    return _outcome(call, stretch, call.make(pcm.seconds, samples=pcm.samples))


def _outcome(call: Call, stretch: Stretch, answer: Answer) -> tuple[ChunkResult, LedgerRow]:
    row = row_of(call.message, call.ports, stretch, answer)
    row = replace(row, until=call.kept_until, process=call.ports.process)
    return result_of(call.message, stretch, answer.heard, answer.attempt), row


def _address(message: ChunkMessage, ports: Ports) -> str | None:
    """The address where the engine can read a recording of one chunk itself; only for one audio track."""
    if (
        message.audio.tracks > 1
        or message.options.track
        or message.source.size > service_of(message).limits.url_bytes
    ):
        return None
    try:
        return ports.store.signed_url(message.source, ADDRESS_LIFE)
    except ConfigurationError as error:
        log.warning("recordings are sent as samples, which costs more: %s", error)
        return None


def _missed(message: ChunkMessage, heard: Heard) -> tuple[str, ...]:
    """A warning if the engine heard less than the file promises: nothing else has read the whole file."""
    promised = message.audio.duration
    if not message.audio.exact or promised is None or heard.seconds >= promised * 0.98 - 1.0:
        return ()
    warning = (
        f"The file promises {promised:.1f} s, but {spec(message.chunk.engine).in_sentences} heard {heard.seconds:.1f} s. "
        "If it plays to its end, convert it to another format (for example FLAC) and try again."
    )
    return (warning,)
