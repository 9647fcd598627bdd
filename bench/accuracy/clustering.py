"""The voices of long recordings, clustered as the merger does it.

python -m bench clustering [--hours 1 4 12] [--people 8]

Voices are made up: as alike as those of one person are in real recordings (cosine 0.52 for two of 1 s, 0.69 of 2 s,
0.81 of 4 s), and one in fifty of nobody. Set OPENBLAS_NUM_THREADS=1: a second thread helps nothing and spins.
"""

from __future__ import annotations

import sys
import time
import tracemalloc

import numpy as np

from bench import command_line
from shared.flow.diarization import cluster_voices
from shared.results import Voice

SIZE = 192
WINDOWS = 720
"""In an hour."""
IN_A_WINDOW = 1.25
"""Voices, on average."""
ODD = 0.02
"""Share of the voices that are nobody's."""
ALIKE = 0.92
"""Two voices of one person have the cosine s / (s + this), s seconds long each."""
AIM_SECONDS, AIM_BYTES = 5.0, 50e6


def voices(hours: float, people: int, seed: int) -> tuple[list[Voice], list[int]]:
    """The voices of a recording, and whose they are (-1: nobody's)."""
    random = np.random.default_rng(seed)
    everybody = _unit(random.normal(size=(people, SIZE)))
    found, whose = [], []
    for window in range(round(hours * WINDOWS)):
        several = 1 + (random.random() < IN_A_WINDOW - 1)
        for at, person in enumerate(random.choice(people, several, replace=False).tolist()):
            seconds = random.uniform(1.0, 5.0 / several)
            who = -1 if random.random() < ODD else person
            noise = random.normal(size=SIZE) * np.sqrt(ALIKE / seconds / SIZE)
            heard = _unit(random.normal(size=SIZE) if who < 0 else everybody[who] + noise)
            start = 5000 * window + 2500 * at
            turns = ((start, start + round(1000 * seconds)),)
            data = heard.astype("<f2").tobytes()
            found.append(Voice(window=window, turns=turns, clean=round(seconds, 2), embedding=data))
            whose.append(who)
    return found, whose


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def right(turns, heard: list[Voice], whose: list[int]) -> float:
    """Share of the voices that got the speaker that most voices of their person got."""
    starts = np.array([one.start for one in turns])
    given = {}
    for one, who in zip(heard, whose, strict=True):
        middle = sum(one.turns[0]) / 2
        last = np.searchsorted(starts, middle, "right")
        near = [turn for turn in turns[max(0, last - 8) : last] if turn.start <= middle <= turn.end]
        if who >= 0 and near:
            given.setdefault(who, []).append(max(near, key=lambda turn: turn.start).speaker)
    agreed = sum(max(map(some.count, set(some))) for some in given.values())
    return agreed / sum(map(len, given.values()))


def main() -> int:
    """Sort, and print how long it takes and in how much memory; 1 if twelve hours take too much."""
    parser = command_line("clustering", __doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 4.0, 12.0])
    parser.add_argument("--people", type=int, default=8)
    arguments = parser.parse_args()
    worst = 0
    for hours in arguments.hours:
        heard, whose = voices(hours, arguments.people, 1)
        processor, wall = time.process_time(), time.perf_counter()
        turns = cluster_voices(heard)
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        tracemalloc.start()
        cluster_voices(heard)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found = len({one.speaker for one in turns})
        print(
            f"{hours:g} h, {len(heard):,} voices: {processor:.1f} core-s ({wall:.1f} s), {peak / 1e6:.0f} MB, "
            f"{found} people of {arguments.people}, {100 * right(turns, heard, whose):.1f} % right   "
            f"aim {AIM_SECONDS:g} s, {AIM_BYTES / 1e6:g} MB",
            flush=True,
        )
        worst = max(worst, int(processor > AIM_SECONDS or peak > AIM_BYTES))
    return worst


if __name__ == "__main__":
    sys.exit(main())
