"""Which messages a worker pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.planning import plan
from shared.topology import CPU_WORKER, GPU_WORKER

if TYPE_CHECKING:
    from shared.settings import Settings


def subscriptions_of(settings: Settings) -> tuple[str, ...]:
    """What a worker with these settings pulls, its own engine's first. Pure.

    One machine has one worker, which takes what there is: also what was planned while it had a GPU. In a project a
    worker with a GPU also does what is for a processor where nobody else is there for that.
    """
    if plan.worker_engine(settings) == "parakeet-cpu":
        return (CPU_WORKER, GPU_WORKER) if settings.platform == "local" else (CPU_WORKER,)
    return (GPU_WORKER,) if settings.has_cpu_job else (GPU_WORKER, CPU_WORKER)
