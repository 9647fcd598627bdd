"""Who speaks each word: the person who speaks longest while it lasts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.flow.diarization.turns import Turn
    from shared.results import Word

TOGETHER = 4096
"""Words that are looked at together: what bounds memory."""


def speakers_of(words: Sequence[Word], turns: Sequence[Turn]) -> list[int]:
    """The number of each word's speaker.

    The one with most overlap; of several the one of the word before, else the lowest number. A word that nobody speaks
    belongs to the nearest turn.

    Args:
        words: in the order of the recording.
        turns: at least one; those of one person do not overlap.
    """
    people = sorted({one.speaker for one in turns})
    lines = [_Line([one for one in turns if one.speaker == speaker]) for speaker in people]
    found: list[int] = []
    for first in range(0, len(words), TOGETHER):
        some = words[first : first + TOGETHER]
        starts = np.array([round(1000 * one.start) for one in some])
        ends = np.array([round(1000 * one.end) for one in some])
        # One number to compare: milliseconds of overlap, or how far away it is, which is less than none.
        near = np.stack([line.near(starts, ends) for line in lines], axis=1)
        best = near.max(axis=1)
        first_best = near.argmax(axis=1)
        several = (near == best[:, None]).sum(axis=1) > 1
        for at in range(len(some)):
            chosen = people[first_best[at]]
            if several[at] and found and near[at, people.index(found[-1])] == best[at]:
                chosen = found[-1]
            found.append(chosen)
    return found


class _Line:
    """The turns of one person.

    Args:
        turns: sorted, without overlaps; at least one.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._starts = np.array([one.start for one in turns])
        self._ends = np.array([one.end for one in turns])
        self._before = np.concatenate([[0], np.cumsum(self._ends - self._starts)])

    def near(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Milliseconds of overlap with stretches; where there is none, minus the milliseconds to the nearest turn."""
        overlap = self._spoken(ends) - self._spoken(starts)
        later = np.searchsorted(self._starts, starts, "right")
        since = starts - self._ends[np.maximum(later - 1, 0)]
        until = self._starts[np.minimum(later, len(self._starts) - 1)] - ends
        far = np.iinfo(np.int64).max
        away = np.minimum(np.where(later > 0, since, far), np.where(later < len(self._starts), until, far))
        found: NDArray[np.int64] = np.where(overlap > 0, overlap, -np.maximum(away, 0))
        return found

    def _spoken(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Milliseconds of speech before some times."""
        at = np.searchsorted(self._starts, times, "right")
        inside = np.minimum(times, self._ends[np.maximum(at - 1, 0)]) - self._starts[np.maximum(at - 1, 0)]
        found: NDArray[np.int64] = np.where(at > 0, self._before[np.maximum(at - 1, 0)] + inside, 0)
        return found
