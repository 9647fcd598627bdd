"""What the router knows beside the recording and the settings: one document, updated by the sweeper every minute.

The router reads it with one get and calls no other service, so that no upload waits for a service that hangs.
If the document is missing, old or unreadable, the settings apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.engines import PARAKEET_CPU
from shared.errors import DropscribeError
from shared.in_words import human_duration
from shared.model import Engine
from shared.planning import worker_pools
from shared.routing.parakeet_share import Minute, ParakeetShare
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports
    from shared.settings import Settings

STATE, KEY = "state", "routing"
"""Collection and key of the document."""

STALE = 300.0
"""Seconds after which the document is too old to say anything about GPUs: the sweeper writes it every minute."""

LONGEST_QUEUE = 1800.0
"""Seconds that the oldest recording may wait for a GPU before new ones go elsewhere."""

MOST_FAILING = 0.5
"""Share of attempts that may fail before GPUs count as broken."""

LEAST = 10
"""Least attempts for that share to count."""

ENOUGH = 600.0
"""Least seconds of audio for a measured speed to count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """The workers of one pool."""

    status: str = "ready"
    """Whether they are available, as in `WorkerState`."""
    said: str = ""
    """The platform's message if they are not."""
    avoid_until: float = 0.0
    """Until when the router does not rely on them, seconds since 1970."""
    running: int = 0
    """Tasks that are running or about to start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """Speed of an engine, weighted towards its latest work."""

    audio: float
    """Seconds of audio."""
    busy: float
    """Seconds that the engine took for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """The document, with its defaults before the first sweep."""

    time: float = 0.0
    """When the sweeper looked, seconds since 1970."""
    status: str = "ready"
    """Whether workers of the main pool are available, as in `WorkerState`."""
    said: str = ""
    """The platform's message if they are not."""
    avoid_until: float = 0.0
    """Until when the router does not rely on a GPU, seconds since 1970."""
    running: int = 0
    """Tasks that are running or about to start."""
    cpu: Workers = field(default_factory=Workers)
    """The same four for the workers without a GPU, if they have a job of their own."""
    waiting: Mapping[str, float] = field(default_factory=dict)
    """Seconds of audio that wait, by engine or pool of workers (`who_waits`)."""
    oldest: float = 0.0
    """Age of the oldest recording that waits for a worker of the main pool, seconds."""
    speeds: Mapping[Engine, Speed] = field(default_factory=dict)
    """Measured speeds."""
    counted: int = 0
    """The last minute whose rows were read, whole minutes since 1970."""
    minutes: tuple[Minute, ...] = ()
    """What became of Parakeet's chunks in the last minutes."""
    rollout: ParakeetShare | None = None
    """Parakeet's share, as its guard left it."""

    def speed(self, engine: Engine) -> float | None:
        """Measured real-time factor of an engine, None if too little was measured."""
        found = self.speeds.get(engine)
        return found.audio / found.busy if found and found.audio >= ENOUGH and found.busy > 0 else None

    def workers(self, pool: WorkerPool) -> Workers:
        """State of the workers of a pool."""
        if pool == "cpu":
            return self.cpu
        return Workers(status=self.status, said=self.said, avoid_until=self.avoid_until, running=self.running)

    def fresh(self, now: float) -> Conditions:
        """The same without what is out of date after `STALE`: workers and queues. Speeds and Parakeet's share stay."""
        if 0 <= now - self.time <= STALE:
            return self
        return Conditions(time=self.time, speeds=self.speeds, rollout=self.rollout)


def out_of_workers(ports: Ports) -> dict[WorkerPool, Workers]:
    """The pools for which the sweeper could start no workers; none that are available or were not asked for."""
    now = ports.clock.now()
    known = read(ports).fresh(now)
    found = {pool: known.workers(pool) for pool in worker_pools.pools_of(ports.engines, ports.settings)}
    return {pool: one for pool, one in found.items() if one.avoid_until > now}


def who_waits(pool: WorkerPool | None, engine: Engine) -> str:
    """Key in `waiting` for work of an engine: a hosted engine's own name, else one for its pool of workers."""
    if pool is None:
        return engine
    if pool == "canary":
        return pool
    return PARAKEET_CPU.name if pool == "cpu" else PARAKEET_CPU.method


def no_gpu(conditions: Conditions, settings: Settings, now: float) -> str:
    """Why the router cannot rely on a GPU now, empty if it can. Pure; for a deployment that has the engine."""
    if not settings.enable_gpu:
        return "ENABLE_GPU_TRANSCRIPTION is off"
    known = conditions.fresh(now)
    if known.avoid_until > now:
        return f"no GPU is available now ({known.status})"
    if known.oldest > LONGEST_QUEUE:
        return f"work has waited for a GPU for {human_duration(known.oldest)}"
    done, failed = sum(one.done for one in known.minutes), sum(one.failed for one in known.minutes)
    if done + failed >= LEAST and failed > MOST_FAILING * (done + failed):
        return f"{failed} of the last {done + failed} attempts on Parakeet failed"
    return ""


def no_worker(conditions: Conditions, pool: WorkerPool, now: float) -> str:
    """Why the router cannot rely on the workers of a pool now, empty if it can. Pure."""
    known = conditions.fresh(now).workers(pool)
    return f"no worker is available now ({known.status})" if known.avoid_until > now else ""


def read(ports: Ports) -> Conditions:
    """The sweeper's last observation. Never raises: without an answer the settings apply."""
    try:
        return stored(ports)
    except DropscribeError as error:
        log.warning("cannot read the conditions, so the settings apply: %s", error)
        return Conditions()


def stored(ports: Ports) -> Conditions:
    """The document; the defaults if there is none, or if it is from another version."""
    return documents.mark(STATE, KEY, Conditions, ports.records) or Conditions()
