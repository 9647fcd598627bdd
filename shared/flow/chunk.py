"""Step 5. One chunk: fetch and decode it, keep its result, publish that it is done.

The recognition itself, between `fetch` and `commit_result`, is done by the worker (`gpu_job/pipeline/worker.py`),
which batches the windows of many chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio import Pcm
from shared.engines import is_hosted, spec
from shared.errors import BadMedia, BadRequest, Damaged, StoreUnavailable
from shared.flow import dispatch
from shared.flow.probe import ObjectBytes, channels_wanted
from shared.messages import ChunkMessage, decode, encode
from shared.results import ChunkResult, LedgerRow
from shared.state import claims, documents, ledger
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.types import BothChannels
    from shared.model import Chunk, Recording, StoredObject
    from shared.ports import Ports


LONGEST = 1e7
"""Seconds, four months: no time of a recording is later."""


def is_wanted(message: ChunkMessage, ports: Ports) -> bool:
    """False if nothing is left to do, see `recording_of`."""
    return recording_of(message, ports) is not None


def recording_of(message: ChunkMessage, ports: Ports) -> Recording | None:
    """The recording of a chunk that is to be transcribed, as it is stored.

    None if nothing is left to do: the chunk has a result or another engine, it is of an earlier plan, or its recording
    has ended since. One that was tried again after that has new messages for its chunks.

    A result is published as done again here, and a hand-over without its message gets it: if a process dies
    between the two, the next delivery completes its work.

    Raises:
        NewerVersion: it is wanted, but this version does not know its engine.
    """
    key = documents.chunk_key(message.recording, message.chunk.index)
    if (done := ports.records.get(documents.CHUNKS, key)) is not None:
        if done.get("recording") != message.recording:
            # Results are counted by recording; the key alone says that it is done.
            documents.say_whose(message.recording, message.chunk.index, ports.records)
        dispatch.say_done(message.recording, message.chunk.index, ports)
        return None
    recording = documents.get_recording(ports.records, message.recording)
    if recording is None or recording.ended or message.life < recording.life:
        return None
    if recording.chunks and recording.chunk(message.chunk.index) is None:
        log.info("chunk %s is of an earlier plan: another engine has the whole recording", key)
        return None
    claim = claims.find(message, ports.records)
    if claim is None or claim.turn <= message.turn:
        spec(message.chunk.engine)
        return recording
    log.info("chunk %s belongs to %s now, turn %d", key, claim.engine, claim.turn)
    if not claim.published:
        dispatch.publish_turn(recording, claim, ports)
    return None


def fetch(message: ChunkMessage, ports: Ports) -> Pcm:
    """The samples of a chunk, decoded from its own bytes only.

    A stretch that cannot be decoded has no samples, and a warning: the rest of the recording may be fine, and
    the merger fails a recording if none of it could be decoded.

    Raises:
        BadMedia: decoding exceeded a limit, or the file is gone.
    """
    source = ObjectBytes(store=ports.store, source=message.source)
    try:
        return ports.media.decode(
            source,
            message.audio,
            message.chunk,
            track=message.options.track,
            both=_channels_wanted(message),
        )
    except BadMedia as error:
        if error.code != "undecodable":
            raise
        nominal = 0.0 if message.chunk.end is None else message.chunk.end - message.chunk.start
        return Pcm(samples=b"", start=0.0, owned=nominal, warnings=(str(error),))


def _channels_wanted(message: ChunkMessage) -> BothChannels:
    """What is of use of both channels; a hosted engine tells no speakers by them."""
    of_use = message.audio.channels == 2 and not is_hosted(message.chunk.engine)
    return channels_wanted(message.options) if of_use else "no"


def decoded(recording: Recording, ports: Ports) -> Iterator[tuple[Chunk, Pcm]]:
    """The chunks of a recording that has a plan, one after another, decoded anew; without those that cannot be decoded.

    Raises:
        BadMedia: decoding exceeded a limit, or the file is gone.
    """
    assert recording.audio is not None, "it has a plan"
    source = ObjectBytes(store=ports.store, source=recording.source)
    for one in recording.chunks:
        try:
            pcm = ports.media.decode(source, recording.audio, one, track=recording.options.track)
        except BadMedia as error:
            if error.code != "undecodable":
                raise
        else:
            yield one, pcm


def commit_result(
    result: ChunkResult, row: LedgerRow, ports: Ports, *, source: StoredObject | None = None
) -> None:
    """Make a result durable, then publish that the chunk is done. The first result of a chunk is its result.

    Order matters: ledger, object, document, message. The row comes first because the engine was paid
    whatever happens next; the document comes after the object it stands for. Every step but the last
    is create-only, so after a crash in between the whole is simply repeated.
    """
    with ports.together():
        _commit_result(result, row, ports, called=documents.called(source, ports.settings) if source else "")


def _commit_result(result: ChunkResult, row: LedgerRow, ports: Ports, *, called: str) -> None:
    key = documents.chunk_key(result.recording, result.index)
    ledger.write(row, ports)
    name, stands = result_name(result.recording, result.index), result
    if not ports.store.create(ports.settings.work_bucket, name, encode(result), "application/json"):
        # The first attempt may have died before its document, which must name that attempt, not this one.
        stands = _stored(name, ports)
        log.info("chunk %s: kept the earlier result of attempt %s", key, stands.attempt)
    _note_done(result.recording, result.index, stands, ports)
    log.info(
        "heard %s, part %d: %d words in %.1f s of audio",
        called or result.recording,
        result.index + 1,
        len(result.words),
        result.owned,
    )


def _stored(name: str, ports: Ports) -> ChunkResult:
    bucket = ports.settings.work_bucket
    if (data := ports.store.load(bucket, name)) is None:
        raise StoreUnavailable(f"{name} was deleted from {bucket} just now")
    try:
        return read_result(data)
    except BadRequest as error:
        raise Damaged(f"gs://{bucket}/{name}", error) from error


def _note_done(recording: str, index: int, stands: ChunkResult, ports: Ports) -> None:
    key = documents.chunk_key(recording, index)
    done = {"recording": recording, "index": index}
    used = {"engine": stands.engine, "attempt": stands.attempt, "minute": int(ports.clock.now() // 60)}
    if ports.records.create(documents.CHUNKS, key, done | used):
        measure("chunks_total", engine=stands.engine)
        measure("steps_total", where=stands.engine, outcome="ok")
    dispatch.say_done(recording, index, ports)


def is_stored(message: ChunkMessage, ports: Ports) -> bool:
    """Whether the result of a chunk is in its bucket: a process that died before it noted that has it noted here.

    Raises:
        Transient: its bucket does not answer, or is not there.
        Damaged: it cannot be read.
    """
    recording, index = message.recording, message.chunk.index
    name = result_name(recording, index)
    if ports.store.stat(ports.settings.work_bucket, name) is None:
        return False
    _note_done(recording, index, _stored(name, ports), ports)
    return True


def check_place(message: ChunkMessage, ports: Ports, attempt: str) -> None:
    """Write an empty object beside the result of a chunk, before an engine works, or is paid, for one that could not be stored.

    Raises:
        Transient: its bucket refuses it, does not answer, or is not there.
    """
    name = result_name(message.recording, message.chunk.index)
    ports.store.create(ports.settings.work_bucket, f"{name}.{attempt}", b"", "text/plain")


def read_result(data: bytes) -> ChunkResult:
    """A stored result.

    Raises:
        BadRequest: it is none, or has times that no recording has.
    """
    result = decode(data, ChunkResult)
    of_words = (number for one in result.words for number in (one.start, one.end, one.confidence))
    of_voices = (edge / 1000 for one in result.voices for turn in one.turns for edge in turn)
    numbers = (result.lead, result.owned, result.decoded, *of_words, *of_voices)
    if any(abs(number) > LONGEST for number in numbers):
        raise BadRequest(f"not a ChunkResult: a number is larger than {LONGEST:,.0f}")
    return result


def result_name(recording: str, index: int) -> str:
    """Name of a chunk's result in the work bucket."""
    return f"chunks/{recording}/{index:05d}.json"
