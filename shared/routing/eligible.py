"""Which engines may take over the chunks of a recording, and which is next. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import AUTO, ENGINES, able, hosted_specs, of_method
from shared.model import Engine, Fallback

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Options
    from shared.settings import Settings


def allowed(options: Options, settings: Settings, engines: Collection[Engine]) -> Fallback:
    """The engines that may take over chunks of a recording. Pure.

    A caller who asks for one method, or for weights of Parakeet, gets no other: the reason may be the price, or
    that no audio may leave the deployment. Only engines that tell speakers apart may take over for speakers.

    Args:
        options: what the caller asked for.
        settings: of the deployment.
        engines: the engines that it has.
    """
    here = [one for one in ENGINES.values() if one.name in engines]
    wanted = options.method if options.method != AUTO else settings.method
    kept, said = [one for one in of_method(wanted) if one in here], f"{wanted} was asked for"
    if wanted == AUTO:
        kept = here
        if options.model and options.model != settings.model:
            kept, said = (
                [one for one in here if not one.hosted],
                f"the weights {options.model} were asked for",
            )
    if options.diarize:
        kept = [one for one in here if "speakers" in one.abilities]
        names = " and ".join(one.in_sentences for one in able("speakers"))
        said = f"speakers were asked for, which only {names} tells apart"
    return Fallback(engines=tuple(one.name for one in kept), why_not=said if kept != here else "")


def weights(options: Options, settings: Settings, engines: Collection[Engine]) -> dict[Engine, str]:
    """The weights that each engine of the deployment uses for a recording. Pure."""
    ours = options.model or settings.model
    return {
        one.name: one.hosted.weights if one.hosted else ours
        for one in ENGINES.values()
        if one.name in engines
    }


def with_weights(options: Options, settings: Settings) -> Options:
    """Options that name the weights of our engines, for a file that is no upload. Pure.

    They are part of the key of its recording, because the same file may be transcribed with others later. Where only
    hosted engines are asked for, they do not matter, and none are named.
    """
    method = settings.method if options.method == AUTO else options.method
    hosted = options.diarize or method in {one.method for one in hosted_specs()}
    return replace(options, model=None if hosted else options.model or settings.model)


def next_engine(
    now: Engine, tried: Collection[Engine], fallback: Fallback, settings: Settings
) -> Engine | None:
    """The next engine in circular order that may take over a chunk, None if there is none. Pure.

    Args:
        now: the engine that owns the chunk.
        tried: the engines that gave it up before.
        fallback: the engines that may take over.
        settings: with the current flags.
    """
    if not settings.enable_fallback:
        return None
    order = list(ENGINES)
    at = order.index(now)
    for one in order[at + 1 :] + order[:at]:
        switched_off = ENGINES[one].needs_gpu and not settings.enable_gpu
        if one in fallback.engines and one not in tried and not switched_off:
            return one
    return None
