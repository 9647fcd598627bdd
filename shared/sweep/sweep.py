"""Beside the steps, every minute: find what was lost or is stuck, and repair it.

    lost events         objects of the audio bucket without a recording are treated as uploads
    stuck recordings    are pushed, or end as FAILED (stuck.py)
    unannounced ends    are announced, and the requests that wait for them answered
    workers             are started if chunks wait and too few run (`shared/flow/capacity.py`)
    conditions          are stored for the router, and the rollout is guarded (observe.py)
    budgets             are summed up, and held recordings that fit are released (release_held.py)
    ended workers       get the rest of their bill into the ledger (`shared/costs/executions.py`)

All of it is read from the records, because Pub/Sub does not say how many messages wait. A tick may run twice or
die half-way: each part does a bounded amount of work that the next tick can repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from shared.costs import executions
from shared.errors import DropscribeError, Transient
from shared.flow import capacity, record, upload
from shared.messages import from_fields, to_fields
from shared.planning import worker_pools
from shared.state import answers, documents, uploads
from shared.state.sweep_notes import SWEEPS
from shared.sweep import observe, release_held
from shared.sweep.each import each
from shared.sweep.stuck import push_stuck
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Recording, StoredObject
    from shared.ports import Fields, Ports

AT_A_TIME = 100
"""Most recordings, requests or lost objects that each part of a tick handles."""

LOST_AFTER = 300.0
"""Seconds after which the event of an object counts as lost: Eventarc takes seconds."""

MARK = "lost-events"
"""Key of the mark that says how far the bucket was checked."""

LOOKS = 1000
"""Most objects that one tick looks up."""

LIST_EVERY = 600.0
"""Seconds between two listings of the bucket, which cost money for every thousand objects."""

UNTOLD_AFTER = 120.0
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
        "announced": announce_untold,
        "answered": answer_waiting,
        "tasks_started": start_workers,
        "tasks_accounted": executions.reconcile,
        "released": release_held.keep_budgets,
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
    """
    if ports.settings.platform == "local":
        return 0
    now = ports.clock.now()
    last = int((now - LOST_AFTER) * 1e6)
    fields = ports.records.get(SWEEPS, MARK)
    if fields is None:
        ports.records.create(SWEEPS, MARK, to_fields(Mark(listed=now, generation=last, name="")))
        return 0
    mark = from_fields(fields, Mark)
    if now - mark.listed < LIST_EVERY:
        return 0
    found = [
        one
        for one in ports.store.list(ports.settings.audio_bucket)
        if (one.generation, one.name) > (mark.generation, mark.name)
        and one.generation <= last
        and not one.is_folder
    ]
    found.sort(key=lambda one: (one.generation, one.name))
    taken, at = 0, mark
    try:
        for source in found[:LOOKS]:
            taken += _take_if_lost(source, ports)
            at = replace(at, generation=source.generation, name=source.name)
            if taken == AT_A_TIME:
                break
        else:
            if len(found) <= LOOKS:
                at = Mark(listed=now, generation=last, name="\U0010ffff")
    finally:
        if at != mark:
            documents.put(SWEEPS, MARK, at, ports)
    return taken


def _take_if_lost(source: StoredObject, ports: Ports) -> bool:
    if uploads.recording_of(source, ports.records) is not None:
        return False
    log.warning("the event of %s was lost", source.uri)
    try:
        upload.on_object(source, ports)
    except DropscribeError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the objects after it must not wait
        # It has its recording by now, which is pushed like any other.
        log.exception("%s cannot be planned", source.uri)
    return True


def announce_untold(ports: Ports) -> int:
    """Announce the recordings that ended without an announcement; returns how many."""

    def announce(recording: Recording) -> bool:
        if ports.clock.now() - (recording.finished or 0.0) < UNTOLD_AFTER:
            return False
        record.announce(recording, ports)
        return True

    untold = [
        recording
        for state in ("DONE", "FAILED", "CANCELLED")
        for recording in islice(
            documents.recordings(ports.records, {"state": state, "announced": False}), AT_A_TIME
        )
    ]
    return each(untold, announce, "the announcement of a recording")


def answer_waiting(ports: Ports) -> int:
    """Answer the requests whose recording has ended, or whose answer was stored but not sent; returns how many."""

    def answer(found: tuple[str, Fields]) -> bool:
        asked, now = from_fields(found[1], answers.Asked), ports.clock.now()
        ending = asked.answer
        if ending is None:
            recording = documents.get_recording(ports.records, asked.recording or "-")
            if recording is None or not recording.ended or now - (recording.finished or 0.0) < UNTOLD_AFTER:
                return False
            ending = record.ending(recording, ports)
        if now - asked.created < UNTOLD_AFTER:
            return False
        answers.settle(asked.request.request_id, ending, ports)
        return True

    waiting = islice(ports.records.query(answers.REQUESTS, {"answered": False}), AT_A_TIME)
    return each(waiting, answer, "the answer to a request")


def start_workers(ports: Ports) -> int:
    """Start workers for the chunks that wait for one; returns the number of tasks.

    The observed workers, queues, speeds and failures are stored for the router.
    """
    backlog = observe.backlog_of(ports)
    starts = {
        pool: capacity.start_workers(backlog.work(pool), ports, backlog.oldest.get(pool, 0.0), pool)
        for pool in worker_pools.pools_of(ports.engines, ports.settings)
    }
    observe.observe(backlog, starts, ports)
    return sum(start.tasks for start in starts.values())
