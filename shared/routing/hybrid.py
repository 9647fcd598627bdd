"""Step 4, for two engines: which chunks of a recording each of them gets. Pure.

Both work at the same time, so the recording is done when the slower one is. Each gets one contiguous run of
chunks, so that there is only one seam whose sides come from different engines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from shared.in_words import dollars
from shared.model import Chunk
from shared.routing.pace import Pace, lengths_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A plan with its engines, and its expected cost and time."""

    chunks: tuple[Chunk, ...]
    """The whole plan, in order; the first engine has the beginning."""
    first: int
    """Number of chunks of the first engine; 0 or all if one engine alone is best."""
    usd: float
    """US dollars."""
    wait: float
    """Seconds until the later engine is done."""
    reason: str
    """The split in words."""


def split(chunks: Sequence[Chunk], first: Pace, second: Pace, cap: float) -> Split:
    """The fastest split among those within the cap.

    All n + 1 positions of the seam are compared. Of equally fast splits the cheaper one is taken; if none is within the
    cap, the cheapest. `first` gets the beginning; `cap` is in US dollars, for the whole recording.
    """
    lengths = lengths_of(chunks)
    before = list(accumulate(lengths, initial=0.0))
    longest_before = list(accumulate(lengths, max, initial=0.0))
    longest_after = list(accumulate(reversed(lengths), max, initial=0.0))[::-1]
    # Summed from the end: a difference would leave a rounding error if there is no rest.
    after = list(accumulate(reversed(lengths), initial=0.0))[::-1]
    options = [
        (
            max(first.wait(before[at], longest_before[at]), second.wait(after[at], longest_after[at])),
            first.usd(before[at]) + second.usd(after[at]),
            at,
        )
        for at in range(len(chunks) + 1)
    ]
    affordable = [one for one in options if one[1] <= cap]
    wait, usd, at = min(affordable) if affordable else min(options, key=lambda one: (one[1], one[0]))
    rest = len(chunks) - at
    if at and rest:
        who = f"of {len(chunks)} chunks {at} to {first.engine} and {rest} to {second.engine}"
    else:
        who = f"all chunks ({len(chunks)}) to {first.engine if at else second.engine}"
    reason = f"{who}, done in {wait:.0f} s for {dollars(usd)}"
    if not affordable:
        reason += f", the cheapest: no split costs {dollars(cap)} or less"
    return Split(
        chunks=tuple(
            replace(chunk, engine=first.engine if index < at else second.engine)
            for index, chunk in enumerate(chunks)
        ),
        first=at,
        usd=usd,
        wait=wait,
        reason=reason,
    )
