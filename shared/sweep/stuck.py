"""Recordings without progress are pushed, and given up after some tries.

The records show the progress, and whose turn it is:

    a step's       accepted but not planned, planned but not published, or all chunks done but not merged: the process
                   that was about to go on died. It is pushed after two minutes
    an engine's    its chunks wait or are at work. A recording that is only slow must not be pushed, because its chunks
                   would be transcribed, and paid for, twice; so patience is long, and begins anew when a chunk is handed
                   on or begun with alone
    no worker's    the platform says that no worker is available: other engines get its chunks after some minutes

Patience grows with every push.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from shared.clock import is_ahead, seconds_since
from shared.engines import ENGINES
from shared.errors import Damaged, NoWorker, Permanent, Transient
from shared.flow import dispatch, record, upload
from shared.model import Recording
from shared.planning import plan, worker_pools
from shared.recovery import fallback
from shared.recovery.dead_letter import QUEUED_FOR
from shared.results import LedgerRow
from shared.routing import conditions
from shared.state import claims, documents, sweep_notes
from shared.state.sweep_notes import WORKERS, Note
from shared.sweep.each import Found, each
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Fields, Ports
    from shared.settings import Settings

SOONEST = 120.0
"""Seconds until a recording that is between two steps is pushed. A process at it needs seconds."""

SOON = 180.0
"""Seconds that chunks wait for unavailable workers until other engines get them: three failed starts."""

NONE_TO_HAVE = frozenset({"quota", "pending", "unfit", "denied", "missing"})
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

    Chunks may take as long as the slowest worker: one that is no faster than real time, holds as many chunks as it may,
    and reports none before the last. They may take longer while chunks of other recordings are being done. `recording`
    is ACCEPTED or PLANNED, `note` its progress, `workers` that of all recordings together.
    """
    patience = settings.stuck_minutes * 60
    between_steps = not _is_out(recording) or note.done >= len(recording.chunks)
    if not between_steps:
        patience = max(
            patience,
            plan.max_inflight_chunks(settings) * plan.sizes(plan.worker_engine(settings), settings).seconds,
        )
        if now - workers.since < patience:
            patience = max(patience, QUEUED_FOR)
    patience *= 2**note.tries
    if between_steps:
        patience = min(patience, SOONEST * 4**note.tries)
    quiet = now - max(note.since, workers.awake)
    where = str(recording.state)
    if _is_out(recording):
        where += f", {note.done} of {len(recording.chunks)} chunks done"
    elif recording.state == "PLANNED":
        where += ", its chunks not published"
    if quiet < patience:
        return Verdict(action="wait", reason=f"{where}, quiet for {quiet / 60:.0f} min")
    if note.tries < MOST_TRIES:
        return Verdict(action="push", reason=f"{where}, quiet for {quiet / 60:.0f} min")
    return Verdict(
        action="give up",
        reason=f"It made no progress ({where}) in {(now - recording.created) / 3600:.0f} hours, "
        f"although it was tried {MOST_TRIES} more times.",
    )


def push_stuck(ports: Ports) -> int:
    """Push the recordings without progress, and give up those that pushing did not help; returns how many.

    Raises:
        Transient: some could not be pushed; all others were.
    """
    world = _World(ports)

    def push(key: str, recording: Recording) -> bool:
        try:
            return _push(recording, world, ports)
        except Damaged as error:
            record.fail(key, error, ports)
            return True

    # The few that are between two steps have queries of their own, so that they are found at once however many wait for their
    # engines. Recordings that a budget holds are not stuck: release_held.py lets them go on.
    def those(where: Fields, after: str) -> Iterator[tuple[str, Recording]]:
        return documents.every(documents.RECORDINGS, Recording, ports.records, where, after=after)

    waiting: dict[str, Found[Recording]] = {
        "accepted": partial(those, {"state": "ACCEPTED", "held": ""}),
        "unpublished": partial(those, {"state": "PLANNED", "published": 0}),
        "planned": partial(those, {"state": "PLANNED"}),
    }
    return each(waiting, push, "the push of a recording", ports)


class _World:
    """What a sweep asks once about all recordings, if there is one to look at."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.now = ports.clock.now()

    @cached_property
    def workers(self) -> Note:
        """The progress of all recordings together, and since when the sweeps have not paused."""
        before = sweep_notes.read(WORKERS, self._ports)
        done = self._ports.records.count(documents.CHUNKS)
        went_on = before is None or before.done != done
        # Without sweeps nothing ran either: after a night in which the machine was off, patience starts anew. So it does
        # when the clock was set.
        patience = self._ports.settings.stuck_minutes * 60
        asleep = before is None or seconds_since(before.looked, self.now) > patience
        note = Note(
            done=done,
            since=self.now if before is None or went_on else self.past(before.since),
            looked=self.now,
            awake=self.now if before is None or asleep else self.past(before.awake),
        )
        sweep_notes.write(WORKERS, note, self._ports)
        return note

    def past(self, then: float) -> float:
        """A stored time; now if it has not come yet, because the clock was set back."""
        return self.now if is_ahead(then, self.now) else then

    @cached_property
    def unavailable(self) -> dict[WorkerPool, str]:
        """The pools without available workers, with the platform's message."""
        return _unavailable(self._ports)


