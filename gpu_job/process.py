"""The life of a worker process: its machine, its engines, its end."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

from gpu_job import last_resort, loading
from gpu_job.pipeline.consumer import subscriptions_of
from gpu_job.pipeline.worker import Worker
from gpu_job.start_up import StartUp
from shared.costs.executions import Meter, Place
from shared.engines import hosted_specs
from shared.errors import CallHangs, ConfigurationError, ModelUnavailable
from shared.planning import plan, worker_pools
from shared.recovery import no_weights
from shared.state import unfit_workers
from shared.telemetry import flush, log, measure

if TYPE_CHECKING:
    from gpu_job.speech.transcriber import Transcriber
    from shared import concurrency
    from shared.ports import Ports
    from shared.settings import Settings

IDLE_EXIT = 60.0
"""Seconds without work after which a worker ends."""

LAST_WORDS = 30.0
"""Seconds for the ledger and the log after a call has not returned."""

FLUSH = 1.5
"""Seconds for the last metrics: Cloud Run kills ten seconds after it asked for the end, and the worker takes 8."""


def run(ports: Ports, stop: concurrency.Event, *, stay: bool, began: float) -> Worker:
    """Run one worker until it is told to stop or has nothing to do; returns it, for what it has done.

    With `stay` it waits for work for ever, instead of ending when idle. `began` is when the process started, seconds
    since 1970.

    Raises:
        ConfigurationError: the image holds other weights than the deployment uses. No message is pulled, so no chunk
            fails, and no other worker is started for a while.
        CallHangs: a call does not return; end the process now, within `LAST_WORDS` seconds.
        ModelUnavailable: the weights of the deployment cannot be loaded. Chunks that another engine may take have been
            handed to it, the others given back.
        Transient: the worker broke down; nothing is lost.
    """
    settings = ports.settings
    place, paid = Place.from_environment(os.environ), plan.worker_engine(settings)
    start_up = StartUp(process=ports.clock.now() - began)
    with Meter(ports, place, paid, began) as meter:
        _check_image(ports)
        worker = Worker(
            ports,
            partial(_load, settings, start_up),
            load_cpu=partial(_load, replace(settings, enable_gpu=False), start_up),
            meter=meter,
            start_up=start_up,
        )
        # A deployment for a hosted engine loads weights only for a recording that asks for them.
        warm = None if settings.method in {one.method for one in hosted_specs()} else settings.model
        try:
            seconds_left = settings.worker_minutes * 60 - (ports.clock.now() - began)
            worker.run(
                stop,
                idle_exit=None if stay else IDLE_EXIT,
                seconds_left=None if stay else max(0.0, seconds_left),
                warm=warm,
            )
        except CallHangs:
            # Whatever it waits for, the ledger may wait for as well.
            last_resort.end_within(LAST_WORDS)
            raise
        except ModelUnavailable as error:
            no_weights.hand_over_all(error, subscriptions_of(settings), ports, stop)
            raise
        finally:
            log.info("worker ends: %s", worker.summary)
            flush(FLUSH)
    return worker


def _check_image(ports: Ports) -> None:
    settings = ports.settings
    try:
        loading.check_image(settings)
    except ConfigurationError as error:
        lane = settings.gpu_lane or worker_pools.pool_of(plan.worker_engine(settings), settings)
        unfit_workers.report(lane or "main", str(error), ports)
        raise


def _load(settings: Settings, start_up: StartUp, model: str) -> Transcriber:
    """Load an engine, and log what it runs on."""
    loaded = loading.load(settings, model, start_up=start_up)
    device = loaded.device
    parts = (
        device.name,
        device.driver,
        device.dtype,
        f"CUDA graphs {device.graphs}" if device.memory else "",
    )
    log.info("%s is ready on %s; so far: %s", model, ", ".join(filter(None, parts)), start_up)
    for step in fields(start_up):
        measure("worker_start_seconds", getattr(start_up, step.name), step=step.name)
    return loaded
