"""Step 3, the order of what decides: who of those that can transcribe a recording does, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.in_words import dollars
from shared.model import Method
from shared.routing import matrix, rollout

if TYPE_CHECKING:
    from shared.model import Options
    from shared.routing.case import Case, Known
    from shared.routing.score import Prospect
    from shared.settings import Settings

NAMES: dict[Method, str] = {
    "parakeet": "Parakeet",
    "deepgram": "Deepgram",
    "hybrid": "Parakeet and Deepgram together",
}
"""For sentences."""

METHODS: tuple[Method, ...] = ("parakeet", "hybrid", "deepgram")
"""All methods; of equal scores the first wins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picked:
    """A method, and why."""

    method: Method
    """Which."""
    reason: str
    """Why, in words."""
    why_not: Mapping[Method, str]
    """Why not, for each other method that can run."""


def pick(case: Case, known: Known, found: Mapping[Method, Prospect], no_gpu: str, no_cpu: str = "") -> Picked:
    """One of the methods that can run. Pure.

    Args:
        case: the recording.
        known: everything else.
        found: the methods that can run, at least one.
        no_gpu: why no GPU is to be counted on, empty where one is.
        no_cpu: why no worker without a GPU is, empty where one is.

    Raises:
        BadRequest: what was asked for cannot run in this deployment.
    """
    settings = known.settings
    if (asked := _asked(case.options, known, found)) is not None:
        return asked
    if len(found) == 1:
        (only,) = found.values()
        return _picked(only.method, _alone(only, known, no_gpu), "")
    on_gpu = found["parakeet"].engine == "parakeet-gpu"
    if none := no_gpu if on_gpu else no_cpu:
        other = "and no CPU is set up" if on_gpu else f"and without one {no_cpu}"
        return _picked("deepgram", f"{no_gpu}, {other}: Deepgram", none)
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


def _asked(options: Options, known: Known, found: Mapping[Method, Prospect]) -> Picked | None:
    """What somebody asked for by name, None where the choice is open."""
    settings = known.settings
    if options.diarize:
        return _speakers(options, settings, found)
    wanted = options.method if options.method != "auto" else settings.method
    if wanted != "auto":
        if wanted not in found:
            raise BadRequest(_cannot(wanted, found, known))
        reason = f"{wanted} was asked for"
        return _picked(wanted, f"{reason}{_place(wanted, found)}", reason)
    if options.model and options.model != settings.model:
        if "parakeet" not in found:
            raise BadRequest(
                f"The weights {options.model} were asked for, but {missing('parakeet', found, known)} here. "
                "Leave them out."
            )
        reason = f"the weights {options.model} were asked for"
        return _picked("parakeet", f"{reason}{_place('parakeet', found)}", reason)
    return None


NO_SPEAKERS = (
    "Speakers were to be told apart, which only Deepgram does, and this deployment has no Deepgram engine. "
    "Ask without diarize, or set DEEPGRAM_API_KEY."
)
"""Why there are none, and what to do."""


def check_speakers(options: Options, settings: Settings) -> None:
    """See that nothing else was asked for that rules speakers out.

    Raises:
        BadRequest: says what, and what to do.
    """
    if not options.diarize:
        return
    asked = ""
    if options.method in {"parakeet", "hybrid"}:
        asked = f"method {options.method} was"
    elif options.model and options.model != settings.model:
        asked = f"the weights {options.model} were"
    if asked:
        raise BadRequest(
            f"Speakers are told apart by Deepgram alone, but {asked} asked for as well. Leave out one of them."
        )


def _speakers(options: Options, settings: Settings, found: Mapping[Method, Prospect]) -> Picked:
    check_speakers(options, settings)
    if "deepgram" not in found:
        raise BadRequest(NO_SPEAKERS)
    return _picked(
        "deepgram", "speakers were asked for, and Deepgram tells them apart", "does not tell speakers apart"
    )


def _alone(only: Prospect, known: Known, no_gpu: str) -> str:
    """Why there was nothing to choose."""
    has_gpu = "parakeet-gpu" in known.engines
    if only.engine == "parakeet-cpu" and has_gpu:
        return f"{no_gpu}: Parakeet on this CPU, as Deepgram is not set up"
    if only.method == "deepgram" and has_gpu:
        return f"{no_gpu}, and no CPU is set up: Deepgram"
    reason = f"{NAMES[only.method]}{_on(only)}: no other engine is set up"
    return f"{reason}, though {no_gpu}" if has_gpu and no_gpu else reason


def _picked(method: Method, reason: str, why_not: str) -> Picked:
    return Picked(method=method, reason=reason, why_not={one: why_not for one in METHODS if one != method})


def _by_score(found: Mapping[Method, Prospect], settings: Settings) -> Picked:
    """The lowest score among the methods below the cap, else the cheapest."""
    cap = settings.cost_threshold
    # A hybrid whose chunks all go to one engine is that engine.
    real = [found[one] for one in METHODS if one in found and not found[one].alone]
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
        f"{one.told()}" + (" (too dear)" if below and one.usd_per_hour > cap else "")
        for one in real
        if one is not best
    )
    return Picked(
        method=best.method,
        reason=f"{lead}: {best.told()}" + (f", against {others}" if others else ""),
        why_not=why_not,
    )


def _place(method: Method, found: Mapping[Method, Prospect]) -> str:
    return f"; it runs{_on(found[method])}" if method == "parakeet" else ""


def _on(one: Prospect) -> str:
    if one.method != "parakeet":
        return ""
    return " on a GPU" if one.engine == "parakeet-gpu" else " on this CPU"


def missing(method: Method, found: Mapping[Method, Prospect], known: Known) -> str:
    """Why a method cannot run here."""
    if "deepgram" not in found and method != "parakeet":
        return "Deepgram is not set up"
    # A GPU that is there and may be used is always one that Parakeet can wait for.
    return "Parakeet on a GPU is switched off" if _switched_off(known) else "Parakeet is not set up"


def _cannot(method: Method, found: Mapping[Method, Prospect], known: Known) -> str:
    if "deepgram" not in found and method != "parakeet":
        return (
            f"Method {method} was asked for, but this deployment has no Deepgram engine. "
            "Ask for parakeet, leave the choice to auto, or set DEEPGRAM_API_KEY."
        )
    if _switched_off(known):
        return (
            f"Method {method} was asked for, but ENABLE_GPU_TRANSCRIPTION is off, and no CPU is set up. "
            "Ask for deepgram, leave the choice to auto, or switch it on."
        )
    return (
        f"Method {method} was asked for, but this deployment has no Parakeet engine. "
        "Ask for deepgram, leave the choice to auto, or see `dropscribe doctor`."
    )


def _switched_off(known: Known) -> bool:
    return "parakeet-gpu" in known.engines and not known.settings.enable_gpu
