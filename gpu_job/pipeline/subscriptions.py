"""Which messages a worker pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.planning import plan

if TYPE_CHECKING:
    from shared.settings import Settings


def subscriptions_of(settings: Settings) -> tuple[str, ...]:
    """What a worker with these settings pulls, its own engine's first. Pure.

    One machine has one worker, which takes what there is: also what was planned while it had a GPU. In a project a
    worker with a GPU also does what is for a processor where nobody else is there for that.
    """
    if plan.worker_engine(settings) == PARAKEET_CPU.name:
        return (
            (PARAKEET_CPU.subscription, PARAKEET_GPU.subscription)
            if settings.platform == "local"
            else (PARAKEET_CPU.subscription,)
        )
    return (
        (PARAKEET_GPU.subscription,)
        if settings.has_cpu_job
        else (PARAKEET_GPU.subscription, PARAKEET_CPU.subscription)
    )
