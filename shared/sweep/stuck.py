"""Beside the steps: recordings without progress are pushed, and given up after some tries.

The records show the progress. A recording that is only slow must not be pushed, because its chunks would be
transcribed, and paid for, twice; so patience is long, and doubles with every push. If the platform says that no
worker is available, its chunks are not being transcribed, and other engines get them after some minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from shared.engines import ENGINES
from shared.errors import NoWorker, Permanent, Transient
from shared.flow import dispatch, record, upload
from shared.planning import plan, worker_pools
from shared.recovery import fallback
from shared.routing import conditions
from shared.state import documents, sweep_notes
from shared.state.sweep_notes import WORKERS, Note
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model import Recording
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports
    from shared.settings import Settings

AT_A_TIME = 100
"""Recordings of each state that one sweep looks at."""

QUEUED_FOR = 6 * 3600.0
"""Seconds that a recording may wait for its turn while chunks of others are being done."""

SOON = 180.0
"""Seconds that chunks wait for unavailable workers until other engines get them: three failed starts."""

NONE_TO_HAVE = frozenset({"quota", "denied", "missing"})
"""States of the platform in which no worker will be available soon."""

MOST_TRIES = 5
"""How often a stuck recording is pushed before it ends as FAILED."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What to do about a recording in progress, and why."""

    action: Literal["wait", "push", "give up"]
    """`push`: publish the missing chunks again."""
    reason: str
    """One sentence for the log, and for its owner if it is given up."""


def assess(recording: Recording, note: Note, workers: Note, now: float, settings: Settings) -> Verdict:
    """Whether a recording is stuck. Pure.

    Chunks may take as long as the slowest worker: one that is no faster than real time, holds as many chunks as it
    may, and reports none before the last. They may take longer while chunks of other recordings are being done.

    Args:
        recording: ACCEPTED or PLANNED.
        note: its progress.
        workers: the progress of all recordings together.
        now: seconds since 1970.
        settings: patience, chunk length, and how many chunks a worker holds.
    """
    patience = settings.stuck_minutes * 60
    if note.done < len(recording.chunks):
        patience = max(
            patience,
            plan.max_inflight_chunks(settings) * plan.sizes(plan.worker_engine(settings), settings).seconds,
        )
        if now - workers.since < patience:
            patience = max(patience, QUEUED_FOR)
    quiet = now - note.since
    where = f"{recording.state}, {note.done} of {len(recording.chunks)} chunks done"
    if quiet < patience * 2**note.tries:
        return Verdict(action="wait", reason=f"{where}, quiet for {quiet / 60:.0f} min")
    if note.tries < MOST_TRIES:
        return Verdict(action="push", reason=f"{where}, quiet for {quiet / 60:.0f} min")
    return Verdict(
        action="give up",
        reason=f"It made no progress ({where}) in {(now - recording.created) / 3600:.0f} hours, "
        f"although it was tried {MOST_TRIES} more times.",
    )


def push_stuck(ports: Ports) -> int:
    """Push the recordings without progress, and give up those that pushing did not help; returns how many."""
    now = ports.clock.now()
    on_their_way = [
        one
        # Recordings that a budget holds are not stuck: release_held.py lets them go on.
        for where in ({"state": "ACCEPTED", "held": ""}, {"state": "PLANNED"})
        for one in islice(documents.recordings(ports.records, where), AT_A_TIME)
    ]
    if not on_their_way:
        return 0
    before = sweep_notes.read(WORKERS, ports)
    workers = _look(WORKERS, before, ports.records.count(documents.CHUNKS), now, now)
    sweep_notes.write(WORKERS, replace(workers, looked=now), ports)
    # Without sweeps nothing ran either: after a night in which the machine was off, patience starts anew.
    none = _unavailable(ports)
    asleep = before is None or now - before.looked > ports.settings.stuck_minutes * 60
    acted = 0
    for recording in on_their_way:
        old = sweep_notes.read(recording.id, ports)
        done = ports.records.count(documents.CHUNKS, {"recording": recording.id})
        note = _look(recording.id, old, done, recording.created, now)
        if asleep:
            note = replace(note, since=now)
        verdict = assess(recording, note, workers, now, ports.settings)
        quiet = now - note.since
        if verdict.action == "push":
            note = replace(note, since=now, tries=note.tries + 1)
        handed = _handed_on(recording, verdict, quiet, none, ports)
        if handed:
            note = replace(note, since=now, tries=0)
        if note != old:
            sweep_notes.write(recording.id, note, ports)
        if handed or verdict.action != "wait":
            log.warning("%s %s: %s", "hand on" if handed else verdict.action, recording.id, verdict.reason)
            acted += 1
        if not handed and verdict.action != "wait":
            _act(recording, verdict, none, ports)
    return acted


def _look(key: str, note: Note | None, done: int, created: float, now: float) -> Note:
    """The note after a look: a new one if there was none, or if there was progress."""
    if note is None:
        # It is not known when the existing results came in, so patience starts now.
        return Note(done=done, since=now if done else created, looked=now)
    # A recording that failed and was reopened has a new time of creation.
    reopened = key != WORKERS and note.since < created
    return Note(done=done, since=now, looked=now) if note.done != done or reopened else note


def _unavailable(ports: Ports) -> dict[WorkerPool, str]:
    """The pools without available workers, with the platform's message.

    A readable list of executions does not mean that one can be started, so the outcome of the last start, which the
    sweeper has stored, counts first.
    """
    none: dict[WorkerPool, str] = {}
    seen = conditions.read(ports).fresh(ports.clock.now())
    for pool in worker_pools.pools_of(ports.engines, ports.settings):
        known = seen.workers(pool)
        if known.avoid_until > ports.clock.now() and not known.running and known.status in NONE_TO_HAVE:
            none[pool] = known.said or known.status
        elif (state := worker_pools.jobs_of(pool, ports).state()).status in NONE_TO_HAVE:
            none[pool] = state.reason or state.status
    return none


def _handed_on(
    recording: Recording, verdict: Verdict, quiet: float, none: Mapping[WorkerPool, str], ports: Ports
) -> bool:
    """Whether other engines have its chunks now, because no worker is available or pushing did not help."""
    gives_up = verdict.action == "give up"
    if recording.state != "PLANNED" or not (gives_up or (none and quiet >= SOON)):
        return False
    kind = NoWorker if none else Permanent  # only the latter says anything about the engine
    error = kind(f"{verdict.reason.rstrip('.')}. {_about_workers(none)}".strip())
    out = None
    if not gives_up:
        out = [one for one in ENGINES if worker_pools.pool_of(one, ports.settings) in none]
    try:
        return fallback.hand_on_missing(recording, error, ports, out=out) > 0
    except Transient as another:
        log.warning("%s cannot be handed on yet: %s", recording.id, another)
        return False


def _about_workers(none: Mapping[WorkerPool, str]) -> str:
    return " ".join(f"The workers: {said}" for said in none.values())


def _act(recording: Recording, verdict: Verdict, none: Mapping[WorkerPool, str], ports: Ports) -> None:
    if verdict.action == "give up":
        said = f"{verdict.reason} {_about_workers(none)}".strip()
        error = Permanent(f"{said} Look into the logs, then transcribe it again.")
        handed = [one for one in dispatch.missing(recording, ports) if one.tried]
        if handed:
            fallback.end(handed[0], error, ports)
        else:
            record.fail(recording.id, error, ports)
        return
    try:
        upload.take(recording.source, recording.options, ports, again=True)
    except Transient as error:
        # This counts as the try: other recordings must not wait for this one.
        log.warning("%s cannot go on yet: %s", recording.id, error)
