"""Messages to the owner of a recording about engines that gave up a part of it, or did less than was asked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.engines import Ability, spec, supported_by
from shared.errors import DropscribeError, EngineLimit, NoEngineLeft
from shared.flow.attribution import TOOK_OVER
from shared.in_words import listed
from shared.state import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shared.messages import ChunkMessage
    from shared.model import Engine, Options, Recording, Tried
    from shared.settings import Settings


def broken(error: Exception, failures: int) -> DropscribeError:
    """The error to report for an unexpected exception of an engine, after so many of them."""
    if isinstance(error, DropscribeError):
        return error
    times = "once" if failures <= 1 else f"{failures} times"
    return EngineLimit(
        f"The engine failed {times} on one part of the recording ({error!r}). "
        "Try another model or method, and please report it with the file if you can."
    )


_ASKED: dict[Ability, tuple[Callable[[Options], bool], str]] = {
    "speakers": (lambda options: options.diarize, "tell speakers apart"),
    "keyterms": (lambda options: bool(options.phrases), "listen for keyterms"),
    "filler_words": (lambda options: options.filler_words, "keep filler words"),
}
"""For each ability: whether it is asked for, and what an engine without it does not do."""


def not_done(
    options: Options, engine: Engine, abilities: Collection[Ability] | None = None
) -> tuple[str, ...]:
    """The warnings for the owner about options that an engine does not support.

    `abilities` are what it supports, None: what the table of engines says.
    """
    abilities = spec(engine).abilities if abilities is None else abilities
    return tuple(
        f"{spec(engine).in_sentences} does not {what}. These engines do: {supported_by(ability)}."
        for ability, (asked, what) in _ASKED.items()
        if asked(options) and ability not in abilities
    )


def warnings(message: ChunkMessage) -> tuple[str, ...]:
    """The warning for the owner about a chunk that was handed over."""
    if not message.tried:
        return ()
    before = "; ".join(f"{spec(one.engine).in_sentences}: {_sentence(one.reason)}" for one in message.tried)
    return (f"{spec(message.chunk.engine).in_sentences} {TOOK_OVER} {before}",)


def ending(
    message: ChunkMessage,
    error: DropscribeError,
    tried: tuple[Tried, ...],
    recording: Recording,
    settings: Settings,
    *,
    excluded: tuple[Engine, ...] = (),
    why_excluded: str = "",
) -> DropscribeError:
    """The error that ends a recording: which engines were tried, and why no others were."""
    if tried:
        reasons = [*((one.engine, one.reason) for one in tried), (message.chunk.engine, str(error))]
        told = " ".join(f"{spec(engine).in_sentences}: {_sentence(reason)}" for engine, reason in reasons)
        part = f"part {recording.position(message.chunk.index) + 1} of {len(recording.chunks)}"
        blocked = listed((spec(engine).in_sentences for engine in excluded), "and")
        verb = "was" if len(excluded) == 1 else "were"
        not_tried = f" {blocked} {verb} not tried: {why_excluded}." if excluded else ""
        return NoEngineLeft(f"No engine could transcribe {part} of the recording. {told}{not_tried}")
    why = why_excluded or recording.fallback.why_not
    may = (*recording.fallback.engines, *recording.fallback.whole)
    if len(may) > 1 and not settings.enable_fallback:
        why = "ENABLE_FALLBACK is off"
    if not why:
        return error
    return NoEngineLeft(f"{_sentence(str(error))} No other engine was tried: {why}.", answers.code_of(error))


def _sentence(text: str) -> str:
    return text.strip() if text.strip().endswith((".", "!", "?")) else f"{text.strip()}."
