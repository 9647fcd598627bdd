"""The share of the recordings that Parakeet gets, which shrinks automatically if it does badly. Pure.

`ROLLOUT_PERCENT` is the share that a person asks for. A hash of the key decides which recordings are in it:
always the same ones, and a larger share includes those of a smaller one. The guard, which the sweeper runs every
minute, goes back to the last smaller share that did well if there are too many errors or fallbacks for five
minutes. The next value that a person asks for applies again, even the same number set as a flag.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import HandedOn

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "ROLLOUT_PERCENT"
"""Setting with the share that a person asks for."""

HANDED_ON = HandedOn.code
"""Code of the note on a chunk that Parakeet gave to another engine."""

ERRORS, FALLBACKS = 0.05, 0.10
"""Shares of Parakeet's attempts that may fail, and of its chunks that may go to another engine."""

LASTS = 5
"""Minutes over which rates are taken, and for which they must be too high."""

SETTLED = 2
"""Minutes after which all rows of a minute count as written."""

LEAST = 20
"""Least attempts, or chunks, in that time for a rate to count: with fewer, a single failure already exceeds
`ERRORS`."""

NOTHING_WORKS = 5
"""If no chunk at all was done in that time, this many must have failed. If one in twenty may fail, five out of five
fail by chance once in three million times; fewer may be one recording that every engine fails on."""

STEPS_KEPT = 20
"""Changes of the share that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """What became of Parakeet's chunks in one minute."""

    minute: int
    """Whole minutes since 1970."""
    done: int
    """Attempts that produced words."""
    failed: int
    """Attempts that failed, unless the recording was the cause."""
    fallbacks: int
    """Chunks that were handed to another engine."""
    hit: int = 0
    """Chunks that failed or were handed over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change of the share."""

    time: float
    """Seconds since 1970."""
    percent: float
    """The share from then on."""
    reason: str
    """Why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a person asked for."""

    percent: float
    """Share of the recordings for Parakeet."""
    since: float
    """When the flag was set, seconds since 1970; 0 if it is the setting's value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParakeetShare:
    """State of the guard."""

    asked: Asked
    """What a person asked for last."""
    percent: float
    """The current share: what was asked for, or less."""
    since: float
    """When it was set, seconds since 1970."""
    bad_since: float = 0.0
    """Since when the rates have been too high, seconds since 1970; 0 if they are not."""
    good: tuple[float, ...] = ()
    """Shares that did well for `LASTS` minutes."""
    history: tuple[Step, ...] = ()
    """The changes, oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The share of the recordings that Parakeet gets."""

    percent: float
    """The current one."""
    why_less: str = ""
    """Why it is less than what was asked for; empty if it is that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rates:
    """What the rates of some minutes say."""

    trouble: str = ""
    """What is wrong; empty if nothing is."""
    enough: bool = True
    """Whether there were enough attempts to tell."""


def in_share(key: str, percent: float) -> bool:
    """Whether a recording is in a share of so many percent; it is also in every larger one."""
    digest = hashlib.sha256(b"rollout:" + key.encode()).digest()
    return int.from_bytes(digest[:8], "big") < percent / 100 * 2**64


def share(state: ParakeetShare | None, asked: Asked) -> Share:
    """The current share."""
    if state is None or state.asked != asked or state.percent == asked.percent:
        return Share(percent=asked.percent)
    return Share(percent=state.percent, why_less=state.history[-1].reason)


def guard(state: ParakeetShare | None, asked: Asked, minutes: Sequence[Minute], now: float) -> ParakeetShare:
    """The next state of the guard, with the same share or a smaller one.

    `state` is None before the first sweep; `minutes` say what became of the chunks in the last ones, in any order.
    """
    if state is None or state.asked != asked:
        step = Step(time=now, percent=asked.percent, reason=f"{asked.percent:g} % was asked for")
        return ParakeetShare(
            asked=asked,
            percent=asked.percent,
            since=now,
            good=state.good if state else (),
            history=(*(state.history if state else ()), step)[-STEPS_KEPT:],
        )
    # Minutes that began before this share was set belong to another one.
    seen = [one for one in minutes if one.minute * 60 >= max(state.since, now - (LASTS + SETTLED) * 60)]
    rates = _rates(seen)
    if not rates.trouble:
        held = rates.enough and now - state.since >= LASTS * 60 and state.percent not in state.good
        good = (*state.good, state.percent) if held else state.good
        return replace(state, bad_since=0.0, good=good)
    since = state.bad_since or now
    # Minutes after the first sign of trouble must be as bad: a single bad minute stays in view for `LASTS` minutes.
    after = [one for one in seen if one.minute > int(since // 60) - SETTLED]
    trouble = _rates(after).trouble
    if now - since < LASTS * 60 or not trouble or state.percent == 0:
        return replace(state, bad_since=since)
    target = max((one for one in state.good if one < state.percent), default=0.0)
    reason = f"set back from {state.percent:g} % to {target:g} %: {trouble} for {LASTS} minutes"
    return replace(
        state,
        percent=target,
        since=now,
        bad_since=0.0,
        good=tuple(one for one in state.good if one < state.percent),
        history=(*state.history, Step(time=now, percent=target, reason=reason))[-STEPS_KEPT:],
    )


def _rates(minutes: Sequence[Minute]) -> _Rates:
    done, failed = sum(one.done for one in minutes), sum(one.failed for one in minutes)
    fallbacks = sum(one.fallbacks for one in minutes)
    # A worker that cannot load its weights makes no attempts: it hands everything on.
    attempts, chunks = done + failed, done + fallbacks
    if attempts >= LEAST and failed > ERRORS * attempts:
        return _Rates(
            trouble=f"{failed / attempts:.0%} of Parakeet's attempts failed (more than {ERRORS:.0%})"
        )
    if chunks >= LEAST and fallbacks > FALLBACKS * chunks:
        return _Rates(
            trouble=f"{fallbacks / chunks:.0%} of Parakeet's chunks went to another engine (more than {FALLBACKS:.0%})"
        )
    hit = sum(one.hit for one in minutes)
    if not done and hit >= NOTHING_WORKS:
        return _Rates(trouble=f"all of Parakeet's chunks failed or went to another engine ({hit})")
    return _Rates(enough=max(attempts, chunks) >= LEAST)