def _push(recording: Recording, world: _World, ports: Ports) -> bool:
    """Look at a recording, and push it if it is stuck; returns whether it did anything about it."""
    now, workers, none = world.now, world.workers, world.unavailable
    began = recording.created if recording.planned is None else recording.planned
    if is_ahead(began, now):
        began = workers.awake
    if not _is_out(recording) and now - max(began, workers.awake) < SOONEST:
        return False
    old = sweep_notes.read(recording.id, ports)
    if old is not None and is_ahead(old.since, now):
        old = replace(old, since=workers.awake)
    done = documents.count_done(recording, ports.records) if _is_out(recording) else 0
    note = _look(old, done, began, now)
    if (not recording.chunks or done < len(recording.chunks)) and ports.out_of_reach(recording):
        # No process can go on with it, and no try counts; patience starts when it is there again.
        sweep_notes.write(recording.id, replace(note, since=now), ports)
        return False
    note, verdict = _judged(recording, note, world, ports)
    quiet = now - max(note.since, workers.awake)
    if verdict.action == "push":
        note = replace(note, since=now, tries=note.tries + 1)
    handed = _handed_over(recording, verdict, quiet, none, ports)
    if handed:
        note = replace(note, since=now, tries=0)
    # A note that any later look would make again need not be written.
    if note != (old or _look(None, 0, began, note.looked)):
        sweep_notes.write(recording.id, note, ports)
    acts = handed or verdict.action != "wait"
    if acts:
        log.warning("%s %s: %s", "hand over" if handed else verdict.action, recording.id, verdict.reason)
    if acts and not handed:
        _act(recording, verdict, none, ports)
    return acts


def _is_out(recording: Recording) -> bool:
    """Whether the messages of its chunks are published, so that engines have their turn."""
    return recording.state == "PLANNED" and recording.published > 0


def _look(note: Note | None, done: int, began: float, now: float) -> Note:
    """The note after a look: a new one if there was none, if there was progress, or if it began anew since."""
    if note is not None and note.done == done and note.since >= began:
        return note
    # It is not known when results came in, so patience starts now.
    anew = note is not None and note.since < began
    return Note(done=done, since=began if anew or not done else now, looked=now)


def _judged(recording: Recording, note: Note, world: _World, ports: Ports) -> tuple[Note, Verdict]:
    """The verdict on a recording, and its note, with what no look at its results shows."""
    verdict = assess(recording, note, world.workers, world.now, ports.settings)
    if verdict.action != "wait" and _is_out(recording) and note.done < len(recording.chunks):
        note = replace(note, since=max(note.since, _last_begun(recording, world.now, ports)))
        verdict = assess(recording, note, world.workers, world.now, ports.settings)
    return note, verdict


def _last_begun(recording: Recording, now: float, ports: Ports) -> float:
    """When an engine was last given a chunk of a recording by another, or began with one alone; 0 if none was.

    Kills take time without any progress; the next engine of the chunk must not see it published again. Both
    happen only so often in a life.
    """
    times = [one.handed for one in claims.of_recording(recording.id, ports.records).values()]
    rows = documents.every(documents.LEDGER, LedgerRow, ports.records, {"recording": recording.id})
    times += [one.time for _, one in rows if one.outcome == "open"]
    return max((one for one in times if not is_ahead(one, now)), default=0.0)


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


def _handed_over(
    recording: Recording, verdict: Verdict, quiet: float, none: Mapping[WorkerPool, str], ports: Ports
) -> bool:
    """Give its chunks to other engines if no worker is available or pushing did not help; whether that changed anything.

    It did, too, if a chunk is no longer wanted: then the recording went on meanwhile, and is not given up.
    """
    gives_up = verdict.action == "give up"
    if not _is_out(recording) or not (gives_up or (none and quiet >= SOON)):
        return False
    kind = NoWorker if none else Permanent  # only the latter says anything about the engine
    error = kind(f"{verdict.reason.rstrip('.')}. {_about_workers(none)}".strip())
    out = None
    if not gives_up:
        out = [one for one in ENGINES if worker_pools.pool_of(one, ports.settings) in none]
    try:
        outcomes = fallback.hand_over_missing(recording, error, ports, out=out)
    except Transient as another:
        log.warning("%s cannot be handed over yet: %s", recording.id, another)
        return False
    return any(outcome != "no engine" for outcome in outcomes)


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
            record.fail(recording.id, error, ports, withdraw=True)
        return
    try:
        upload.take(recording.source, recording.options, ports, again=_is_out(recording))
    except Transient as error:
        # This counts as the try.
        log.warning("%s cannot go on yet: %s", recording.id, error)
