"""Which engines may take over the chunks of a recording, and which is next. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.engines import AUTO, ENGINES, EngineSpec, of_method
from shared.errors import BadRequest
from shared.model import Chunk, Engine, Fallback, Options
from shared.routing import speakers, weights

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.settings import Settings


OTHER_LANGUAGE = "Ask for other weights (--model), or without a language (--language)."
"""What to do where our weights do not know a language and no hosted engine may do it."""


def allowed(
    options: Options, settings: Settings, engines: Collection[Engine], chunks: Sequence[Chunk] = ()
) -> Fallback:
    """The engines that may take over chunks of a recording. Pure.

    A caller who asks for one method, or for weights of Parakeet, gets no other: the reason may be the price, or that no
    audio may leave the deployment. One kind of engine tells the speakers of all parts of a recording apart, so those of
    the other kind may take over the whole only. None may whose weights do not know the language. `chunks` is the plan,
    which matters to speakers; empty if there is none yet.
    """
    here = [one for one in ENGINES.values() if one.name in engines]
    wanted = options.method if options.method != AUTO else settings.method
    if options.diarize and not speakers.tells(wanted):
        wanted = AUTO
    kept, said = [one for one in of_method(wanted) if one in here], f"{wanted} was asked for"
    if wanted == AUTO:
        kept = here
        if weights.asked(options, settings):
            kept, said = (
                [one for one in here if not one.hosted],
                f"the weights {options.model} were asked for",
            )
    whole: list[EngineSpec] = []
    if options.diarize:
        may = {one.name: speakers.takes_over(one, chunks, settings) for one in kept}
        whole = [one for one in kept if may[one.name] == "the whole"]
        if "nothing" in may.values():
            said = "speakers were asked for, and the others do not tell those of this recording apart"
        kept = [one for one in kept if may[one.name] != "nothing"]
    if lack := weights.lack(options, settings):
        ours = [one for one in kept if not one.hosted]
        kept, said = [one for one in kept if one.hosted], lack if ours else said
    return Fallback(
        engines=tuple(one.name for one in kept if one not in whole),
        whole=tuple(one.name for one in kept if one in whole),
        why_not=said if kept != here else "",
    )


def check_language(options: Options, settings: Settings, engines: Collection[Engine]) -> None:
    """Check, before anything is probed, that some engine may transcribe the language that was asked for.

    Raises:
        BadRequest: none may; says which languages there are.
    """
    lack = weights.lack(options, settings)
    others = allowed(options, settings, engines)
    if lack and not (others.engines or others.whole):
        raise not_known(lack)


def not_known(lack: str) -> BadRequest:
    """The refusal of a language for which there are no weights; `lack` is what `weights.lack` says."""
    return BadRequest(f"{lack[0].upper()}{lack[1:]}. {OTHER_LANGUAGE}")


def next_engine(
    now: Engine, tried: Collection[Engine], others: Collection[Engine], settings: Settings
) -> Engine | None:
    """The next engine in circular order that may take over, None if there is none. Pure.

    `now` owns the chunk; those of `tried` gave it up before.
    """
    if not settings.enable_fallback:
        return None
    order = list(ENGINES)
    at = order.index(now)
    for one in order[at + 1 :] + order[:at]:
        switched_off = ENGINES[one].needs_gpu and not settings.enable_gpu
        if one in others and one not in tried and not switched_off:
            return one
    return None
