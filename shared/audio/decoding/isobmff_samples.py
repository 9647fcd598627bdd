"""Which samples of an mp4 track lie in a stretch of time, and in which groups: arithmetic on loaded tables.

The standard calls a group a chunk; here that word means something else.
Source: ISO/IEC 14496-12 §8.6.1.2 (`stts`), §8.6.6 (`elst`), §8.7.4 (`stsc`).
"""

from __future__ import annotations

import math
from itertools import pairwise
from struct import iter_unpack
from typing import NamedTuple


class Span(NamedTuple):
    """Samples that lie in whole groups; all from 0, and each end is one past the last."""

    first_group: int
    """First group."""
    end_group: int
    """End of the groups."""
    first: int
    """First sample."""
    end: int
    """End of the samples."""


def shift(edits: bytes, scale: int, timescale: int) -> tuple[float, float] | None:
    """Seconds of nothing before the samples, and seconds of samples left out at their beginning.

    Args:
        edits: content of `elst`; empty where there is none.
        scale: the movie's ticks per second.
        timescale: the track's ticks per second.

    Returns:
        None where there is more to the edits than that.
    """
    wide = edits[:1] == b"\1"
    form, step = ("!Qqi", 20) if wide else ("!Iii", 12)
    count = int.from_bytes(edits[4:8], "big")
    if len(edits) < 8 + count * step and count:
        return None
    rows = [(length, at) for length, at, _ in iter_unpack(form, edits[8 : 8 + count * step])]
    empty = 0.0
    if rows and rows[0][1] == -1:
        empty = rows.pop(0)[0] / scale if scale else 0.0
    if len(rows) > 1 or (rows and (rows[0][1] < 0 or not timescale)):
        return None
    return empty, rows[0][1] / timescale if rows else 0.0


def samples(times: bytes, low: float, high: float) -> tuple[int, int] | None:
    """The samples (first, one past the last) that begin in a stretch of time.

    Args:
        times: content of `stts`.
        low: where the stretch begins, ticks of the track.
        high: where it ends, ticks; may be infinite.

    Returns:
        None where samples have no length. At least one sample otherwise: the last, where all are earlier.
    """
    count = int.from_bytes(times[4:8], "big")
    now = sample = 0
    first, last = None, None
    for number, step in iter_unpack("!II", times[8 : 8 + 8 * min(count, (len(times) - 8) // 8)]):
        if not step:
            return None
        if first is None and now + number * step > low:
            first = sample + max(0, int((low - now) // step))
        if last is None and now + number * step > high:
            last = sample + max(0, math.ceil((high - now) / step))
        now += number * step
        sample += number
    if not sample:
        return None
    first = sample - 1 if first is None else first
    return first, max(first + 1, sample if last is None else last)


def groups(table: bytes, count: int, first: int, end: int) -> Span | None:
    """The groups that hold samples: in full, for the place is told of each group, and sizes within it add up.

    Args:
        table: content of `stsc`.
        count: number of groups.
        first: first sample.
        end: one past the last.

    Returns:
        None where the table makes no sense or holds none of the samples.
    """
    number = min(int.from_bytes(table[4:8], "big"), (len(table) - 8) // 12)
    rows = list(iter_unpack("!III", table[8 : 8 + 12 * number]))
    rows.append((count + 1, 0, 0))
    low: tuple[int, int] | None = None
    sample = 0
    for (group, each, _), (following, _, _) in pairwise(rows):
        if following <= group or not each or not group:
            return None
        held = (following - group) * each
        if low is None and sample + held > first:
            skipped = (first - sample) // each
            low = group - 1 + skipped, sample + skipped * each
        if low is not None and sample + held >= end:
            skipped = -(-(end - sample) // each)
            return Span(low[0], group - 1 + skipped, low[1], sample + skipped * each)
        sample += held
    return None if low is None else Span(low[0], count, low[1], sample)
