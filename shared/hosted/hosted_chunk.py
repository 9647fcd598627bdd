"""Step 5 for a hosted engine: give it one chunk, keep its result and its charge.

A recording of one chunk is given by its address if the store has one, so that none of it passes through this
process. Anything else is decoded here, and its samples are sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared import concurrency
from shared.costs.attempt_rows import hosted_row
from shared.engines import Hosted, spec
from shared.errors import (
    BadMedia,
    ConfigurationError,
    DropscribeError,
    EngineFailed,
    EngineRefused,
    Permanent,
)
from shared.flow import chunk, dispatch, speakers
from shared.hosted.audio_budget import audio_budget_of
from shared.hosted.hosted_result import NOTHING, Stretch, language_of, result_of
from shared.messages import ChunkMessage
from shared.ports import HostedJob, Ports
from shared.recovery import fallback
from shared.state import claims, documents, failure_log, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.results import ChunkResult, Heard, LedgerRow

PATIENCE = 540.0
"""Seconds one delivery may take: Pub/Sub waits ten minutes for a push, and the result must be stored by then."""
ADDRESS_LIFE = 1800.0
"""Seconds for which an address is valid: it is read at once, however long the transcript takes."""
SHORTEST = 0.1
"""Least seconds of audio that may contain a word."""
USUAL = 3600.0
"""Assumed length of a recording of unknown length, seconds."""


def on_chunk(message: ChunkMessage, ports: Ports, *, message_id: str) -> None:
    """Have one chunk transcribed, unless it has a result.

    A fault of the recording ends it. If the engine refuses to work for this deployment, or was paid three times in
    vain, another engine gets the chunk. If there is none, or if the failure is temporary, the message is
    redelivered. Every call that may be charged has its row, whatever its outcome.

    Args:
        message: the chunk.
        ports: the adapters to use.
        message_id: id of the message, the same for every delivery of it.

    Raises:
        Transient: deliver the message again.
    """
    if not chunk.is_wanted(message, ports):
        claims.settle(message, message_id, ports)
        return
    # Every delivery is an attempt of its own, even if the queue does not count deliveries.
    attempt = f"{message_id}-{concurrency.new_id()[:8]}"
    call = _Call(
        message=message,
        ports=ports,
        message_id=message_id,
        attempt=attempt,
        give_up_at=concurrency.monotonic() + PATIENCE,
    )
    try:
        result, row = _transcribe(call)
    except _NotOurs:
        log.info("chunk %d of %s is handled elsewhere", message.chunk.index, message.recording)
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
    rows = (row for _, row in ports.records.query(documents.LEDGER, {"recording": message.recording}))
    lost = [row for row in rows if row["chunk"] == message.chunk.index and row["outcome"] == "lost"]
    return len(lost) >= fallback.MOST_FAILURES


def _transcribe(call: _Call) -> tuple[ChunkResult, LedgerRow]:
    message, ports, attempt = call.message, call.ports, call.attempt
    url = _address(message, ports)
    if url is not None:
        speakers.check_length(
            message.audio.duration or 0.0, _service(message).limits.seconds, message, ports.settings
        )
        try:
            heard, busy = call.make(message.audio.duration or USUAL, url=url)
        except BadMedia as error:
            # The engine may not reach the address, or not know the format that FFmpeg knows.
            log.warning("%s is sent as samples, because its address failed: %s", message.source.uri, error)
        else:
            whole = Stretch(
                start=0.0, owned=heard.seconds, decoded=heard.seconds, warnings=_missed(message, heard)
            )
            return result_of(message, whole, heard, attempt), _row(
                message, ports, whole, heard, attempt, busy
            )
    length = (message.chunk.end or 0.0) - message.chunk.start
    speakers.check_length(length, speakers.LONGEST_SENT[ports.settings.platform], message, ports.settings)
    decoded = length + message.chunk.lead + message.chunk.tail
    with audio_budget_of(ports.settings.platform).hold(decoded, call.give_up_at - concurrency.monotonic()):
        return _sent(call)


def _sent(call: _Call) -> tuple[ChunkResult, LedgerRow]:
    message, ports, attempt = call.message, call.ports, call.attempt
    pcm = chunk.fetch(message, ports)
    stretch = Stretch(start=pcm.start, owned=pcm.owned, decoded=round(pcm.seconds, 6), warnings=pcm.warnings)
    if pcm.seconds < SHORTEST or pcm.samples.count(0) == len(pcm.samples):
        heard, busy = replace(NOTHING, model=_service(message).weights), 0.0
    else:
        heard, busy = call.make(pcm.seconds, samples=pcm.samples)
    return result_of(message, stretch, heard, attempt), _row(message, ports, stretch, heard, attempt, busy)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """Calls the engine for one delivery of a chunk."""

    message: ChunkMessage
    ports: Ports
    message_id: str
    attempt: str
    give_up_at: float

    def make(self, seconds: float, *, url: str | None = None, samples: bytes = b"") -> tuple[Heard, float]:
        """The answer, and how many seconds it took. A lost answer gets its row here.

        The call is in the chunk's claim until its end is known, so that it gets a row even if this process dies.
        A call with an answer stays there: its row is written with the result.
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
            model=service.weights,
            options=replace(message.options, language=language_of(message)),
            seconds=seconds,
            patience=self.give_up_at - concurrency.monotonic(),
            url=url,
            samples=samples,
            # Other parts of a recording that was planned with other weights are written in their style.
            plain=message.model != service.weights,
        )
        call = claims.Call(
            message=self.message_id,
            until=ports.clock.now() + PATIENCE,
            row=self._lost(seconds, replace(NOTHING, seconds=seconds), 0.0),
        )
        if not claims.open_call(message, call, ports):
            raise _NotOurs
        began = concurrency.perf_counter()
        try:
            heard = engine.transcribe(job)
        except DropscribeError as error:
            if isinstance(error, EngineFailed) and error.billed_seconds is not None:
                lost = replace(NOTHING, seconds=error.billed_seconds, request_id=error.request_id)
                ledger.write(self._lost(seconds, lost, concurrency.perf_counter() - began), ports)
            claims.close_call(message, call, ports)
            raise
        return heard, concurrency.perf_counter() - began

    def _lost(self, seconds: float, heard: Heard, busy: float) -> LedgerRow:
        stretch = Stretch(start=0.0, owned=0.0, decoded=seconds)
        row = _row(self.message, self.ports, stretch, heard, self.attempt, busy)
        return replace(row, outcome="lost")


def _row(
    message: ChunkMessage, ports: Ports, stretch: Stretch, heard: Heard, attempt: str, busy: float
) -> LedgerRow:
    return hosted_row(
        message,
        ports.settings,
        heard,
        attempt=attempt,
        busy=busy,
        decoded=stretch.decoded,
        owned=stretch.owned,
    )


class _NotOurs(Exception):  # noqa: N818 - no error: there is nothing to do
    """Another engine owns the chunk, or a call for another message about it is under way."""


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
