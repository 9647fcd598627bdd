"""Step 3, the order of precedence: which of the methods that can run is chosen, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.engines import (
    AUTO,
    HYBRID,
    PARAKEET_CPU,
    PARAKEET_GPU,
    EngineSpec,
    hosted_specs,
    is_hosted,
    method_name,
    methods,
    spec,
)
from shared.errors import BadRequest
from shared.in_words import dollars, listed
from shared.model import Engine, Method, Options
from shared.routing import eligible, matrix, parakeet_share, speakers, weights

if TYPE_CHECKING:
    from shared.routing.case import Case, Known
    from shared.routing.score import Prospect
    from shared.settings import Settings

OURS: Method = PARAKEET_GPU.method
"""The method of the engines that workers of ours run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OurWorkers:
    """What Parakeet would run on."""

    engine: Engine | None
    """The engine that would run it, None if none can."""
    no_gpu: str
    """Why there is no GPU to rely on; empty if there is one."""
    no_cpu: str
    """Why there is no worker without one to rely on; empty if there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picked:
    """The chosen method, and why."""

    method: Method
    reason: str
    """Why, in words."""
    why_not: Mapping[Method, str]
    """Why not, for each other method."""


def pick(case: Case, known: Known, found: Mapping[Method, Prospect], workers: OurWorkers) -> Picked:
    """One of the methods that can run. Pure.

    Raises:
        BadRequest: the requested method cannot run in this deployment.
    """
    if not case.options.diarize:
        return _pick(case, known, found, workers)
    out = speakers.left_out(case, known.settings, found)
    found = {method: one for method, one in found.items() if method not in out}
    if not found:
        raise BadRequest(speakers.no_engine())
    picked = _pick(case, known, found, workers)
    return replace(picked, why_not={**picked.why_not, **out})


def _pick(case: Case, known: Known, found: Mapping[Method, Prospect], workers: OurWorkers) -> Picked:
    settings, no_gpu, no_cpu = known.settings, workers.no_gpu, workers.no_cpu
    if (asked := _asked(case.options, known, found)) is not None:
        return asked
    if OURS not in found or len(found) == 1:
        return _one_kind(found, known, no_gpu, weights.lack(case.options, settings, brief=True))
    ours, hosted = found[OURS], _hosted(found)
    on_gpu = spec(ours.engine).needs_gpu
    if none := no_gpu if on_gpu else no_cpu:
        other = "and no CPU is set up" if on_gpu else f"and without one {no_cpu}"
        return _picked(hosted, f"{no_gpu}, {other}: {method_name(hosted)}", none)
    # From here on both Parakeet and a hosted engine can run.
    share = parakeet_share.share(
        known.conditions.rollout,
        parakeet_share.Asked(percent=settings.rollout_percent, since=known.asked_since),
    )
    if not parakeet_share.in_share(case.key, share.percent):
        reason = f"outside the {share.percent:g} % of the recordings that Parakeet gets"
        return _picked(hosted, reason + (f" ({share.why_less})" if share.why_less else ""), reason)
    if settings.cost_optimization:
        return _by_score(found, settings)
    row = matrix.row_of(case.audio, case.size, settings)
    who = matrix.MATRIX[not no_gpu][row.index]
    method = {"ours": OURS, "both": HYBRID, "hosted": hosted}[who]
    gpu = no_gpu or "a GPU is available"
    if method not in found:
        method, gpu = OURS, f"{gpu}, and one engine tells the speakers apart"
    return _picked(
        method,
        f"{row.reason}, and {gpu}: {method_name(method)}{_on(found[method])}",
        f"the matrix takes {method}",
    )


def _hosted(found: Mapping[Method, Prospect]) -> Method:
    """The method of the preferred hosted engine among those that can run."""
    return next(one.method for one in hosted_specs() if one.method in found)


def _one_kind(found: Mapping[Method, Prospect], known: Known, no_gpu: str, lack: str) -> Picked:
    """If only our engine or only hosted ones can run, for want of ours: the preferred one of several, or the best score."""
    if len(found) > 1 and known.settings.cost_optimization:
        return _by_score(found, known.settings)
    first = found[OURS if OURS in found else _hosted(found)]
    why_not = "" if len(found) == 1 else f"{method_name(first.method)} comes first"
    return _picked(first.method, _alone(first, known, no_gpu, lack), why_not)


def _asked(options: Options, known: Known, found: Mapping[Method, Prospect]) -> Picked | None:
    """The method that the caller or the deployment's setting requires, None if the choice is open."""
    settings = known.settings
    wanted = options.method if options.method != AUTO else settings.method
    if options.diarize and options.method == AUTO and not speakers.tells(wanted):
        wanted = AUTO
    if wanted != AUTO:
        if wanted not in found:
            raise BadRequest(_cannot(wanted, found, known, options))
        reason = f"{wanted} was asked for"
        return _picked(wanted, f"{reason}{_place(wanted, found, 'runs')}", reason)
    if weights.asked(options, settings):
        if OURS not in found:
            raise BadRequest(
                f"The weights {options.model} were asked for, but {missing(OURS, found, known, options)} here. "
                "Leave them out."
            )
        reason = f"the weights {options.model} were asked for"
        return _picked(OURS, f"{reason}{_place(OURS, found, 'run')}", reason)
    return None


