"""Lengths, sizes and money in words, the same in reasons, logs and tables."""

from __future__ import annotations

import math

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
