"""Which engines may take over the chunks of a recording, and which of them is the next. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import Engine, Fallback

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Options
    from shared.settings import Settings

ORDER: tuple[Engine, ...] = ("parakeet-gpu", "parakeet-cpu", "deepgram")
"""The circle of engines."""


def allowed(options: Options, settings: Settings, engines: Collection[Engine]) -> Fallback:
    """Who may take over chunks of a recording. Pure.

    Who asks for one of Parakeet and Deepgram, or for weights of Parakeet's, gets no other: it may be for the
    price, or because no sound may leave the deployment. Speakers are Deepgram's alone.

    Args:
        options: what the caller asked for.
        settings: what the deployment is set to.
        engines: those that it has.
    """
    wanted = options.method if options.method != "auto" else settings.method
    said = f"{wanted} was asked for"
    if wanted == "auto" and options.model and options.model != settings.model:
        wanted, said = "parakeet", f"the weights {options.model} were asked for"
    if options.diarize:
        wanted, said = "deepgram", "speakers were asked for, which only Deepgram tells apart"
    here = tuple(one for one in ORDER if one in engines)
    if wanted in {"auto", "hybrid"}:
        return Fallback(engines=here)
    kept = tuple(one for one in here if (one == "deepgram") == (wanted == "deepgram"))
    return Fallback(engines=kept, why_not=said if kept != here else "")


def next_engine(
    now: Engine, tried: Collection[Engine], fallback: Fallback, settings: Settings
) -> Engine | None:
    """The next engine of the circle that may take a chunk over, None where there is none. Pure.

    Args:
        now: whose the chunk is.
        tried: those that gave it up before.
        fallback: who may.
        settings: with the flags as they are now.
    """
    if not settings.enable_fallback:
        return None
    at = ORDER.index(now)
    for one in ORDER[at + 1 :] + ORDER[:at]:
        if one in fallback.engines and one not in tried and (settings.enable_gpu or one != "parakeet-gpu"):
            return one
    return None
