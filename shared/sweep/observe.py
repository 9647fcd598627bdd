"""Measure and store the conditions for the router (`shared/routing/conditions.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from shared.clock import is_ahead
from shared.engines import ENGINES, hosted_specs, is_hosted
from shared.errors import Damaged, NewerVersion
from shared.flow.capacity import Start, Work
from shared.model import Recording
from shared.planning import worker_pools
from shared.planning.worker_pools import WorkerPool
from shared.results import LedgerRow
from shared.routing import flags, parakeet_share
from shared.routing.conditions import KEY, STATE, Conditions, Speed, Workers, stored, who_waits
from shared.routing.parakeet_share import SETTLED, Minute, ParakeetShare
from shared.state import claims, documents
from shared.state.failure_log import FAILURES, Failure
from shared.sweep.each import next_in_turn
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports, WorkerState

AVOID = 600.0
"""Seconds for which the router does not rely on workers after none was available."""

AT_A_TIME = 100
"""Recordings in progress that one tick reads."""

ROWS = 5000
"""Ledger rows, and notes of failures, that one tick reads for one minute."""

REMEMBERED = 15
"""Minutes that are kept, and the most that are read after a pause."""

FADES = 0.9
"""Factor by which older measurements count less with every new one."""

NOT_THE_ENGINE = frozenset({"BadMedia", "BadRequest", "Damaged", "HandedOnUntried"})
"""Errors that say nothing about the engine: the recording or the request is at fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """The work that waits for its engine."""

    chunks: Mapping[WorkerPool, int] = field(default_factory=dict)
    """Number of chunks without a result that wait for our workers, by pool."""
    waiting: Mapping[str, float] = field(default_factory=dict)
    """Seconds of audio that wait, by engine or pool of workers (`conditions.who_waits`)."""
    oldest: Mapping[WorkerPool, float] = field(default_factory=dict)
    """Age of the oldest recording that waits for our workers, seconds, by pool."""

    def work(self, pool: WorkerPool) -> Work:
        """The work that waits for the workers of a pool."""
        return Work(chunks=self.chunks.get(pool, 0), seconds=self.waiting.get(who_waits(pool, ""), 0.0))


def backlog_of(ports: Ports) -> Backlog:
    """The work that waits for each engine, from the recordings in progress.

    With very many recordings, a sample of `AT_A_TIME` stands for all: those that are next in turn by key, which is a
    hash. So each tick takes another sample, and nothing stays out of sight.
    """
    now, looked = ports.clock.now(), 0
    settings = flags.read(ports).applied(ports.settings)
    waiting: dict[str, float] = {}
    chunks: dict[WorkerPool, int] = {}
    oldest: dict[WorkerPool, float] = {}

    def planned(after: str) -> Iterator[tuple[str, Recording]]:
        where = {"state": "PLANNED"}
        return documents.every(documents.RECORDINGS, Recording, ports.records, where, after=after)

    for _, recording in next_in_turn("backlog", planned, AT_A_TIME, ports):
        looked += 1
        try:
            claimed = claims.of_recording(recording.id, ports.records)
        except (Damaged, NewerVersion) as error:
            log.warning("the backlog is counted without %s: %s", recording.id, error)
            continue
        if len({is_hosted(chunk.engine) for chunk in recording.chunks}) == 1:
            # All wait for the same kind of engine, and are done nearly in order, so the count of results is enough.
            missing = recording.chunks[documents.count_done(recording, ports.records) :]
        else:
            done = documents.done_of(recording, ports.records)
            missing = tuple(chunk for chunk in recording.chunks if chunk.index not in done)
        for chunk in missing:
            claim = claimed.get(chunk.index)
            engine = chunk.engine if claim is None else claim.engine
            if engine not in ENGINES:
                continue  # only a newer version can start its workers
            pool = worker_pools.lane_of(recording.id, engine, settings)
            who = who_waits(pool, engine)
            waiting[who] = waiting.get(who, 0.0) + (chunk.end or chunk.start) - chunk.start
            if pool is not None:
                chunks[pool] = chunks.get(pool, 0) + 1
                oldest[pool] = max(oldest.get(pool, 0.0), now - recording.created)
    more = 1.0
    if looked == AT_A_TIME:
        more = max(1.0, ports.records.count(documents.RECORDINGS, {"state": "PLANNED"}) / looked)
    return Backlog(
        chunks={pool: round(count * more) for pool, count in chunks.items()},
        waiting={who: seconds * more for who, seconds in waiting.items()},
        oldest=oldest,
    )


