"""Step 3. Choose the method, and say why: a pure function.

    the method that the caller asked for > the deployment's setting > weights that only Parakeet has >
    Parakeet's share (parakeet_share.py) > the matrix (matrix.py), or the score (score.py)         (pick.py)

Where speakers are asked for, the same among the methods that tell them apart (speakers.py).
Every choice lists the methods that were not chosen, what they would have cost, and why not.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from shared import engines
from shared.costs import prices_file
from shared.errors import BadRequest
from shared.model import Considered, Decision, Method, Options
from shared.planning import worker_pools
from shared.routing import conditions, eligible, flags, parakeet_share, pick, score, weights
from shared.routing.case import Case, Choice, Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.ports import Ports
    from shared.routing.score import Prospect
    from shared.settings import Settings

PUBLISHED_WEIGHTS = re.compile(r"tiny|[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*")
"""Names of weights that callers of a deployment may use; a path would let them look into the worker."""


def known(ports: Ports) -> Known:
    """What a decision depends on now. It takes at most two reads of the records, and a failed read is no error."""
    found = flags.read(ports)
    return Known(
        settings=found.applied(ports.settings),
        engines=ports.engines,
        conditions=conditions.read(ports),
        prices=prices_file.table(ports.settings),
        now=ports.clock.now(),
        asked_since=found.since.get(parakeet_share.VARIABLE, 0.0),
    )


def choose(case: Case, known: Known) -> Choice:
    """Method, engines, weights and chunks for one recording. Pure.

    Raises:
        BadRequest: the requested method cannot run in this deployment, or none can.
    """
    settings, options = known.settings, case.options
    if settings.platform != "local" and options.model and not PUBLISHED_WEIGHTS.fullmatch(options.model):
        raise BadRequest(
            f"The model {options.model!r} is not a published one. Give a name as owner/name, e.g. "
            "nvidia/parakeet-tdt-0.6b-v3, or leave the choice to the deployment."
        )
    workers = _workers(known)
    lack = weights.lack(options, settings)
    found = score.prospects(
        case.audio,
        case.size,
        None if lack else workers.engine,
        hosted=engines.hosted_specs(known.engines),
        conditions=known.conditions.fresh(known.now),
        settings=settings,
        prices=known.prices,
        options=options,
    )
    if lack and not found:
        raise eligible.not_known(lack)
    if not found:
        off = " GPUs are switched off by ENABLE_GPU_TRANSCRIPTION." if known.engines else ""
        raise BadRequest(
            f"No engine can run here.{off}{_no_job(settings)} `dropscribe doctor` says what is missing and how to "
            "install it."
        )
    picked = pick.pick(case, known, found, workers)
    chosen = found[picked.method]
    reason = picked.reason
    if chosen.split:
        reason += f"; {chosen.split}"
    if chosen.of_one_engine:
        chosen = replace(chosen, method=engines.spec(chosen.engine).method)
    others = sorted(
        (one for one in engines.methods() if one != chosen.method), key=lambda one: _order(one, found)
    )
    return Choice(
        decision=Decision(
            method=chosen.method,
            engine=chosen.engine,
            model=_weights(chosen, options, settings),
            reason=reason,
            considered=(chosen.considered(), *(_loser(one, found, picked, known, options) for one in others)),
        ),
        chunks=chosen.chunks,
    )


def _loser(
    method: Method, found: Mapping[Method, Prospect], picked: pick.Picked, known: Known, options: Options
) -> Considered:
    if method not in found:
        return Considered(method=method, why_not=pick.missing(method, found, known, options))
    one = found[method]
    if one.of_one_engine:
        return Considered(method=method, why_not=f"all chunks would go to {one.engine}")
    return one.considered(picked.why_not[method])


def _weights(chosen: Prospect, options: Options, settings: Settings) -> str:
    """The weights of a decision: those of a hosted engine, else those of the caller or the deployment."""
    hosted = engines.spec(chosen.engine).hosted
    if hosted and chosen.method != engines.HYBRID:
        return hosted.weights
    return weights.chosen(options, settings)


def _workers(known: Known) -> pick.OurWorkers:
    gpu, cpu = engines.PARAKEET_GPU.name, engines.PARAKEET_CPU.name
    has_gpu, has_cpu = (gpu in known.engines), (cpu in known.engines)
    why = conditions.no_gpu(known.conditions, known.settings, known.now) if has_gpu else "no GPU is set up"
    pool = worker_pools.pool_of(cpu, known.settings) or "main"
    hired = known.settings.platform == "google"
    no_cpu = conditions.no_worker(known.conditions, pool, known.now) if hired else ""
    # If the CPU engine runs beside the GPU, it is not available either.
    on_cpu = has_cpu and not (no_cpu and pool == "main")
    if not why or (has_gpu and not on_cpu and known.settings.enable_gpu):
        return pick.OurWorkers(engine=gpu, no_gpu=why, no_cpu=no_cpu)
    return pick.OurWorkers(engine=cpu if has_cpu else None, no_gpu=why, no_cpu=no_cpu)


def _no_job(settings: Settings) -> str:
    lacks = settings.platform == "google" and engines.PARAKEET_CPU.name in settings.engines.split(",")
    if settings.has_cpu_job or not lacks:
        return ""
    name = engines.PARAKEET_CPU.in_sentences
    return f" {name} needs a job of its own: name it in DROPSCRIBE_CPU_JOB (docs/google-cloud.md)."


def _order(method: Method, found: Mapping[Method, Prospect]) -> tuple[bool, float]:
    """Losing methods by their score; those that cannot run last."""
    real = method in found and not found[method].of_one_engine
    return (not real, found[method].score if real else 0.0)
