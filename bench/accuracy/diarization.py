"""How wrong a diarization is: time missed, made up, and given to somebody else (NIST RT-09, md-eval).

    DER = (missed + false alarm + confusion) / speech        all in seconds of a speaker, overlaps counted for each

Who of those found is who of the reference is chosen so that most time agrees. With a collar, time near the edges of the
reference's turns does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAME = 0.01
"""Seconds: turns are compared in frames."""


@dataclass(frozen=True, kw_only=True)
class SpeakerErrors:
    """Seconds of speakers; adds up."""

    speech: float = 0.0
    missed: float = 0.0
    made_up: float = 0.0
    confused: float = 0.0

    def __add__(self, other: SpeakerErrors) -> SpeakerErrors:
        return SpeakerErrors(
            speech=self.speech + other.speech,
            missed=self.missed + other.missed,
            made_up=self.made_up + other.made_up,
            confused=self.confused + other.confused,
        )

    @property
    def rate(self) -> float:
        """Diarization error rate."""
        return (self.missed + self.made_up + self.confused) / self.speech if self.speech else 0.0

    @property
    def confusion(self) -> float:
        """Share of the speech that is given to somebody else."""
        return self.confused / self.speech if self.speech else 0.0


def speaker_errors(reference, found, collar: float = 0.0) -> SpeakerErrors:
    """Compare turns, as triples of start, end (seconds) and speaker.

    Args:
        reference: who really speaks.
        found: who was found.
        collar: seconds on both sides of each edge of the reference that do not count.
    """
    end = max((turn[1] for turn in (*reference, *found)), default=0.0)
    frames = round(end / FRAME)
    true, said = _rows(reference, frames), _rows(found, frames)
    counted = np.ones(frames, dtype=bool)
    for start, stop, _ in reference if collar else ():
        for edge in (start, stop):
            counted[max(0, round((edge - collar) / FRAME)) : round((edge + collar) / FRAME)] = False
    true, said = true[:, counted], said[:, counted]
    together = true.astype(np.float32) @ said.T.astype(np.float32)
    several, others = true.sum(0), said.sum(0)
    right = sum(float(together[one, other]) for one, other in best_pairs(together))
    return SpeakerErrors(
        speech=FRAME * float(several.sum()),
        missed=FRAME * float(np.maximum(several - others, 0).sum()),
        made_up=FRAME * float(np.maximum(others - several, 0).sum()),
        confused=FRAME * (float(np.minimum(several, others).sum()) - right),
    )


def best_pairs(together) -> list[tuple[int, int]]:
    """Pairs of a row and a column, each in one pair at most, whose sum is largest.

    By sets of rows that are taken (Held and Karp's way): a few thousand steps for ten speakers.
    """
    rows, columns = together.shape
    best = {0: (0.0, ())}
    for column in range(columns):
        more = dict(best)
        for taken, (worth, pairs) in best.items():
            for row in range(rows):
                if taken >> row & 1 or not together[row, column]:
                    continue
                after, gain = taken | 1 << row, worth + float(together[row, column])
                if after not in more or gain > more[after][0]:
                    more[after] = (gain, (*pairs, (row, column)))
        best = more
    return list(max(best.values())[1])


def _rows(turns, frames: int):
    """A row for each speaker: in which frames it speaks."""
    names = sorted({name for _, _, name in turns})
    rows = np.zeros((len(names), frames), dtype=bool)
    for start, end, name in turns:
        rows[names.index(name), round(start / FRAME) : round(end / FRAME)] = True
    return rows
