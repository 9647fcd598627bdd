"""Beside the steps: which workers take the chunks of which engine, and who starts them.

fleet   in a project                              on one machine
main    the job DROPSCRIBE_GPU_JOB                the worker
cpu     the job DROPSCRIBE_CPU_JOB, where named   none: the worker does everything
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shared.planning import plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Engine
    from shared.ports import GpuJobs, Ports
    from shared.settings import Settings

Fleet = Literal["main", "cpu"]
"""Workers that are started together."""


def fleet_of(engine: Engine, settings: Settings) -> Fleet | None:
    """Whose chunks those of an engine are; None for a service of others. Pure."""
    if engine == "deepgram":
        return None
    return "cpu" if engine == "parakeet-cpu" and settings.has_cpu_job else "main"


def machine_of(fleet: Fleet, settings: Settings) -> Engine:
    """The engine whose machine a fleet has, for prices and lengths. Pure."""
    return "parakeet-cpu" if fleet == "cpu" else plan.worker_engine(settings)


def fleets_of(engines: Collection[Engine], settings: Settings) -> tuple[Fleet, ...]:
    """The fleets of a deployment with these engines. Pure."""
    if not settings.has_cpu_job:
        return ("main",)
    return ("main", "cpu") if "parakeet-gpu" in engines else ("cpu",)


def jobs_of(fleet: Fleet, ports: Ports) -> GpuJobs:
    """Who starts the workers of a fleet."""
    if fleet == "main":
        return ports.gpu_jobs
    assert ports.cpu_jobs is not None, "ports of a deployment with such a job can start it"
    return ports.cpu_jobs
