"""From the voices of a recording to turns of its people. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.flow.diarization.people import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.results import Voice

FORMING = 1.0
"""Seconds alone that a voice needs to take part in finding the people; others are given to the nearest afterwards."""
SAME = 0.2
"""What it costs to take two voices of one window for one person, in cosine, a second of the shorter. A hard rule would
be worse: sometimes one voice is taken for two, where its loudness or its line changes."""
PAUSE = 50
"""Milliseconds between two turns of one person up to which they are one turn."""


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A stretch in which one person speaks; those of two people may overlap."""

    start: int
    """Milliseconds from the start of the recording."""
    end: int
    """Milliseconds, after `start`."""
    speaker: int
    """Number of the person, from 1 in the order of their first turns."""


def cluster_voices(voices: Sequence[Voice], least: int = 1, most: int | None = None) -> tuple[Turn, ...]:
    """Who speaks when.

    Args:
        voices: those of all chunks, in any order, with times and numbers of windows on the axis of the recording.
        least: fewest speakers.
        most: most speakers, at least `least`; None if unknown. If more are heard, the nearest are merged.

    Returns:
        The turns, sorted. Embeddings that are not finite, or of another length than most, count as none.
    """
    ordered = sorted(voices, key=lambda one: (one.window, one.turns, one.clean, one.embedding))
    vectors, known = _vectors(ordered)
    if not len(known):
        return _numbered([Turn(*turn, 0) for one in ordered for turn in one.turns])
    clean = np.array([ordered[at].clean for at in known], np.float32)
    forming = clean >= FORMING if (clean >= FORMING).any() else np.ones(len(known), bool)
    centres = people(vectors[forming], clean[forming], least=least, most=most)
    speakers = _nearest([ordered[at].window for at in known], clean, vectors @ centres.T)
    told = dict(zip(known, speakers, strict=True))
    found = sorted(Turn(*turn, speaker) for at, speaker in told.items() for turn in ordered[at].turns)
    short = [turn for at, one in enumerate(ordered) if at not in told for turn in one.turns]
    return _numbered([*found, *_beside(found, short)])


def _vectors(voices: Sequence[Voice]) -> tuple[NDArray[np.float32], list[int]]:
    """The embeddings with length 1, a row each, and which voices they belong to."""
    sizes = [len(one.embedding) for one in voices if one.embedding and len(one.embedding) % 2 == 0]
    usual = max(sorted(set(sizes)), key=sizes.count, default=0)
    given = [at for at, one in enumerate(voices) if usual and len(one.embedding) == usual and one.clean > 0]
    rows = np.frombuffer(b"".join(voices[at].embedding for at in given), "<f2").astype(np.float32)
    vectors = rows.reshape(len(given), usual // 2)
    lengths = np.linalg.norm(vectors, axis=1)
    good = np.isfinite(lengths) & (lengths > 0)
    return vectors[good] / lengths[good, None], [at for at, fine in zip(given, good, strict=True) if fine]


def _nearest(windows: Sequence[int], clean: NDArray[np.float32], alike: NDArray[np.float32]) -> list[int]:
    """The person of each voice: the nearest, but rather not one for two voices of a window.

    Args:
        windows: the window of each voice, sorted.
        clean: seconds of each voice alone.
        alike: cosine between each voice and each person.
    """
    found: list[int] = alike.argmax(axis=1).tolist()
    at = 0
    for _, together in itertools.groupby(windows):
        first, at = at, at + len(list(together))
        if len(set(found[first:at])) < at - first:
            found[first:at] = _apart(alike[first:at], clean[first:at].tolist())
    return found


def _apart(alike: NDArray[np.float32], clean: Sequence[float]) -> tuple[int, ...]:
    """The best choice of a person for each voice of one window."""
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, : len(alike)].tolist()

    def worth(pick: tuple[int, ...]) -> float:
        gain = sum(float(alike[voice, person]) * clean[voice] for voice, person in enumerate(pick))
        pairs = itertools.combinations(range(len(pick)), 2)
        return gain - SAME * sum(min(clean[one], clean[two]) for one, two in pairs if pick[one] == pick[two])

    return max(sorted(itertools.product(*nearest)), key=worth)


def _beside(found: Sequence[Turn], short: Sequence[tuple[int, int]]) -> list[Turn]:
    """Turns that are too short to tell whose voice it is, as those of who speaks nearest to them."""
    if not found:
        return [Turn(*turn, 0) for turn in short]
    starts = np.array([one.start for one in found])
    ends = np.array([one.end for one in found])
    beside = []
    for start, end in short:
        away = np.maximum(np.maximum(starts - end, start - ends), 0)
        beside.append(Turn(start, end, found[int(away.argmin())].speaker))
    return beside


def _numbered(turns: list[Turn]) -> tuple[Turn, ...]:
    """Turns of one person that touch as one, and people numbered from 1 as they come."""
    numbers: dict[int, int] = {}
    open_: dict[int, Turn] = {}
    done: list[Turn] = []
    for one in sorted(turns):
        number = numbers.setdefault(one.speaker, len(numbers) + 1)
        before = open_.get(number)
        if before is not None and one.start <= before.end + PAUSE:
            open_[number] = Turn(before.start, max(before.end, one.end), number)
            continue
        if before is not None:
            done.append(before)
        open_[number] = Turn(one.start, one.end, number)
    return tuple(sorted([*done, *open_.values()]))
