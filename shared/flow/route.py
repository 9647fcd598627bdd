"""Step 3. Choose who transcribes: a pure function, with its reason in words.

    what the caller asked for > what the deployment is set to > weights that only Parakeet has
    > the share of the rollout > the matrix (matrix.py), or the score (score.py)

Every choice comes with the methods that were not chosen, what they would have cost, and why not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared import prices_file
from shared.errors import BadRequest
from shared.flow import conditions, flags, matrix, rollout, score
from shared.flow.conditions import Conditions
from shared.flow.matrix import human_duration
from shared.model import AudioInfo, Chunk, Considered, Decision, Engine, Method, Options
from shared.prices import PriceTable
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.flow.score import Prospect
    from shared.ports import Ports

__all__ = ["Case", "Choice", "Known", "choose", "human_duration", "known"]

PUBLISHED_WEIGHTS = re.compile(r"tiny|[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*")
"""Names that callers of a deployment may choose weights by; a path would let them look into the worker."""

DEEPGRAM_MODEL = "nova-3"
"""The weights at Deepgram."""

NAMES: dict[Method, str] = {
    "parakeet": "Parakeet",
    "deepgram": "Deepgram",
    "hybrid": "Parakeet and Deepgram together",
}

METHODS: tuple[Method, ...] = ("parakeet", "hybrid", "deepgram")
"""All methods; of equal scores the first wins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """The recording to decide about."""

    key: str
    """Key of the recording."""
    size: int
    """Bytes of the object."""
    audio: AudioInfo
    """What the probe found."""
    options: Options
    """What the caller asked for; `auto` follows the deployment's setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Everything else that a decision depends on."""

    settings: Settings
    """The deployment's settings, flags applied."""
    engines: frozenset[Engine]
    """The engines that this deployment has."""
    conditions: Conditions
    """What the sweeper saw last."""
    prices: PriceTable
    """US dollars."""
    now: float
    """Seconds since 1970."""
    asked_since: float = 0.0
    """When the flag ROLLOUT_PERCENT was set, seconds since 1970; 0 where it is the setting's value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The decision and the plan that goes with it."""

    decision: Decision
    """Method, engine and weights, with the reason."""
    chunks: tuple[Chunk, ...]
    """The chunks, each with its engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Picked:
    method: Method
    reason: str
    why_not: Mapping[Method, str]


def known(ports: Ports) -> Known:
    """What a decision depends on now: two reads of the records at most, neither of which can fail it."""
    found = flags.read(ports)
    return Known(
        settings=found.applied(ports.settings),
        engines=ports.engines,
        conditions=conditions.read(ports),
        prices=prices_file.table(ports.settings),
        now=ports.clock.now(),
        asked_since=found.since.get(rollout.VARIABLE, 0.0),
    )


def choose(case: Case, known: Known) -> Choice:
    """Method, engines, weights and chunks for one recording. Pure.

    Raises:
        BadRequest: what was asked for cannot run in this deployment, or nothing can.
    """
    settings, options = known.settings, case.options
    if settings.platform != "local" and options.model and not PUBLISHED_WEIGHTS.fullmatch(options.model):
        raise BadRequest(
            f"The model {options.model!r} is no published one. Name one as owner/name, e.g. "
            "nvidia/parakeet-tdt-0.6b-v3, or leave the choice to the deployment."
        )
    parakeet, no_gpu = _parakeet(known)
    found = score.prospects(
        case.audio,
        case.size,
        parakeet,
        deepgram="deepgram" in known.engines,
        conditions=known.conditions.fresh(known.now),
        settings=settings,
        prices=known.prices,
    )
    if not found:
        off = " GPUs are switched off by ENABLE_GPU_TRANSCRIPTION." if known.engines else ""
        raise BadRequest(
            f"No engine can run here.{off} `dropscribe doctor` says what is missing and how to install it."
        )
    picked = _pick(case, known, found, no_gpu)
    chosen = found[picked.method]
    reason = picked.reason
    if chosen.split:
        reason += f"; {chosen.split}"
    if _is_alone(chosen):
        chosen = replace(chosen, method="deepgram" if chosen.engine == "deepgram" else "parakeet")
    others = sorted((one for one in METHODS if one != chosen.method), key=lambda one: _order(one, found))
    return Choice(
        decision=Decision(
            method=chosen.method,
            engine=chosen.engine,
            model=DEEPGRAM_MODEL if chosen.method == "deepgram" else options.model or settings.model,
            reason=reason,
            considered=(chosen.considered(), *(_loser(one, found, picked) for one in others)),
        ),
        chunks=chosen.chunks,
    )


def _loser(method: Method, found: Mapping[Method, Prospect], picked: _Picked) -> Considered:
    if method not in found:
        return Considered(method=method, why_not=_missing(method, found))
    one = found[method]
    if _is_alone(one):
        return Considered(method=method, why_not=f"all chunks would go to {one.engine}")
    return one.considered(picked.why_not[method])


def _parakeet(known: Known) -> tuple[Engine | None, str]:
    """The engine that would run Parakeet, and why that is none on a GPU."""
    has_gpu, has_cpu = ("parakeet-gpu" in known.engines), ("parakeet-cpu" in known.engines)
    why = conditions.no_gpu(known.conditions, known.settings, known.now) if has_gpu else "no GPU is set up"
    if not why or (has_gpu and not has_cpu and known.settings.enable_gpu):
        return "parakeet-gpu", why
    return ("parakeet-cpu" if has_cpu else None), why


def _pick(case: Case, known: Known, found: Mapping[Method, Prospect], no_gpu: str) -> _Picked:
    settings = known.settings
    if (asked := _asked(case.options, settings, found)) is not None:
        return asked
    if len(found) == 1:
        (only,) = found.values()
        return _picked(only.method, _alone(only, known, no_gpu), "")
    if no_gpu and found["parakeet"].engine == "parakeet-gpu":
        return _picked("deepgram", f"{no_gpu}, and no CPU is set up: Deepgram", no_gpu)
    # From here on both Parakeet and Deepgram can run.
    share, why_less = rollout.share(
        known.conditions.rollout, rollout.Asked(percent=settings.rollout_percent, since=known.asked_since)
    )
    if not rollout.in_share(case.key, share):
        reason = f"outside the {share:g} % of the recordings that Parakeet gets"
        return _picked("deepgram", reason + (f" ({why_less})" if why_less else ""), reason)
    if settings.cost_optimization:
        return _by_score(found, settings)
    row = matrix.row_of(case.audio, case.size, settings)
    method = matrix.MATRIX[not no_gpu][row.index]
    gpu = no_gpu or "a GPU is available"
    return _picked(
        method, f"{row.reason}, and {gpu}: {NAMES[method]}{_on(found[method])}", f"the matrix takes {method}"
    )


def _asked(options: Options, settings: Settings, found: Mapping[Method, Prospect]) -> _Picked | None:
    """What somebody asked for by name, None where the choice is open."""
    wanted = options.method if options.method != "auto" else settings.method
    if wanted != "auto":
        if wanted not in found:
            raise BadRequest(_cannot(wanted, found))
        reason = f"{wanted} was asked for"
        return _picked(wanted, f"{reason}{_place(wanted, found)}", reason)
    if options.model and options.model != settings.model:
        if "parakeet" not in found:
            raise BadRequest(
                f"The weights {options.model} were asked for, but {_missing('parakeet', found)} here. "
                "Leave them out."
            )
        reason = f"the weights {options.model} were asked for"
        return _picked("parakeet", f"{reason}{_place('parakeet', found)}", reason)
    return None


def _alone(only: Prospect, known: Known, no_gpu: str) -> str:
    """Why there was nothing to choose."""
    has_gpu = "parakeet-gpu" in known.engines
    if only.engine == "parakeet-cpu" and has_gpu:
        return f"{no_gpu}: Parakeet on this CPU, as Deepgram is not set up"
    reason = f"{NAMES[only.method]}{_on(only)}: no other engine is set up"
    return f"{reason}, though {no_gpu}" if has_gpu and no_gpu else reason


def _picked(method: Method, reason: str, why_not: str) -> _Picked:
    return _Picked(method=method, reason=reason, why_not={one: why_not for one in METHODS if one != method})


def _by_score(found: Mapping[Method, Prospect], settings: Settings) -> _Picked:
    """The lowest score among the methods below the cap, else the cheapest."""
    cap = settings.cost_threshold
    # A hybrid whose chunks all go to one engine is that engine.
    real = [found[one] for one in METHODS if one in found and not _is_alone(found[one])]
    below = [one for one in real if one.usd_per_hour <= cap]
    if below:
        best = min(below, key=lambda one: one.score)
        lead = f"lowest cost with waiting at ${settings.wait_usd_per_minute:g} a minute"
    else:
        best = min(real, key=lambda one: (one.usd, one.score))
        lead = f"cheapest, as every method costs more than ${cap:g} an hour (COST_THRESHOLD_PER_HOUR)"
    why_not: dict[Method, str] = {}
    for one in real:
        if one.usd_per_hour > cap:
            why_not[one.method] = f"${one.usd_per_hour:.4f} for an hour of audio is more than ${cap:g}"
        else:
            why_not[one.method] = f"scores ${one.score:.4f}, {best.method} ${best.score:.4f}"
    others = ", ".join(
        f"{one.told()}" + (" (too dear)" if below and one.usd_per_hour > cap else "")
        for one in real
        if one is not best
    )
    return _Picked(
        method=best.method,
        reason=f"{lead}: {best.told()}" + (f", against {others}" if others else ""),
        why_not=why_not,
    )


def _is_alone(one: Prospect) -> bool:
    return one.method == "hybrid" and len({chunk.engine for chunk in one.chunks}) == 1


def _order(method: Method, found: Mapping[Method, Prospect]) -> tuple[bool, float]:
    """Losing methods by their score; those that cannot run last."""
    real = method in found and not _is_alone(found[method])
    return (not real, found[method].score if real else 0.0)


def _place(method: Method, found: Mapping[Method, Prospect]) -> str:
    return f"; it runs{_on(found[method])}" if method == "parakeet" else ""


def _on(one: Prospect) -> str:
    if one.method != "parakeet":
        return ""
    return " on a GPU" if one.engine == "parakeet-gpu" else " on this CPU"


def _missing(method: Method, found: Mapping[Method, Prospect]) -> str:
    """Why a method cannot run here."""
    if "deepgram" not in found and method != "parakeet":
        return "Deepgram is not set up"
    return "Parakeet is not set up"


def _cannot(method: Method, found: Mapping[Method, Prospect]) -> str:
    if "deepgram" not in found and method != "parakeet":
        return (
            f"Method {method} was asked for, but this deployment has no Deepgram engine. "
            "Ask for parakeet, leave the choice to auto, or set DEEPGRAM_API_KEY."
        )
    return (
        f"Method {method} was asked for, but this deployment has no Parakeet engine. "
        "Ask for deepgram, leave the choice to auto, or see `dropscribe doctor`."
    )
