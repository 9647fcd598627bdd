"""Step 5 for a hosted engine: give it one chunk, keep its result and its charge.

A recording of one chunk is given by its address if the store has one, so that none of it passes through this
process. Anything else is decoded here, and its samples are sent.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared import concurrency
from shared.costs.attempt_rows import Outcome, hosted_row
from shared.engines import Hosted, spec
from shared.errors import (
    BadMedia,
    ConfigurationError,
    DropscribeError,
    EngineFailed,
    EngineRefused,
    Permanent,
    UnderWay,
)
from shared.flow import chunk, dispatch, speakers
from shared.hosted.audio_budget import audio_budget_of
from shared.hosted.hosted_result import NOTHING, Stretch, language_of, result_of
from shared.messages import ChunkMessage
from shared.ports import HostedJob, Ports
from shared.recovery import fallback
from shared.results import Heard
from shared.state import documents, failure_log, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.results import ChunkResult, LedgerRow

PATIENCE, KEEPING = 540.0, 60.0
"""Seconds that one delivery may take to get an answer, and then to store it: Pub/Sub waits ten minutes for a push."""
ADDRESS_LIFE = 1800.0
"""Seconds for which an address is valid: it is read at once, however long the transcript takes."""
SHORTEST = 0.1
"""Least seconds of audio that may contain a word."""
USUAL = 3600.0
"""Assumed length of a recording of unknown length, seconds."""

_at_work: dict[tuple[object, ...], object] = {}
"""On one machine: the chunks that this process has in hand. Their rows say so too, but by the wall clock."""


def on_chunk(message: ChunkMessage, ports: Ports, *, message_id: str, delivery: int = 0) -> None:
    """Have one chunk transcribed, unless it has a result.

    A fault of the recording ends it. If the engine refuses to work for this deployment, or was paid three times in
    vain, another engine gets the chunk. If there is none, or if the failure is temporary, the message is
    redelivered; so is one that comes while another delivery is at work on the chunk. Every call has its row.

    Args:
        message: the chunk.
        ports: the adapters to use.
        message_id: id of the message, the same for every delivery of it.
        delivery: which delivery of it, from 1; 0 if the sender does not say.

    Raises:
        Transient: deliver the message again.
    """
    if not chunk.is_wanted(message, ports):
        return
    with _in_hand(message, ports):
        _have_transcribed(message, ports, message_id, delivery)


@contextmanager
def _in_hand(message: ChunkMessage, ports: Ports) -> Iterator[None]:
    """Raises UnderWay if this process, the only one of its machine for this engine, is at work on the chunk already."""
    if not ports.process:
        yield
        return
    key = (ports.process, message.recording, message.chunk.index, message.chunk.engine)
    mine = object()
    if _at_work.setdefault(key, mine) is not mine:
        raise UnderWay(f"{UnderWay.SAID} {message.chunk.index} of {message.recording} is at work.")
    try:
        yield
    finally:
        del _at_work[key]


def _have_transcribed(message: ChunkMessage, ports: Ports, message_id: str, delivery: int) -> None:
    call = _Call(message=message, ports=ports, give_up_at=concurrency.monotonic() + PATIENCE)
    try:
        result, row = _transcribe(call)
    except _NotWanted:
        return
    except (EngineRefused, EngineFailed, Permanent) as error:
        if isinstance(error, Permanent):
            fallback.give_up(message, error, ports)
        elif not (_another_should(message, error, ports) and fallback.hand_on(message, error, ports).done):
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
    else:
        chunk.commit_result(result, row, ports)


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


def _transcribe(call: _Call) -> tuple[ChunkResult, LedgerRow]:
    message, ports = call.message, call.ports
    url = _address(message, ports)
    if url is not None:
        speakers.check_length(
            message.audio.duration or 0.0, _service(message).limits.seconds, message, ports.settings
        )
        try:
            answer = call.make(message.audio.duration or USUAL, url=url)
        except BadMedia as error:
            # The engine may not reach the address, or not know the format that FFmpeg knows.
            log.warning("%s is sent as samples, because its address failed: %s", message.source.uri, error)
        else:
            heard = answer.heard
            whole = Stretch(
                start=0.0, owned=heard.seconds, decoded=heard.seconds, warnings=_missed(message, heard)
            )
            return _outcome(call, whole, answer)
    length = (message.chunk.end or 0.0) - message.chunk.start
    speakers.check_length(length, speakers.LONGEST_SENT[ports.settings.platform], message, ports.settings)
    decoded = length + message.chunk.lead + message.chunk.tail
    with audio_budget_of(ports.settings.platform).hold(decoded, call.give_up_at - concurrency.monotonic()):
        return _sent(call)


def _sent(call: _Call) -> tuple[ChunkResult, LedgerRow]:
    pcm = chunk.fetch(call.message, call.ports)
    stretch = Stretch(start=pcm.start, owned=pcm.owned, decoded=round(pcm.seconds, 6), warnings=pcm.warnings)
    if pcm.seconds < SHORTEST or pcm.samples.count(0) == len(pcm.samples):
        heard = replace(NOTHING, model=_weights(call.message))
        return _outcome(call, stretch, _Answer(heard=heard, busy=0.0, attempt=concurrency.new_id()[:8]))
    return _outcome(call, stretch, call.make(pcm.seconds, samples=pcm.samples))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What an engine answered."""

    heard: Heard
    """The words."""
    busy: float
    """Duration of the call, seconds."""
    attempt: str
    """Name of the attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """Calls the engine for one delivery of a chunk."""

    message: ChunkMessage
    ports: Ports
    give_up_at: float

    def make(self, seconds: float, *, url: str | None = None, samples: bytes = b"") -> _Answer:
        """The answer. Its row is written before the call; it is ended here, or with the result.

        Raises:
            UnderWay: another delivery is at work on the chunk.
        """
        message, ports = self.message, self.ports
        service, engine = _service(message), ports.hosted.get(message.chunk.engine)
        if engine is None:
            raise EngineRefused(
                "key", f"{service.key_variable} is not set in this engine's function: set it to an API key."
            )
        job = HostedJob(
            tag=documents.chunk_key(message.recording, message.chunk.index),
            # In a hybrid the message names the weights of the other engine.
            model=_weights(message),
            options=replace(message.options, language=language_of(message)),
            seconds=seconds,
            patience=self.give_up_at - concurrency.monotonic(),
            url=url,
            samples=samples,
            # Other parts of a recording that was planned with other weights are written in their style.
            plain=message.model != _weights(message),
        )
        row = self._begin(seconds, job.patience)
        began = concurrency.perf_counter()
        try:
            heard = engine.transcribe(job)
        except Exception as error:
            busy = concurrency.perf_counter() - began
            ledger.write(self._ended(row, error, seconds, busy), ports)
            raise
        return _Answer(heard=heard, busy=concurrency.perf_counter() - began, attempt=row.attempt)

    def _begin(self, seconds: float, patience: float) -> LedgerRow:
        message, ports = self.message, self.ports
        before = ledger.numbered(message.recording, message.chunk.index, message.chunk.engine, ports)
        now = ports.clock.now()
        if any(ledger.is_under_way(one, now) for one in before):
            raise UnderWay(f"{UnderWay.SAID} {message.chunk.index} of {message.recording} is at work.")
        # What one of them heard may have been kept since this delivery began.
        if before and not chunk.is_wanted(message, ports):
            raise _NotWanted
        expected = self._row(replace(NOTHING, seconds=seconds), seconds, 0.0)
        row = ledger.begin(expected, len(before) + 1, now + patience + KEEPING, ports)
        if row is None:
            raise UnderWay(f"{UnderWay.SAID} {message.chunk.index} of {message.recording} has begun.")
        return row

    def _ended(self, row: LedgerRow, error: Exception, seconds: float, busy: float) -> LedgerRow:
        """The row of a call without an answer: lost if it may be charged for, else failed and free."""
        if isinstance(error, EngineFailed):
            billed, request_id = error.billed_seconds, error.request_id
        else:
            # Of an error that nobody foresaw it is not known either.
            billed, request_id = (None if isinstance(error, DropscribeError) else seconds), ""
        heard = replace(NOTHING, seconds=billed or 0.0, request_id=request_id)
        outcome: Outcome = "failed" if billed is None else "lost"
        return replace(self._row(heard, seconds, busy), attempt=row.attempt, outcome=outcome)

    def _row(self, heard: Heard, seconds: float, busy: float) -> LedgerRow:
        stretch = Stretch(start=0.0, owned=0.0, decoded=seconds)
        return _row(self.message, self.ports, stretch, _Answer(heard=heard, busy=busy, attempt=""))


def _outcome(call: _Call, stretch: Stretch, answer: _Answer) -> tuple[ChunkResult, LedgerRow]:
    row = _row(call.message, call.ports, stretch, answer)
    until = call.ports.clock.now() + KEEPING
    return result_of(call.message, stretch, answer.heard, answer.attempt), replace(row, until=until)


def _row(message: ChunkMessage, ports: Ports, stretch: Stretch, answer: _Answer) -> LedgerRow:
    return hosted_row(
        message,
        ports.settings,
        answer.heard,
        attempt=answer.attempt,
        busy=answer.busy,
        decoded=stretch.decoded,
        owned=stretch.owned,
    )


class _NotWanted(Exception):  # noqa: N818 - no error: there is nothing to do
    """Nothing is left to do about the chunk."""


def _service(message: ChunkMessage) -> Hosted:
    """The hosted engine of a chunk.

    Raises:
        ConfigurationError: its engine is not hosted, so the subscription pushes to the wrong function.
    """
    hosted = spec(message.chunk.engine).hosted
    if hosted is None:
        raise ConfigurationError(
            f"{message.chunk.engine} is not hosted: workers pull its subscription, which must not push anywhere"
        )
    return hosted


def _weights(message: ChunkMessage) -> str:
    return message.hosted_model or _service(message).weights


def _address(message: ChunkMessage, ports: Ports) -> str | None:
    """The address where the engine can read the recording itself; only for one chunk and one audio track."""
    if (
        message.audio.tracks > 1
        or message.options.track
        or message.source.size > _service(message).limits.url_bytes
    ):
        return None
    recording = documents.get_recording(ports.records, message.recording)
    if recording is None or len(recording.chunks) != 1:
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
        "If it plays to its end, convert it to another format (for example FLAC) and upload it again."
    )
    return (warning,)