def observe(backlog: Backlog, starts: Mapping[WorkerPool, Start], ports: Ports) -> Conditions:
    """Measure and store the conditions for the router.

    `starts` has the outcome of starting workers for the backlog, for each pool of the deployment.
    """
    now = ports.clock.now()
    seen = _counted(stored(ports), ports)
    for pool, start in starts.items():
        if pool == "canary":
            continue  # the router counts on the workers of the present release
        state = start.state or worker_pools.jobs_of(pool, ports).state()
        after = _workers(seen.workers(pool), state, now)
        if pool == "cpu":
            seen = replace(seen, cpu=after)
        else:
            seen = replace(
                seen,
                status=after.status,
                said=after.said,
                avoid_until=after.avoid_until,
                running=after.running,
            )
    seen = replace(seen, time=now, waiting=backlog.waiting, oldest=backlog.oldest.get("main", 0.0))
    if hosted_specs(ports.engines):
        seen = replace(seen, rollout=_guarded(seen, ports))

    def later(written: Conditions) -> Conditions | None:
        # Another tick may have looked later but written earlier.
        return None if now < written.time and not is_ahead(written.time, now) else seen

    documents.change(STATE, KEY, Conditions, later, ports.records, first=seen)
    return seen


def _workers(before: Workers, state: WorkerState, now: float) -> Workers:
    if state.status != "ready":
        return Workers(status=state.status, said=state.reason, avoid_until=now + AVOID, running=state.running)
    if before.avoid_until > now and not state.running:
        # A readable list of executions does not mean that one can be started.
        return replace(before, running=0)
    return Workers(running=state.running)


def _guarded(seen: Conditions, ports: Ports) -> ParakeetShare:
    found = flags.read(ports)
    settings = found.applied(ports.settings)
    asked = parakeet_share.Asked(
        percent=settings.rollout_percent, since=found.since.get(parakeet_share.VARIABLE, 0.0)
    )
    after = parakeet_share.guard(seen.rollout, asked, seen.minutes, ports.clock.now())
    if seen.rollout is not None and after.history != seen.rollout.history:
        log.warning("Parakeet's share: %s", after.history[-1].reason)
    return after


def _counted(before: Conditions, ports: Ports) -> Conditions:
    """The conditions with the minutes since the last tick: what became of the chunks, and how fast."""
    last = int(ports.clock.now() // 60) - SETTLED
    minutes, speeds = list(before.minutes), dict(before.speeds)
    for minute in range(max(before.counted + 1, last - REMEMBERED), last + 1):
        written = documents.every(documents.LEDGER, LedgerRow, ports.records, {"minute": minute})
        noted = documents.every(FAILURES, Failure, ports.records, {"minute": minute})
        rows = [row for _, row in islice(written, ROWS)]
        notes = [note for _, note in islice(noted, ROWS)]
        attempts = [row for row in rows if row.kind == "attempt"]
        heard = [row for row in attempts if row.outcome == "heard"]
        in_vain = [row for row in attempts if row.outcome == "failed" and not is_hosted(row.engine)]
        failed = [one for one in notes if _is_parakeets(one)]
        handed_over = [one for one in notes if one.code == parakeet_share.HANDED_ON and _is_ours(one.where)]
        found = Minute(
            minute=minute,
            done=sum(not is_hosted(row.engine) for row in heard),
            # One failure may leave a row, a note, or both.
            failed=max(len(in_vain), len(failed)),
            fallbacks=len(handed_over),
            hit=len(
                {(row.recording, row.chunk) for row in in_vain}
                | {(note.recording, note.chunk) for note in (*failed, *handed_over)}
            ),
        )
        if found.done or found.failed or found.fallbacks:
            minutes.append(found)
        for engine in sorted({row.engine for row in heard}):
            mine = [row for row in heard if row.engine == engine]
            old = speeds.get(engine, Speed(audio=0.0, busy=0.0))
            speeds[engine] = Speed(
                audio=old.audio * FADES + sum(row.audio_seconds for row in mine),
                busy=old.busy * FADES + sum(row.busy_seconds for row in mine),
            )
    recent = tuple(one for one in minutes if one.minute > last - REMEMBERED)
    return replace(before, counted=last, minutes=recent, speeds=speeds)


def _is_parakeets(failure: Failure) -> bool:
    """Whether Parakeet itself failed, and the note is not about the recording or the hand-over after it."""
    return (
        _is_ours(failure.where)
        and failure.error not in NOT_THE_ENGINE
        and failure.code != parakeet_share.HANDED_ON
    )


def _is_ours(where: str) -> bool:
    return where in ENGINES and not is_hosted(where)
