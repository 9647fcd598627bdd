"""What the router knows of the world beyond the recording: one document, kept by the sweeper every minute.

The router reads it with one get and asks nobody else, so that no upload waits for a service that hangs. A
document that is missing, old or unreadable counts as what the settings say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.engines import PARAKEET_CPU
from shared.errors import BadRequest, DropscribeError
from shared.in_words import human_duration
from shared.messages import from_fields
from shared.model import Engine
from shared.routing.rollout import Minute, Rollout
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports
    from shared.settings import Settings

STATE, KEY = "state", "routing"
"""Collection and key of the document."""

STALE = 300.0
"""Seconds after which the document says nothing about GPUs any more: the sweeper writes it every minute."""

LONGEST_QUEUE = 1800.0
"""Seconds that the oldest recording may wait for a GPU before others go elsewhere."""

MOST_FAILING = 0.5
"""Share of attempts that may fail before a GPU counts as broken."""

LEAST = 10
"""Attempts that it takes to say so."""

ENOUGH = 600.0
"""Seconds of audio from which on a measured speed counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """The workers of one pool."""

    status: str = "ready"
    """Whether they can be had, as in `GpuState`."""
    said: str = ""
    """What the platform said when they could not."""
    avoid_until: float = 0.0
    """Until when none is counted on, seconds since 1970."""
    running: int = 0
    """Tasks that run or are about to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How fast an engine was, the latest work counting most."""

    audio: float
    """Seconds of audio."""
    busy: float
    """Seconds that the engine took for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """The document, and its defaults where nobody has looked yet."""

    time: float = 0.0
    """When the sweeper looked, seconds since 1970."""
    status: str = "ready"
    """Whether workers can be had, as in `GpuState`."""
    said: str = ""
    """What the platform said when they could not."""
    avoid_until: float = 0.0
    """Until when no GPU is counted on, seconds since 1970."""
    running: int = 0
    """Tasks that run or are about to."""
    cpu: Workers = field(default_factory=Workers)
    """The same four of the workers without a GPU, where they have a job of their own."""
    waiting: Mapping[str, float] = field(default_factory=dict)
    """Seconds of audio that wait, by who is to transcribe them (`who_waits`)."""
    oldest: float = 0.0
    """Seconds since the oldest recording came that waits for a worker, those without a GPU apart."""
    speeds: Mapping[Engine, Speed] = field(default_factory=dict)
    """Measured speeds."""
    counted: int = 0
    """The last minute whose rows were read, whole minutes since 1970."""
    minutes: tuple[Minute, ...] = ()
    """What became of Parakeet's chunks lately."""
    rollout: Rollout | None = None
    """What the guard remembers."""

    def speed(self, engine: Engine) -> float | None:
        """Measured real-time factor of an engine, None if too little was measured."""
        found = self.speeds.get(engine)
        return found.audio / found.busy if found and found.audio >= ENOUGH and found.busy > 0 else None

    def workers(self, pool: WorkerPool) -> Workers:
        """What is known of the workers of a pool."""
        if pool == "cpu":
            return self.cpu
        return Workers(status=self.status, said=self.said, avoid_until=self.avoid_until, running=self.running)

    def fresh(self, now: float) -> Conditions:
        """The same without what is too old to be true: who runs and waits. Speeds and shares stay."""
        if 0 <= now - self.time <= STALE:
            return self
        return Conditions(time=self.time, speeds=self.speeds, rollout=self.rollout)


def who_waits(pool: WorkerPool | None, engine: Engine) -> str:
    """The name in `waiting` for work of an engine: a hosted engine's own, else that of its pool of workers."""
    if pool is None:
        return engine
    return PARAKEET_CPU.name if pool == "cpu" else PARAKEET_CPU.method


def no_gpu(conditions: Conditions, settings: Settings, now: float) -> str:
    """Why no GPU is to be counted on now, empty if one is. Pure; for a deployment that has the engine."""
    if not settings.enable_gpu:
        return "ENABLE_GPU_TRANSCRIPTION is off"
    known = conditions.fresh(now)
    if known.avoid_until > now:
        return f"no GPU can be had now ({known.status})"
    if known.oldest > LONGEST_QUEUE:
        return f"work has waited for a GPU for {human_duration(known.oldest)}"
    done, failed = sum(one.done for one in known.minutes), sum(one.failed for one in known.minutes)
    if done + failed >= LEAST and failed > MOST_FAILING * (done + failed):
        return f"{failed} of the last {done + failed} attempts on Parakeet failed"
    return ""


def no_worker(conditions: Conditions, pool: WorkerPool, now: float) -> str:
    """Why no worker of a pool is to be counted on now, empty if one is. Pure."""
    known = conditions.fresh(now).workers(pool)
    return f"no worker can be had now ({known.status})" if known.avoid_until > now else ""


def read(ports: Ports) -> Conditions:
    """What the sweeper saw last. Never raises: without an answer the settings count."""
    try:
        return stored(ports)
    except DropscribeError as error:
        log.warning("the conditions cannot be read, the settings count: %s", error)
        return Conditions()


def stored(ports: Ports) -> Conditions:
    """The document; the defaults where there is none, or one of another version.

    Raises:
        Transient: the records did not answer.
    """
    fields = ports.records.get(STATE, KEY)
    try:
        return Conditions() if fields is None else from_fields(fields, Conditions)
    except BadRequest as error:
        log.warning("what the sweeper wrote cannot be read and is begun anew: %s", error)
        return Conditions()
