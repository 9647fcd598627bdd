"""Step 3, for a recording whose speakers are told apart: who can, and who can take over. Pure.

Our workers hear voices with each chunk, and the merger sorts them, so their chunks are as for any recording. A hosted
engine numbers the speakers of each call anew, so it gets the recording in one piece. The two are never mixed in one
recording: it could not be told which number is whose voice. So an engine of the other kind takes over all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shared.engines import AUTO, HYBRID, EngineSpec, able, of_method, spec
from shared.errors import BadRequest
from shared.in_words import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.model import Chunk, Engine, Method, Options
    from shared.routing.case import Case
    from shared.settings import Settings

LONGEST_SENT = {"local": 4 * 3600.0, "google": 2 * 3600.0}
"""Most seconds of audio in one call if samples are sent, by platform: two hours take 0.5 GB of the function's 1 GiB
of memory."""
ONE_ENGINE = "one engine tells the speakers of a recording apart"
"""Why there is no hybrid."""


def tells(method: Method) -> bool:
    """Whether a method tells speakers apart; `auto` finds one that does."""
    return method == AUTO or (
        method != HYBRID and any("speakers" in one.abilities for one in of_method(method))
    )


def check(options: Options) -> None:
    """Check that the method that was asked for tells speakers apart, if that was asked for.

    Raises:
        BadRequest: says what to do.
    """
    if not options.diarize or tells(options.method):
        return
    methods = listed(dict.fromkeys(one.method for one in able("speakers")), "or")
    why = ONE_ENGINE if options.method == HYBRID else f"{options.method} does not tell speakers apart"
    raise BadRequest(
        f"Speakers and method {options.method} were asked for, but {why}. Ask for {methods}, or leave the choice to auto."
    )


def left_out(case: Case, settings: Settings, found: Collection[Method]) -> dict[Method, str]:
    """The methods that could transcribe a recording and not tell its speakers apart, and why not.

    Raises:
        BadRequest: one of them was asked for.
    """
    check(case.options)
    out = {
        one: ONE_ENGINE if one == HYBRID else "does not tell speakers apart"
        for one in found
        if not tells(one)
    }
    rest = [one for one in found if one not in out]
    for method in rest:
        longest = _longest(of_method(method)[0], settings)
        if (
            len(rest) > 1
            and method not in {case.options.method, settings.method}
            and (case.audio.duration or 0.0) > longest
        ):
            out[method] = f"tells the speakers of up to {longest / 3600:g} h apart"
    return out


def _longest(engine: EngineSpec, settings: Settings) -> float:
    """The longest recording, in seconds, whose speakers an engine can tell apart."""
    if engine.hosted is None:
        return float("inf")
    # In a project it reads the recording from an address, which is no length of samples.
    local = settings.platform == "local"
    return min(engine.hosted.limits.seconds, LONGEST_SENT["local"] if local else float("inf"))


def check_engines(engines: Collection[Engine]) -> None:
    """Check that a deployment has an engine that tells speakers apart.

    Raises:
        BadRequest: it has none; says what to do.
    """
    if not any(one.name in engines for one in able("speakers")):
        raise BadRequest(no_engine())


def no_engine() -> str:
    """That no engine of a deployment tells speakers apart, and what to do."""
    names = listed(dict.fromkeys(one.method_in_sentences for one in able("speakers")), "and")
    return (
        f"No engine of this deployment tells speakers apart. {names} can: set up one of them, "
        "or ask without speakers (diarize, channels)."
    )


def takes_over(
    engine: EngineSpec, chunks: Sequence[Chunk], settings: Settings
) -> Literal["a chunk", "the whole", "nothing"]:
    """What an engine may take over of a recording from the engine that it was planned for.

    An empty plan: it is not made yet, and ours is to come first.
    """
    planned_ours = not chunks or spec(chunks[0].engine).hosted is None
    if "speakers" not in engine.abilities:
        return "nothing"
    if (engine.hosted is None) == planned_ours:
        return "a chunk"
    seconds = (chunks[-1].end or 0.0) if chunks else 0.0
    return "the whole" if seconds <= _longest(engine, settings) else "nothing"
