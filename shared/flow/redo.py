"""Beside step 6: chunks that are done, but whose results are gone, are transcribed again.

The document of a chunk is kept for longer than its result object, so a recording that takes a week, or is tried again
after that, meets documents without results. They are deleted, and the chunks are published again. The rows of the
first attempts stay in the ledger: they were paid for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.clock import seconds_since
from shared.costs import budget, limits
from shared.errors import UnderWay
from shared.flow import dispatch
from shared.flow.chunk import result_name
from shared.in_words import listed
from shared.routing import pace, route
from shared.state import claims, documents
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.model import Recording, State
    from shared.ports import Fields, Ports


def forget(recording: Recording, ports: Ports) -> None:
    """Let the chunks of a recording count as not done whose results are gone, and note that for its owner.

    It is ACCEPTED, so that no engine is at work on its chunks.

    Raises:
        Transient: some may still count as done.
    """
    done = documents.done_of(recording, ports.records)
    if gone := _without_result(recording, done, ports):
        documents.change_recording(ports, recording.id, lambda stored: _told(stored, gone))
        _forget(recording, gone, done, ports)


def without_result(recording: Recording, ports: Ports) -> list[int]:
    """Indexes of the chunks that are done, but have no result object."""
    # The documents first, and all of them: a chunk that is done meanwhile has its object before its document.
    return _without_result(recording, documents.done_of(recording, ports.records), ports)


def _without_result(recording: Recording, done: Collection[int], ports: Ports) -> list[int]:
    folder = result_name(recording.id, 0).rpartition("/")[0]
    there = {one.name for one in ports.store.list(ports.settings.work_bucket, f"{folder}/")}
    return [index for index in sorted(done) if result_name(recording.id, index) not in there]


def _forget(recording: Recording, indexes: Sequence[int], done: Mapping[int, Fields], ports: Ports) -> None:
    """Delete documents as they were seen: if this takes long, a chunk may have been transcribed again meanwhile."""
    for index in indexes:
        if index in done:
            key = documents.chunk_key(recording.id, index)
            ports.records.delete(documents.CHUNKS, key, seen=done[index])
    log.warning("%s: %s", recording.id, warning(recording, indexes))


def _told(recording: Recording, indexes: Sequence[int]) -> Recording:
    lines = dict.fromkeys([*recording.warnings, warning(recording, indexes)])
    return replace(recording, warnings=tuple(lines))


def warning(recording: Recording, indexes: Sequence[int]) -> str:
    """The line about it for the owner of a recording."""
    parts = listed((str(recording.position(index) + 1) for index in indexes), "and")
    of = len(recording.chunks)
    if len(indexes) == 1:
        return f"The result of part {parts} of {of} was gone, so it was transcribed, and paid for, again."
    return f"The results of parts {parts} of {of} were gone, so they were transcribed, and paid for, again."


def again(recording: Recording, indexes: Sequence[int], ports: Ports) -> Recording:
    """Publish chunks of a recording again whose results are gone: once, however many find that.

    If they do not fit into the budgets, it is held, and goes on like one that is tried again (`upload.freeze_plan`). If
    this process dies on the way, the sweeper finds a recording whose chunks are not published. The recording is as it
    was read before its results were.

    Raises:
        UnderWay: another process found it, and is about to publish them.
    """
    since = seconds_since(recording.planned or 0.0, ports.clock.now())
    if not recording.published and since < dispatch.PUBLISHED_WITHIN:
        raise UnderWay(f"another process is about to publish chunks of {recording.id} again")
    done = documents.done_of(recording, ports.records)
    if len(done) < len(recording.chunks):
        return recording  # the first to find it has published some; the last of them finds what else is gone
    admission = budget.commit(
        recording.id, _usd(recording, indexes, ports), ports, life=recording.life, again=True
    )
    held = admission.lasting if admission.action == "hold" else ""
    planned = dispatch.planned_anew(recording, ports)

    def to_unpublished(stored: Recording) -> Recording | None:
        if stored.files:
            return None  # a process that still had the results has decided on the transcript
        if (stored.state, stored.life, stored.planned) != (
            recording.state,
            recording.life,
            recording.planned,
        ):
            return None
        state: State = "ACCEPTED" if held else "PLANNED"
        return replace(_told(stored, indexes), state=state, held=held, planned=planned, published=0)

    changed = documents.change_recording_first(ports, recording.id, to_unpublished)
    if changed.by_us:
        _forget(changed.record, indexes, done, ports)
        dispatch.publish_chunks(changed.record, ports, ours=True)
    return changed.record


def _usd(recording: Recording, indexes: Sequence[int], ports: Ports) -> float:
    """What it is expected to cost to do chunks again, each by the engine that has it now, US dollars."""
    if not limits.limits_of(ports.settings):
        return 0.0
    claimed = claims.of_recording(recording.id, ports.records)
    chunks = [one for one in recording.chunks if one.index in indexes]
    chunks = [
        replace(one, engine=claim.engine) if (claim := claimed.get(one.index)) else one for one in chunks
    ]
    options = pace.as_recognised(recording.options, recording.audio)
    return pace.usd_of(chunks, options, route.known(ports))
