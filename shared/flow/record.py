"""Steps 6 and 7. The last chunk is done: merge the words, decide, write the outputs, record, announce.

The process that finds all chunks done finishes the recording; two that do so at once write the same bytes. First the
recording notes the files that it will have: from then on it can only become DONE, except if these can never be
written, or a person cancels it. In that case they are deleted before it ends. So a recording without a transcript has no
outputs, and one that is DONE has exactly those that it names, wherever a process dies.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.costs import budget
from shared.errors import BadRequest, DropscribeError, Permanent, StoreUnavailable
from shared.flow import assemble, dispatch, erase, redo, refusals, transcript_files
from shared.flow.chunk import read_result, result_name
from shared.flow.reading import peaks, search_index
from shared.messages import TRANSCRIPTS_READY, ChunkDone, TranscriptReady, encode
from shared.planning import plan
from shared.state import answers, documents
from shared.telemetry import attributes, log, measure, span, spans

if TYPE_CHECKING:
    from typing import Literal

    from shared.flow.transcript_files import Rendered
    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import ChunkResult

SHORTEST_WAIT = 30.0
"""Seconds: a plan that expects less is not compared more exactly, because a minute of the sweep would look like a fault."""

CANCELLED = (
    "It was cancelled. `dropscribe retry` continues it; the parts that are done are not paid for again."
)
"""The reason of a recording that a person ended."""


def on_chunk_done(message: ChunkDone, ports: Ports) -> Recording | None:
    """Finish the recording if this was its last chunk.

    Returns:
        The recording afterwards; None if it does not exist.
    """
    recording = documents.get_recording(ports.records, message.recording)
    if recording is None:
        return None
    with documents.about(recording, message.index), span("merge"):
        return _on_chunk_done(recording, ports)


def _on_chunk_done(recording: Recording, ports: Ports) -> Recording:
    if recording.state == "DELETED":
        erase.again(recording, ports)
        return recording
    if recording.ended_without and recording.files:
        # A process that was told of this chunk before may have died after it wrote files that were deleted already.
        transcript_files.delete(recording, ports)
    # The same of a life before it was tried again.
    transcript_files.delete_earlier(recording, ports)
    if recording.ended:
        return announce(recording, ports)
    if recording.withdrawn:
        return _withdraw(recording, ports)
    rendered = transcript_files.kept(recording, ports) if recording.files else None
    return _merge(recording, ports) if rendered is None else _finish(recording, rendered, ports)


def _merge(recording: Recording, ports: Ports) -> Recording:
    """Merge the words of a recording if all of its chunks have results, and finish it."""
    if documents.count_done(recording, ports.records) < len(recording.chunks):
        return recording
    try:
        results = _results(recording, ports)
        if len(results) < len(recording.chunks):
            there = {one.index for one in results}
            gone = [chunk.index for chunk in recording.chunks if chunk.index not in there]
            return redo.again(recording, gone, ports)
        if plan.goes_on(recording.chunks, results[-1]):
            return _continue(recording, ports)
        rendered = transcript_files.keep(recording, assemble.assemble(recording, results), ports)
        peaks.keep(recording, results, ports)
    except Permanent as error:
        return fail(recording.id, error, ports)
    return _finish(_decide(recording, rendered, ports), rendered, ports)


def fail(key: str, error: DropscribeError, ports: Ports, *, withdraw: bool = False) -> Recording:
    """End a recording as FAILED, with a reason that its owner can act on.

    With `withdraw` also one whose transcript is decided and whose files are being written; otherwise that one goes on.
    """
    return _end_without(key, "FAILED", str(error), answers.code_of(error), ports, withdraw=withdraw)


def cancel(key: str, ports: Ports) -> Recording:
    """End a recording as CANCELLED, because a person asked for it; one that has ended stays as it is.

    What an engine has already is still paid for: its result is a ledger row and is kept, but makes no transcript.
    """
    return _end_without(key, "CANCELLED", CANCELLED, "cancelled", ports, withdraw=True)


def _end_without(
    key: str, state: Literal["FAILED", "CANCELLED"], reason: str, code: str, ports: Ports, *, withdraw: bool
) -> Recording:
    def to_ended(stored: Recording) -> Recording | None:
        if stored.ended or stored.withdrawn:
            return None
        if stored.files:
            return replace(stored, withdrawn=state, reason=reason, code=code) if withdraw else None
        now = ports.clock.now()
        return replace(stored, state=state, reason=reason, code=code, finished=now, held="")

    recording = documents.change_recording(ports, key, to_ended)
    if recording is None:
        raise StoreUnavailable(f"recording {key} cannot be found to record its end: {reason}")
    if recording.withdrawn:
        return _withdraw(recording, ports)
    if not recording.ended:
        log.warning("%s has its transcript, and does not end with: %s", recording.source.uri, reason)
        return recording
    if recording.state == "DONE":
        # The merger or the sweeper announces it: not everybody may write the search index.
        return recording
    if (recording.state, recording.code) == (state, code):
        name = documents.called(recording.source, ports.settings)
        log.warning("%s %s (%s): %s", state.lower(), name, code, reason)
    return announce(recording, ports)


def _withdraw(recording: Recording, ports: Ports) -> Recording:
    """Delete the files of a withdrawn recording, then end it."""
    left = transcript_files.delete(recording, ports)
    bucket = ports.settings.transcripts_bucket
    names = ", ".join(f"gs://{bucket}/{name}" for name in left)
    also = f" This deployment may not delete the files that were written before: {names}." if left else ""

    def to_ended(stored: Recording) -> Recording | None:
        if stored.life != recording.life or not stored.withdrawn:
            return None
        return replace(
            stored,
            state=stored.withdrawn,
            withdrawn="",
            reason=f"{stored.reason}{also}",
            finished=ports.clock.now(),
        )

    ended = documents.change_recording(ports, recording.id, to_ended)
    assert ended is not None, "it was there a moment ago"
    log.warning("%s %s (%s): %s", ended.state.lower(), ended.source.uri, ended.code, ended.reason)
    return announce(ended, ports) if ended.ended else ended


def announce(recording: Recording, ports: Ports) -> Recording:
    """Publish how a recording ended, at least once, and answer every request for it."""
    if recording.announced or recording.state == "DELETED":
        return recording
    with documents.about(recording):
        return _announce(recording, ports)


def _announce(recording: Recording, ports: Ports) -> Recording:
    if recording.state == "DONE":
        search_index.add(recording, ports)
    ready = ending(recording, ports)
    # What may be left to a newer version comes first, so that until then it is not told again and again.
    budget.ended(recording.id, ports, life=recording.life)
    told = {"recording": recording.id, "state": ready.state, "life": str(recording.life)} | attributes()
    ports.queue.publish(TRANSCRIPTS_READY, encode(ready), told)
    answers.settle_all(ready, ports, life=recording.life)

    def to_announced(stored: Recording) -> Recording | None:
        # A recording that was reopened meanwhile has another end, which was not announced yet.
        same = (stored.state, stored.finished) == (recording.state, recording.finished)
        return replace(stored, announced=True) if same else None

    stands = documents.change_recording(ports, recording.id, to_announced)
    _measure(recording, ready)
    return recording if stands is None else stands


def _measure(recording: Recording, ready: TranscriptReady) -> None:
    """Measure a recording that has ended, against what its plan expected."""
    measure("recordings_ended_total", state=ready.state)
    finished = recording.finished or recording.created
    spans.recording_ended(documents.traceparent_of(recording), recording.created, finished, state=ready.state)
    if ready.state != "DONE":
        return
    expected = recording.decision.considered[:1] if recording.decision else ()
    for one in expected:
        if one.wait is not None:
            took = finished - (recording.planned or recording.created)
            measure("processing_ratio", took / max(one.wait, SHORTEST_WAIT))
        if one.usd is not None:
            measure("recording_usd", ready.usd)
            measure("forecast_usd", one.usd)
    if ready.duration:
        measure("usd_per_audio_hour", ready.usd / ready.duration * 3600)


def ending(recording: Recording, ports: Ports) -> TranscriptReady:
    """The message about a recording that has ended."""
    bucket = ports.settings.transcripts_bucket
    assert recording.state != "ACCEPTED", "it has ended"
    assert recording.state != "PLANNED", "it has ended"
    # Its readers know three ends.
    deleted = recording.state == "DELETED"
    return TranscriptReady(
        recording=recording.id,
        source=recording.source.uri,
        state="FAILED" if recording.state == "DELETED" else recording.state,
        outputs=() if deleted else tuple(f"gs://{bucket}/{name}" for name in recording.outputs),
        reason=recording.reason,
        code="deleted" if deleted else recording.code,
        duration=recording.duration,
        method=recording.decision.method if recording.decision else None,
        usd=cost(recording.id, ports),
    )


def cost(key: str, ports: Ports) -> float:
    """US dollars spent on a recording: the sum of its ledger rows, wasted attempts included."""
    # Rounded to a billionth of a dollar, so that the order in which a store adds does not show.
    return round(ports.records.sum(documents.LEDGER, "usd", {"recording": key}), 9)


def _results(recording: Recording, ports: Ports) -> list[ChunkResult]:
    """The results of the chunks that are still stored.

    Raises:
        Permanent: one of them cannot be read.
    """
    bucket, results = ports.settings.work_bucket, []
    for one in recording.chunks:
        name = result_name(recording.id, one.index)
        data = ports.store.load(bucket, name)
        if data is None:
            continue
        try:
            results.append(read_result(data))
        except BadRequest as error:
            raise Permanent(
                f"The result of part {recording.position(one.index) + 1}, gs://{bucket}/{name}, cannot be read ({error}). Have it deleted, "
                "then continue with `dropscribe retry`: that part is transcribed again."
            ) from error
    return results


def _continue(recording: Recording, ports: Ports) -> Recording:
    planned, most = len(recording.chunks), ports.settings.max_recording_chunks
    refusals.check_seconds(recording.chunks[-1].end, ports.settings)
    refusals.check_chunks(planned + 1, ports.settings)

    def longer(stored: Recording) -> Recording | None:
        if stored.state != "PLANNED" or stored.chunks != recording.chunks:
            return None
        chunks = plan.extend(stored.chunks)[:most]
        return replace(stored, chunks=chunks, planned=ports.clock.now(), published=0)

    changed = documents.change_recording_first(ports, recording.id, longer)
    name = documents.called(changed.record.source, ports.settings)
    log.info("%s is longer than its header says: %d chunks now", name, len(changed.record.chunks))
    dispatch.publish_chunks(changed.record, ports, ours=changed.by_us)
    return changed.record


def _decide(recording: Recording, rendered: Rendered, ports: Ports) -> Recording:
    """Note the files that a recording will have."""
    files = transcript_files.digests(recording, rendered)

    def to_decided(stored: Recording) -> Recording | None:
        goes_on = stored.state == "PLANNED" and not stored.withdrawn and stored.life == recording.life
        # Where results were found gone meanwhile, their chunks are done again, and the last of them decides.
        same = stored.planned == recording.planned
        return replace(stored, files=files) if goes_on and same and stored.files != files else None

    decided = documents.change_recording(ports, recording.id, to_decided)
    assert decided is not None, "it was there a moment ago"
    return decided


def _finish(recording: Recording, rendered: Rendered, ports: Ports) -> Recording:
    """Write the files of a recording whose transcript is decided, and end it as DONE."""
    decided = recording.files == transcript_files.digests(recording, rendered)
    if recording.ended or recording.withdrawn or not decided:
        # Another process has ended it, or it was tried again, and does the rest.
        return recording
    try:
        transcript_files.write(recording, rendered, ports)
    except Permanent as error:
        return fail(recording.id, error, ports, withdraw=True)
    now = ports.clock.now()

    def to_done(stored: Recording) -> Recording | None:
        if stored.ended or stored.withdrawn or stored.life != recording.life:
            return None
        return replace(
            stored,
            state="DONE",
            decision=rendered.decision,
            finished=now,
            duration=rendered.duration,
            words=rendered.words,
            language=rendered.language,
            outputs=tuple(one.name for one in recording.files),
            files=recording.files,
            warnings=rendered.warnings,
        )

    with ports.together():
        done = documents.change_recording(ports, recording.id, to_done)
        assert done is not None, "it was there a moment ago"
        if done.state != "DONE" or done.life != recording.life:
            # It was withdrawn meanwhile: these files were written after the others were deleted.
            transcript_files.delete(recording, ports)
            return done
        if done.finished != now:
            # Another process was first and announces it; if it dies before that, its message is redelivered.
            return done
        # On one machine the exporter says so, once the files are where a person looks for them.
        log.log(
            logging.DEBUG if ports.settings.platform == "local" else logging.INFO,
            "done %s: %d words, in %s",
            done.source.uri,
            rendered.words,
            transcript_files.output_folder(done),
        )
        return announce(done, ports)
