"""Every minute: find what was lost or is stuck, and repair it.

    lost events         objects of the audio bucket without a recording are treated as uploads
    stuck recordings    are pushed, or end as FAILED (stuck.py)
    hand-overs          without a message get it (unfinished.py)
    complete sets       that are not merged are said to be done once more (unfinished.py)
    unannounced ends    are announced, and the requests that wait for them answered
    workers             are started if chunks wait and too few run (`shared/flow/capacity.py`)
    conditions          are stored for the router, and Parakeet's share is guarded (observe.py)
    budgets             are summed up, and held recordings that fit are released (release_held.py)
    deleted ones        are erased for the last time, and old ones and refused requests deleted (retention.py)
    ended workers       get the rest of their bill into the ledger (`shared/costs/executions.py`)

All of it is read from the records, because Pub/Sub does not say how many messages wait. A tick may run twice or
die half-way: each part does a bounded amount of work that the next tick can repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from shared import concurrency
from shared.clock import seconds_since
from shared.costs import executions
from shared.errors import Damaged, DropscribeError, NewerVersion, Transient
from shared.flow import capacity, record, request, upload
from shared.messages import TranscriptReady, to_fields
from shared.model import Recording, StoredObject
from shared.planning import worker_pools
from shared.routing import flags
from shared.settings import variable
from shared.state import answers, documents, uploads
from shared.state.answers import Asked
from shared.state.sweep_notes import SWEEPS
from shared.sweep import observe, release_held, retention
from shared.sweep.each import LOOKS, SECONDS, each
from shared.sweep.measured import measure_state
from shared.sweep.stuck import push_stuck
from shared.sweep.unfinished import finish_hand_overs, merge_complete
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports

LOST_AFTER = 90.0
"""Seconds after which the event of an object counts as lost: Eventarc takes seconds."""

MARK = "lost-events"
"""Key of the mark that says how far the bucket was checked."""

DAY = 86_400.0
"""Seconds."""

LIST_EVERY = 110.0
"""Seconds between two listings of the bucket: with ticks that are a few seconds late, every second one. So a lost event
is made up for within four minutes. 21,900 listings a month cost 0.11 dollars for every thousand objects in the bucket
(Class A operations: 0.005 dollars for a thousand, and one lists a thousand objects)."""

RECENT = 500
"""Most recordings among which an object is searched for that has none by its key."""

UNTOLD_AFTER = 60.0
"""Seconds that the process that ends a recording has to announce it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """How far the bucket was checked: every object up to here has its recording."""

    listed: float
    """When the bucket was last checked to its end, seconds since 1970."""
    generation: int
    """Generation of the last object."""
    name: str
    """Name of the last object: several may have been uploaded in one microsecond."""


def on_tick(ports: Ports) -> dict[str, int]:
    """Run all parts, each even if others fail.

    Returns:
        How much each part has done.

    Raises:
        Transient: at least one part failed; the others have run.
    """
    parts: dict[str, Callable[[Ports], int]] = {
        "lost_events": take_lost,
        "stuck": push_stuck,
        "handed_over": finish_hand_overs,
        "merged": merge_complete,
        "announced": announce_untold,
        "answered": answer_waiting,
        "tasks_started": start_workers,
        "tasks_accounted": lambda ports: executions.reconcile(ports, _pools(ports)),
        "released": release_held.keep_budgets,
        "erased": retention.settle,
        "too_old": retention.forget_old,
        "aged_out": retention.age_out,
    }
    report, failed = {}, []
    for name, part in parts.items():
        try:
            report[name] = part(ports)
        except DropscribeError as error:
            log.warning("the sweep's part %s failed: %s", name, error)
            failed.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts run
            log.exception("the sweep's part %s failed unexpectedly", name)
            failed.append(f"{name}: {error!r}")
    measure_state(ports)
    if any(report.values()):
        log.info("swept: %s", ", ".join(f"{name} {count}" for name, count in report.items() if count))
    if failed:
        raise Transient("; ".join(failed))
    return report


def take_lost(ports: Ports) -> int:
    """Take the objects of the audio bucket whose event never came; returns how many.

    A mark says up to which generation every object has its recording. The first tick of a deployment sets it:
    objects from before the deployment are not transcribed. On one machine the watcher of the inbox does this
    itself, because only it knows which files are still being written.

    Raises:
        Transient: the store or the records did not answer; the next tick goes on.
    """
    if ports.settings.platform == "local":
        return 0
    now = ports.clock.now()
    last = int((now - LOST_AFTER) * 1e6)
    # What was uploaded in the last day is looked at again: it has a recording, or its event was lost.
    again = Mark(listed=0.0, generation=int(last - DAY * 1e6), name="")
    mark = documents.mark(SWEEPS, MARK, Mark, ports.records, damaged=again)
    if mark is None:
        ports.records.create(SWEEPS, MARK, to_fields(Mark(listed=now, generation=last, name="")))
        return 0
    if now - mark.listed < LIST_EVERY:
        return 0
    found = [
        one
        for one in ports.store.list(ports.settings.audio_bucket)
        if (one.generation, one.name) > (mark.generation, mark.name)
        and one.generation <= last
        and one.is_upload
    ]
    found.sort(key=lambda one: (one.generation, one.name))
    taken, at, until = 0, mark, concurrency.monotonic() + SECONDS
    recent = cache(partial(_recent, ports))
    try:
        for source in found[:LOOKS]:
            taken += _take_if_lost(source, recent, ports)
            at = replace(at, generation=source.generation, name=source.name)
            if concurrency.monotonic() >= until:
                break
        else:
            if len(found) <= LOOKS:
                at = Mark(listed=now, generation=last, name="\U0010ffff")
    finally:
        if at != mark:
            documents.put(SWEEPS, MARK, at, ports)
    return taken


