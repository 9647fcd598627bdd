"""Which workers take the chunks of which engine, and what starts them.

pool    in a project                           on one machine
main    the job DROPSCRIBE_GPU_JOB             the worker
cpu     the job DROPSCRIBE_CPU_JOB, if named   none: the worker does everything
canary  DROPSCRIBE_GPU_JOB-canary, which has   none
        the next release while it is rolled
        out
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from shared.engines import PARAKEET_CPU, PARAKEET_GPU, is_hosted, spec
from shared.planning import plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Engine
    from shared.ports import GpuJobs, Ports
    from shared.settings import Settings

WorkerPool = Literal["main", "cpu", "canary"]
"""Workers that are started together."""

IDLE_EXIT = 60.0
"""Seconds a worker waits for more work before it ends; they are paid for."""


def pool_of(engine: Engine, settings: Settings) -> WorkerPool | None:
    """The pool that takes the chunks of an engine; None for a hosted engine. Pure."""
    if is_hosted(engine):
        return None
    return "cpu" if spec(engine).own_pool and settings.has_cpu_job else "main"


def on_canary(key: str, engine: Engine, settings: Settings) -> bool:
    """Whether the chunks of a recording for an engine go to the workers of the next release. Pure.

    A hash of the key decides, so a larger share includes the recordings of a smaller one. The settings have the flags
    applied, so that the share is today's.
    """
    if settings.platform == "local" or not spec(engine).canary_topic:
        return False
    digest = hashlib.sha256(b"lane:" + key.encode()).digest()
    return int.from_bytes(digest[:8], "big") < settings.canary_percent / 100 * 2**64


def lane_of(key: str, engine: Engine, settings: Settings) -> WorkerPool | None:
    """The pool that takes the chunks of one recording for an engine; None for a hosted engine. Pure.

    The settings have the flags applied.
    """
    return "canary" if on_canary(key, engine, settings) else pool_of(engine, settings)


def machine_of(pool: WorkerPool, settings: Settings) -> Engine:
    """The engine whose machine a pool has, for prices and chunk lengths. Pure."""
    return PARAKEET_CPU.name if pool == "cpu" else plan.worker_engine(settings)


def pools_of(engines: Collection[Engine], settings: Settings) -> tuple[WorkerPool, ...]:
    """The pools of a deployment with these engines. Pure."""
    if not settings.has_cpu_job:
        return ("main",)
    return ("main", "cpu") if PARAKEET_GPU.name in engines else ("cpu",)


def jobs_of(pool: WorkerPool, ports: Ports) -> GpuJobs:
    """The port that starts the workers of a pool."""
    if pool == "main":
        return ports.gpu_jobs
    if pool == "canary":
        assert ports.canary_jobs is not None, "a platform with a canary can start it"
        return ports.canary_jobs
    assert ports.cpu_jobs is not None, "ports of a deployment with such a job can start it"
    return ports.cpu_jobs
