"""Lengths, sizes and money in words, and untrusted text made harmless: the same in reasons, logs and tables.

The reasons themselves stand where they are raised.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

_HARMFUL = re.compile(
    # Control characters move the cursor, set a window's title, or end a line; line separators end it as well.
    "[\x00-\x1f\x7f-\x9f\u2028\u2029"
    # Marks of direction show text in another order, and tags show nothing: names look like others.
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f"
    # Half characters, as in names that are not UTF-8: nothing can write them.
    "\ud800-\udfff]"
)
"""What untrusted text must not bring to a terminal or a log."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Lone surrogates: a file name that is not UTF-8 has them, and JSON can say them. No encoding can write them."""

MEGABYTE = 1_000_000
"""Bytes of a megabyte."""


def human_size(size: int) -> str:
    """`812 kB`, `3.4 MB`, `60 MB` or `1.2 GB`, in powers of ten as in file managers, for reasons and tables."""
    for unit, name in ((10**9, "GB"), (MEGABYTE, "MB"), (10**3, "kB")):
        if size >= unit:
            figure = f"{size / unit:.0f}" if size >= 10 * unit else f"{size / unit:.1f}".removesuffix(".0")
            return f"{figure} {name}"
    return f"{size} bytes"


def human_duration(seconds: float | None) -> str:
    """`2 h 41 min`, `12 min 5 s`, `3.2 s` or `unknown length`, for reasons and tables."""
    if seconds is None:
        return "unknown length"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 recording`, `1,204 recordings`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def no_recording(name: str) -> str:
    """That there is no recording with a name or an ID, and where to find those there are."""
    return f"There is no recording {name}. `dropscribe status` lists the files, `dropscribe status --ids` their IDs."


def listed(names: Iterable[str], word: Literal["and", "or"]) -> str:
    """Names in a sentence: `one`, `one or two`, `1, 2 and 3`; "" if there are none."""
    several = list(names)
    first = ", ".join(several[:-1])
    return f"{first} {word} {several[-1]}" if first else "".join(several)


def broken_off(why: str, done: int, of: int, noun: str, verb: str) -> str:
    """Why a change of several things broke off, and how far it came: `… 3 of 8 recordings were continued before. …`.

    Args:
        why: sentences.
        done: number of things that were changed.
        of: number of all.
        noun: what one is called.
        verb: what is done to it, as in `continued`.
    """
    if not done:
        return why
    return f"{why} {done:,} of {counted(of, noun)} were {verb} before. Do the same again for the others."


def dollars(usd: float) -> str:
    """Money in words: `$1,204.50`, `$0.26`, `$0.0043`, `$0.00000072`, `-$0.02`, `$0`.

    Two decimals for a dollar or more and for whole cents, else four, or two significant digits if it is smaller
    still: nothing that was paid reads as `$0.00`. Only less than a billionth, the rounding of sums, reads as `$0`.
    """
    size = abs(usd)
    if size < 1e-9:
        return "$0"
    in_cents = size >= 1 or (size > 0.005 and abs(size * 100 - round(size * 100)) < 1e-7)
    decimals = 2 if in_cents else max(4, 1 - math.floor(math.log10(size)))
    return f"{'-' if usd < 0 else ''}${size:,.{decimals}f}"


def printable(text: str, *, lines: bool = False) -> str:
    """Untrusted text for a terminal, a log or a message: on one line, and whatever could do harm as an escape.

    Args:
        text: a name of a file, a request's id, an answer of a service, …
        lines: the text may have several lines and tabs.
    """
    return _HARMFUL.sub(lambda found: found[0] if lines and found[0] in "\n\t" else _escaped(found[0]), text)


def printable_json(text: str) -> str:
    """JSON with the same characters as JSON's own escapes: it means the same, and does no harm to a terminal."""
    # Line ends stand between values only; those in values are escapes already.
    return _HARMFUL.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")


def encodable(text: str) -> str:
    """The text with U+FFFD in place of characters that UTF-8 cannot encode."""
    return _SURROGATE.sub("\ufffd", text)