def _take_if_lost(
    source: StoredObject, recent: Callable[[], dict[str, list[Recording]]], ports: Ports
) -> bool:
    if _has_recording(source, ports):
        return False
    if any(uploads.adopt(one, ports.records) for one in recent().get(uploads.key_of(source), ())):
        return False
    age = ports.clock.now() - source.generation / 1e6
    log.warning(
        "take up %s: %.0f s after its upload it has no recording, so its event was lost", source.uri, age
    )
    try:
        upload.on_object(source, ports)
    except Exception as error:
        if not _has_recording(source, ports):
            raise
        # It is pushed like any other that does not go on, and the objects after it must not wait for it.
        log.warning("%s cannot go on yet: %r", source.uri, error)
    return True


def _recent(ports: Ports) -> dict[str, list[Recording]]:
    """The newest recordings by the keys of their uploads.

    An older version stored recordings without their uploads: if the metadata of an object were edited since, only
    that tells that it has one.
    """
    found: dict[str, list[Recording]] = {}
    newest = ports.records.newest(documents.RECORDINGS, "created", RECENT)
    for _, one in documents.readable(documents.RECORDINGS, newest, Recording):
        found.setdefault(uploads.key_of(one.source), []).append(one)
    return found


def _has_recording(source: StoredObject, ports: Ports) -> bool:
    try:
        return uploads.recording_of(source, ports.records) is not None
    except (Damaged, NewerVersion):
        return True  # which this version cannot read


def announce_untold(ports: Ports) -> int:
    """Announce the recordings that ended without an announcement; returns how many.

    Raises:
        Transient: some could not be announced; all others were.
    """

    def announce(key: str, recording: Recording) -> bool:
        ago = seconds_since(recording.finished or 0.0, ports.clock.now())
        if ago < UNTOLD_AFTER:
            return False
        log.warning("announce %s: it ended as %s %.0f s ago and was not announced", key, recording.state, ago)
        record.announce(recording, ports)
        return True

    def untold(state: str, after: str) -> Iterator[tuple[str, Recording]]:
        where = {"state": state, "announced": False}
        return documents.every(documents.RECORDINGS, Recording, ports.records, where, after=after)

    ends = {f"untold-{state}": partial(untold, state) for state in ("DONE", "FAILED", "CANCELLED")}
    return each(ends, announce, "the announcement of a recording", ports)


def answer_waiting(ports: Ports) -> int:
    """Answer the requests whose recording has ended, or whose answer was stored but not sent; returns how many.

    Raises:
        Transient: some could not be answered; all others were.
    """

    def answer(_: str, asked: Asked) -> bool:
        now = ports.clock.now()
        if seconds_since(asked.created, now) < UNTOLD_AFTER:
            return False
        ending = asked.answer or _ending(asked, now, ports)
        if ending is None:
            return False
        log.warning("answer request %s: its outcome is known, and was not sent", asked.request.request_id)
        answers.settle(asked.request.request_id, ending, ports)
        return True

    def waiting(after: str) -> Iterator[tuple[str, Asked]]:
        return documents.every(answers.REQUESTS, Asked, ports.records, {"answered": False}, after=after)

    return each({"answers": waiting}, answer, "the answer to a request", ports)


def _ending(asked: Asked, now: float, ports: Ports) -> TranscriptReady | None:
    """The answer to a request whose recording has ended or cannot be read; None if it is not due."""
    try:
        recording = documents.get_recording(ports.records, asked.recording or "-")
    except Damaged as error:
        return answers.failure(asked.request, error)
    if recording is None or not recording.ended:
        return None
    if seconds_since(recording.finished or 0.0, now) < UNTOLD_AFTER:
        return None
    if recording.ended_without and recording.life == asked.continues:
        # It asks for another try; the delivery that stored it did not get that far.
        request.go_on(asked, ports, first=False)
        return None
    return record.ending(recording, ports)


def start_workers(ports: Ports) -> int:
    """Start workers for the chunks that wait for one; returns the number of tasks.

    The observed workers, queues, speeds and failures are stored for the router.
    """
    backlog = observe.backlog_of(ports)
    starts = {
        pool: capacity.start_workers(backlog.work(pool), ports, backlog.oldest.get(pool, 0.0), pool)
        for pool in _pools(ports)
    }
    observe.observe(backlog, starts, ports)
    return sum(start.tasks for start in starts.values())


def _pools(ports: Ports) -> tuple[WorkerPool, ...]:
    """The pools of the deployment, with that of the next release if it has ever tried one: its bill comes after its end."""
    usual = worker_pools.pools_of(ports.engines, ports.settings)
    tried = variable("canary_percent") in flags.read(ports).values
    return (*usual, "canary") if tried and ports.canary_jobs is not None else usual