def _alone(only: Prospect, known: Known, no_gpu: str, lack: str) -> str:
    """Why there was nothing to choose."""
    if lack:
        return f"{lack}: {method_name(only.method)}"
    has_gpu = PARAKEET_GPU.name in known.engines
    if only.engine == PARAKEET_CPU.name and has_gpu:
        others = listed((one.in_sentences for one in hosted_specs()), "or")
        return f"{no_gpu}: Parakeet on this CPU, as {others} is not set up"
    if is_hosted(only.engine) and has_gpu:
        return f"{no_gpu}, and no CPU is set up: {method_name(only.method)}"
    reason = f"{method_name(only.method)}{_on(only)}: no other engine is set up"
    return f"{reason}, though {no_gpu}" if has_gpu and no_gpu else reason


def _picked(method: Method, reason: str, why_not: str) -> Picked:
    return Picked(method=method, reason=reason, why_not={one: why_not for one in methods() if one != method})


def _by_score(found: Mapping[Method, Prospect], settings: Settings) -> Picked:
    """The lowest score among the methods below the cap, else the cheapest."""
    cap = settings.cost_threshold
    # A hybrid whose chunks all go to one engine is the same as that engine's method.
    real = [found[one] for one in methods() if one in found and not found[one].of_one_engine]
    below = [one for one in real if one.usd_per_hour <= cap]
    if below:
        best = min(below, key=lambda one: one.score)
        lead = f"lowest cost with waiting at {dollars(settings.wait_usd_per_minute)} a minute"
    else:
        best = min(real, key=lambda one: (one.usd, one.score))
        lead = f"cheapest, as every method costs more than {dollars(cap)} an hour (COST_THRESHOLD_PER_HOUR)"
    why_not: dict[Method, str] = {}
    for one in real:
        if one.usd_per_hour > cap:
            why_not[one.method] = (
                f"{dollars(one.usd_per_hour)} for an hour of audio is more than {dollars(cap)}"
            )
        else:
            why_not[one.method] = f"scores {dollars(one.score)}, {best.method} {dollars(best.score)}"
    others = ", ".join(
        f"{one.told()}" + (" (too expensive)" if below and one.usd_per_hour > cap else "")
        for one in real
        if one is not best
    )
    return Picked(
        method=best.method,
        reason=f"{lead}: {best.told()}" + (f", against {others}" if others else ""),
        why_not=why_not,
    )


def _place(method: Method, found: Mapping[Method, Prospect], verb: str) -> str:
    return f" and {verb}{_on(found[method])}" if method == OURS else ""


def _on(one: Prospect) -> str:
    if one.method != OURS:
        return ""
    return " on a GPU" if spec(one.engine).needs_gpu else " on this CPU"


def missing(method: Method, found: Mapping[Method, Prospect], known: Known, options: Options) -> str:
    """Why a method cannot run here."""
    if absent := _absent(method, found):
        return f"{absent[0].in_sentences} is not set up"
    if lack := weights.lack(options, known.settings, brief=method == HYBRID):
        return lack
    # A GPU that is set up and switched on can always run Parakeet, if need be after a wait.
    return (
        f"{PARAKEET_GPU.in_sentences} is switched off" if _switched_off(known) else "Parakeet is not set up"
    )


def _absent(method: Method, found: Mapping[Method, Prospect]) -> list[EngineSpec]:
    """The hosted engines that a method lacks in this deployment; for a hybrid any one of them would do."""
    wanted = [one for one in hosted_specs() if method in {HYBRID, one.method}]
    return [] if any(one.method in found for one in wanted) else wanted


def _cannot(method: Method, found: Mapping[Method, Prospect], known: Known, options: Options) -> str:
    if absent := _absent(method, found):
        names = listed((one.in_sentences for one in absent), "or")
        keys = listed((one.hosted.key_variable for one in absent if one.hosted), "or")
        return (
            f"Method {method} was asked for, but this deployment has no {names} engine. "
            f"Ask for {OURS}, leave the choice to auto, or set {keys}."
        )
    if lack := weights.lack(options, known.settings):
        return f"Method {method} was asked for, but {lack}. {eligible.OTHER_LANGUAGE}"
    others = listed((one.method for one in hosted_specs()), "or")
    if _switched_off(known):
        return (
            f"Method {method} was asked for, but ENABLE_GPU_TRANSCRIPTION is off, and no CPU is set up. "
            f"Ask for {others}, leave the choice to auto, or switch it on."
        )
    return (
        f"Method {method} was asked for, but this deployment has no Parakeet engine. "
        f"Ask for {others}, leave the choice to auto, or see `dropscribe doctor`."
    )


def _switched_off(known: Known) -> bool:
    return PARAKEET_GPU.name in known.engines and not known.settings.enable_gpu
