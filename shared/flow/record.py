"""Steps 6 and 7. The last chunk is done: join the words, write the outputs, record, announce.

The process that finds all chunks done finishes the recording; two that do so at once write the same bytes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared import outputs
from shared.costs import budget
from shared.errors import BadMedia, DropscribeError, Permanent, StoreUnavailable
from shared.flow import attribution, dispatch, merge, refusals, speakers
from shared.flow.chunk import result_name
from shared.messages import TRANSCRIPTS_READY, TranscriptReady, decode, encode
from shared.planning import plan
from shared.results import ChunkResult, Transcript
from shared.state import answers, documents
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.messages import ChunkDone
    from shared.model import Recording, State
    from shared.ports import Ports

CANCELLED = (
    "It was cancelled. `dropscribe retry` continues it; the parts that are done are not paid for again."
)
"""The reason of a recording that a person ended."""

LONGEST_NAME = 1024
"""Longest object name in Cloud Storage, bytes."""

DEMO_MODEL = "tiny"
"""Bundled weights that demonstrate the flow."""

DEMO_WARNING = (
    "Transcribed with the demo model, which knows some 160 words of synthetic English. "
    "It shows that the flow works; it says nothing about Dropscribe's quality on human speech."
)


def on_chunk_done(message: ChunkDone, ports: Ports) -> Recording | None:
    """Finish the recording if this was its last chunk.

    Returns:
        The recording afterwards; None if it does not exist.

    Raises:
        Transient: deliver the message again.
    """
    recording = documents.get_recording(ports.records, message.recording)
    if recording is None:
        return None
    if recording.ended:
        return announce(recording, ports)
    if ports.records.count(documents.CHUNKS, {"recording": recording.id}) < len(recording.chunks):
        return recording
    results = _results(recording, ports)
    try:
        if plan.goes_on(recording.chunks, results[-1]):
            return _continue(recording, ports)
        return _finish(recording, assemble(recording, results), ports)
    except Permanent as error:
        return fail(recording.id, error, ports)


def assemble(recording: Recording, results: list[ChunkResult]) -> Transcript:
    """The transcript of a recording from the results of all its chunks. Pure.

    Raises:
        BadMedia: nothing in the whole recording could be decoded.
    """
    assert recording.decision is not None, "it was planned"
    if not any(result.decoded for result in results):
        said = " ".join(dict.fromkeys(line for result in results for line in result.warnings))
        raise BadMedia("undecodable", said or "No audio could be decoded. Try to play or convert the file.")
    results = speakers.apart(results)
    pieces = merge.pieces(recording.chunks, results)
    warnings = dict.fromkeys(recording.audio.warnings if recording.audio else ())
    warnings |= dict.fromkeys(
        attribution.dedupe_warnings(line for result in results for line in result.warnings)
    )
    if any(result.model == DEMO_MODEL for result in results):
        warnings[DEMO_WARNING] = None
    return Transcript(
        recording=recording.id,
        source=recording.source,
        # A chunk planned beyond the real end has no audio, and says nothing about the length.
        duration=round(max(p.end for p, result in zip(pieces, results, strict=True) if result.decoded), 3),
        language=recording.options.language or next((one.language for one in results if one.language), None),
        decision=attribution.actual_decision(recording.decision, recording.chunks, results),
        parts=merge.parts(recording.chunks, results),
        words=merge.join(pieces),
        warnings=tuple(warnings),
    )


def fail(key: str, error: DropscribeError, ports: Ports) -> Recording:
    """End a recording as FAILED, with a reason that its owner can act on."""
    return _end_without(key, "FAILED", str(error), answers.code_of(error), ports)


def cancel(key: str, ports: Ports) -> Recording:
    """End a recording as CANCELLED, because a person asked for it; one that has ended stays as it is.

    What an engine has already is still paid for: its result is a ledger row and is kept, but makes no transcript.
    """
    return _end_without(key, "CANCELLED", CANCELLED, "cancelled", ports)


def _end_without(key: str, state: State, reason: str, code: str, ports: Ports) -> Recording:
    def to_ended(stored: Recording) -> Recording | None:
        if stored.ended:
            return None
        now = ports.clock.now()
        return replace(stored, state=state, reason=reason, code=code, finished=now, held="")

    recording = documents.change_recording(ports, key, to_ended)
    if recording is None:
        raise StoreUnavailable(f"recording {key} cannot be found to record its end: {reason}")
    log.warning("%s %s (%s): %s", state.lower(), recording.source.uri, code, reason)
    return announce(recording, ports)


def announce(recording: Recording, ports: Ports) -> Recording:
    """Publish how a recording ended, at least once, and answer every request for it."""
    if recording.announced:
        return recording
    ready = ending(recording, ports)
    ports.queue.publish(TRANSCRIPTS_READY, encode(ready), {"recording": recording.id, "state": ready.state})
    answers.settle_all(ready, ports)
    budget.ended(recording.id, ports)

    def to_announced(stored: Recording) -> Recording | None:
        # A recording that was reopened meanwhile has another end, of which nobody has heard yet.
        same = (stored.state, stored.finished) == (recording.state, recording.finished)
        return replace(stored, announced=True) if same else None

    stands = documents.change_recording(ports, recording.id, to_announced)
    return recording if stands is None else stands


def ending(recording: Recording, ports: Ports) -> TranscriptReady:
    """The message about a recording that has ended."""
    bucket = ports.settings.transcripts_bucket
    assert recording.state != "ACCEPTED", "it has ended"
    assert recording.state != "PLANNED", "it has ended"
    return TranscriptReady(
        recording=recording.id,
        source=recording.source.uri,
        state=recording.state,
        outputs=tuple(f"gs://{bucket}/{name}" for name in recording.outputs),
        reason=recording.reason,
        code=recording.code,
        duration=recording.duration,
        method=recording.decision.method if recording.decision else None,
        usd=cost(recording.id, ports),
    )


def cost(key: str, ports: Ports) -> float:
    """US dollars spent on a recording: the sum of its ledger rows, wasted attempts included."""
    # Rounded to a billionth of a dollar, so that the order in which a store adds does not show.
    return round(ports.records.sum(documents.LEDGER, "usd", {"recording": key}), 9)


def output_folder(recording: Recording) -> str:
    """Folder of a recording's outputs: below its bucket and name, one for each generation and options.

    So `talk.mp3`, `talk.wav` and `a/talk.mp3` never collide, nor do two uploads of one name.
    """
    source = recording.source
    version = f"{source.generation}-{recording.id[:8]}"
    folder = f"{source.bucket}/{source.name}/{version}"
    longest = max(len(f"/{name}") for name in outputs.file_names())
    if len(folder.encode("utf-8", "surrogateescape")) + longest > LONGEST_NAME:
        return f"{source.bucket}/long-names/{recording.id}"
    return folder


def _results(recording: Recording, ports: Ports) -> list[ChunkResult]:
    results = []
    for chunk in recording.chunks:
        name = result_name(recording.id, chunk.index)
        data = ports.store.load(ports.settings.work_bucket, name)
        if data is None:
            raise StoreUnavailable(f"cannot read {name}, the result of a chunk that is done")
        results.append(decode(data, ChunkResult))
    return results


def _continue(recording: Recording, ports: Ports) -> Recording:
    planned, most = len(recording.chunks), ports.settings.max_recording_chunks
    refusals.check_seconds(recording.chunks[-1].end, ports.settings)
    refusals.check_chunks(planned + 1, ports.settings)

    def longer(stored: Recording) -> Recording | None:
        if stored.state != "PLANNED" or len(stored.chunks) != planned:
            return None
        chunks = plan.extend(stored.chunks)[:most]
        return replace(stored, chunks=chunks, planned=ports.clock.now(), published=0)

    changed = documents.change_recording(ports, recording.id, longer)
    assert changed is not None, "it was there a moment ago"
    log.info("%s is longer than its header says: %d chunks now", recording.id, len(changed.chunks))
    dispatch.publish_chunks(changed, ports)
    return changed


def _finish(recording: Recording, transcript: Transcript, ports: Ports) -> Recording:
    folder, bucket = output_folder(recording), ports.settings.transcripts_bucket
    files = {f"{folder}/{one.name}": (one.data, one.content_type) for one in outputs.render(transcript)}
    ports.store.create_all(bucket, files)

    now = ports.clock.now()

    def to_done(stored: Recording) -> Recording | None:
        if stored.ended:
            return None
        return replace(
            stored,
            state="DONE",
            decision=transcript.decision,
            finished=now,
            duration=transcript.duration,
            words=len(transcript.words),
            outputs=tuple(files),
            warnings=transcript.warnings,
        )

    done = documents.change_recording(ports, recording.id, to_done)
    assert done is not None, "it was there a moment ago"
    if done.finished != now:
        # Another process was first and announces it; if it dies before that, its message is redelivered.
        return done
    log.info("done %s: %d words, in %s/%s", recording.source.uri, len(transcript.words), bucket, folder)
    return announce(done, ports)
