"""A new engine gets a share of the recordings first, and loses it by itself when it does badly. Pure.

`ROLLOUT_PERCENT` is what a person asks for. Which recordings are in the share says a hash of their key: always
the same ones, and with a larger share the same and some more. The guard, which the sweeper runs every minute,
goes back to the last smaller share that did well when errors or fallbacks were too many for five minutes; the
next thing that a person asks for counts again, be it the same number as a flag.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import HandedOn

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "ROLLOUT_PERCENT"
"""What a person sets."""

HANDED_ON = HandedOn.code
"""Code of the note on a chunk that Parakeet gave to another engine."""

ERRORS, FALLBACKS = 0.05, 0.10
"""Shares of Parakeet's attempts that may fail, and of its chunks that another engine may have to do."""

LASTS = 5
"""Minutes that rates are taken over, and that they must be too high for."""

SETTLED = 2
"""Minutes after which all rows of a minute are taken to be there."""

LEAST = 20
"""Attempts, or chunks, within that time below which no rate says anything: of fewer, a single failure is already
more than `ERRORS`."""

NOTHING_WORKS = 5
"""Chunks within that time that must have failed where none at all was done. Where one in twenty may fail, five of
five do so by chance once in three million times; fewer may be one recording that no engine likes."""

STEPS_KEPT = 20
"""Changes of the share that are remembered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """What became of Parakeet's chunks in one minute."""

    minute: int
    """Whole minutes since 1970."""
    done: int
    """Attempts that gave words."""
    failed: int
    """Attempts that failed for a reason that is not the recording's."""
    fallbacks: int
    """Chunks that were handed to another engine."""
    hit: int = 0
    """Chunks that one of these happened to, failure or hand-over."""


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
    """When the flag was set, seconds since 1970; 0 for the setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """What the guard remembers."""

    asked: Asked
    """What it was asked for last."""
    percent: float
    """The share that holds: what was asked for, or less."""
    since: float
    """Since when, seconds since 1970."""
    bad_since: float = 0.0
    """Since when the rates are too high, seconds since 1970; 0 if they are not."""
    good: tuple[float, ...] = ()
    """Shares that did well for as long as it takes to be set back."""
    history: tuple[Step, ...] = ()
    """What was changed, when and why."""


def in_share(key: str, percent: float) -> bool:
    """Whether a recording is in the share; with a larger share it still is.

    Args:
        key: of the recording.
        percent: 0: none are, 100: all are.
    """
    digest = hashlib.sha256(b"rollout:" + key.encode()).digest()
    return int.from_bytes(digest[:8], "big") < percent / 100 * 2**64


def share(rollout: Rollout | None, asked: Asked) -> tuple[float, str]:
    """The share that holds now, and why where it is not what was asked for."""
    if rollout is None or rollout.asked != asked or rollout.percent == asked.percent:
        return asked.percent, ""
    return rollout.percent, rollout.history[-1].reason


def guard(rollout: Rollout | None, asked: Asked, minutes: Sequence[Minute], now: float) -> Rollout:
    """The guard's verdict: the same share, or a smaller one.

    Args:
        rollout: what it remembers; None: nothing yet.
        asked: what a person asks for now.
        minutes: what became of the chunks lately, in any order.
        now: seconds since 1970.
    """
    if rollout is None or rollout.asked != asked:
        step = Step(time=now, percent=asked.percent, reason=f"{asked.percent:g} % was asked for")
        return Rollout(
            asked=asked,
            percent=asked.percent,
            since=now,
            good=rollout.good if rollout else (),
            history=(*(rollout.history if rollout else ()), step)[-STEPS_KEPT:],
        )
    # Minutes that began before this share held tell of another one.
    seen = [one for one in minutes if one.minute * 60 >= max(rollout.since, now - (LASTS + SETTLED) * 60)]
    trouble, enough = _trouble(seen)
    if not trouble:
        held = enough and now - rollout.since >= LASTS * 60 and rollout.percent not in rollout.good
        good = (*rollout.good, rollout.percent) if held else rollout.good
        return replace(rollout, bad_since=0.0, good=good)
    since = rollout.bad_since or now
    # What came after the trouble was seen must be as bad: one bad minute is in sight for as long as it takes.
    after = [one for one in seen if one.minute > int(since // 60) - SETTLED]
    trouble, _ = _trouble(after)
    if now - since < LASTS * 60 or not trouble or rollout.percent == 0:
        return replace(rollout, bad_since=since)
    target = max((one for one in rollout.good if one < rollout.percent), default=0.0)
    reason = f"set back from {rollout.percent:g} % to {target:g} %: {trouble} for {LASTS} minutes"
    return replace(
        rollout,
        percent=target,
        since=now,
        bad_since=0.0,
        good=tuple(one for one in rollout.good if one < rollout.percent),
        history=(*rollout.history, Step(time=now, percent=target, reason=reason))[-STEPS_KEPT:],
    )


def _trouble(minutes: Sequence[Minute]) -> tuple[str, bool]:
    """What is wrong, empty for nothing; and whether there was enough to tell."""
    done, failed = sum(one.done for one in minutes), sum(one.failed for one in minutes)
    fallbacks = sum(one.fallbacks for one in minutes)
    # A worker that cannot load its weights attempts nothing: it hands everything on.
    attempts, chunks = done + failed, done + fallbacks
    if attempts >= LEAST and failed > ERRORS * attempts:
        return f"{failed / attempts:.0%} of Parakeet's attempts failed (more than {ERRORS:.0%})", True
    if chunks >= LEAST and fallbacks > FALLBACKS * chunks:
        return (
            f"{fallbacks / chunks:.0%} of Parakeet's chunks went to another engine (more than {FALLBACKS:.0%})",
            True,
        )
    hit = sum(one.hit for one in minutes)
    if not done and hit >= NOTHING_WORKS:
        return f"all of Parakeet's chunks failed or went to another engine ({hit})", True
    return "", max(attempts, chunks) >= LEAST
