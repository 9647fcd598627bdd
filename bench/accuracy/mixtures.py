"""Recordings whose speakers are known, made of sentences of people: a folder for each person, as LibriSpeech has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech import windowing
from local.evaluation import clips

if TYPE_CHECKING:
    from pathlib import Path

RATE = 16_000
SUFFIXES = {".flac", ".wav", ".mp3", ".ogg", ".opus"}
LOUDNESS = 0.05
"""Root mean square of each sentence."""
QUIET = 35.0
"""Decibels below the loudest of a sentence from which on nobody speaks."""
GAP = 0.3
"""Seconds of quiet up to which a turn of the reference goes on."""
AWAY = 32
"""Minutes after which somebody comes back."""
TELEPHONE = (300, 3400)
"""Hertz that a telephone lets through: what is outside is weaker by 24 dB an octave."""
SAMPLED = 3900
"""Hertz above which there is nothing in a recording of 8 kHz."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A recording and who speaks in it."""

    name: str
    samples: np.ndarray
    """16 bits, mono, 16 kHz."""
    turns: tuple
    """Triples of start, end (seconds) and speaker."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE

    @property
    def speakers(self) -> int:
        return len({name for _, _, name in self.turns})


def people(folder: Path) -> dict[str, list[np.ndarray]]:
    """The sentences of each person, equally loud; people with fewer than five are left out."""
    files = {
        one.name: sorted(path for path in one.rglob("*") if path.suffix.lower() in SUFFIXES)
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    files = {name: paths for name, paths in files.items() if len(paths) >= 5}
    decoded = iter(clips.decode_all([path for paths in files.values() for path in paths]))
    return {name: [_equally_loud(next(decoded)) for _ in paths] for name, paths in files.items()}


def real(folder: Path) -> list[Clip]:
    """The `.wav` files with a reference beside them: `.rttm` (NIST), or `.segments` (start, end, speaker)."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        rttm, segments = path.with_suffix(".rttm"), path.with_suffix(".segments")
        if rttm.exists():
            fields = [line.split() for line in rttm.read_text("utf-8").splitlines() if line.strip()]
            turns = [(float(one[3]), float(one[3]) + float(one[4]), one[7]) for one in fields]
        elif segments.exists():
            fields = [line.split() for line in segments.read_text("utf-8").splitlines() if line.strip()]
            turns = [(float(one[0]), float(one[1]), one[2]) for one in fields]
        else:
            continue
        found.append(Clip(name=path.stem, samples=clips.decode(path), turns=tuple(turns)))
    return found


def mixtures(spoken: dict[str, list[np.ndarray]], seed: int):
    """Everything that is measured, one after the other; needs ten people."""
    names = list(spoken)
    for count in (2, 3, 4, 6, 8, 10):
        yield Mixer(f"{count} speakers", seed).talk(spoken, names[:count], 10).clip()
    four = names[:4]
    away = Mixer(f"back after {AWAY} min of three others", seed).talk(spoken, four[:1], 5)
    back = away.seconds + AWAY * 60
    while away.seconds < back:
        away.talk(spoken, four[1:], 10)
    yield away.talk(spoken, four[:1], 5).clip()
    yield Mixer("all by telephone", seed, change=lambda _, one: telephone(one)).talk(spoken, four, 10).clip()
    yield Mixer("half of the turns by telephone", seed, change=_half(telephone)).talk(spoken, four, 10).clip()
    yield (
        Mixer("half of the turns 18 dB softer", seed, change=_half(lambda one: one / 8))
        .talk(spoken, four, 10)
        .clip()
    )
    yield Mixer("noise, 10 dB", seed, noise=10**-0.5).talk(spoken, four, 10).clip()
    yield Mixer("overlaps of 1 s", seed, overlap=1.0).talk(spoken, four, 10).clip()
    yield Mixer("back-channels of 0.4 to 0.8 s", seed).talk(spoken, four, 10).interject(spoken, four).clip()


class Mixer:
    """Puts sentences one after the other.

    Args:
        name: of the recording.
        seed: decides the order, the pauses, and what is changed.
        change: gives each turn, by its number, another sound.
        overlap: seconds by which each turn begins before the one before ends; 0: there is a pause.
        noise: white noise, as a share of the loudness of speech.
    """

    def __init__(
        self, name: str, seed: int, *, change=lambda _, one: one, overlap: float = 0.0, noise: float = 0.0
    ):
        self._name, self._change, self._overlap, self._noise = name, change, overlap, noise
        self._random = np.random.default_rng(seed)
        self._pieces = []
        self._turns = []
        self._end = 0
        self._number = 0

    @property
    def seconds(self) -> float:
        """So far."""
        return self._end / RATE

    def talk(self, spoken, names, each: int) -> Mixer:
        """Let people say so many sentences each, in an order in which nobody speaks twice where that can be."""
        last = None
        left = {name: list(self._random.permutation(len(spoken[name]))[:each]) for name in names}
        while any(left.values()):
            most = [name for name, one in left.items() if one and name != last] or [
                name for name, one in left.items() if one
            ]
            last = str(self._random.choice(most))
            begin = self.seconds + self._random.uniform(0.2, 0.8)
            if self._overlap:
                begin = max(0.0, self.seconds - self._overlap)
            sentence = spoken[last][left[last].pop()]
            self._put(last, self._change(self._number, sentence), begin, sentence)
            self._number += 1
        return self

    def interject(self, spoken, names) -> Mixer:
        """Let somebody else say something short in every second turn, without waiting."""
        for start, end, speaker in self._turns[::2]:
            if end - start < 3:
                continue
            other = str(self._random.choice([name for name in names if name != speaker]))
            sentence = spoken[other][self._random.integers(len(spoken[other]))]
            middle, length = len(sentence) // 2, round(self._random.uniform(0.4, 0.8) * RATE)
            some = sentence[middle : middle + length]
            self._put(other, some, self._random.uniform(start + 1, end - 1), some)
        return self

    def clip(self) -> Clip:
        """The recording."""
        sound = self._random.normal(0, self._noise * LOUDNESS, self._end)
        for first, piece in self._pieces:
            sound[first : first + len(piece)] += piece
        sound /= max(1.0, float(np.abs(sound).max()) / 0.99)
        return Clip(
            name=self._name, samples=np.rint(sound * 32767).astype(np.int16), turns=tuple(sorted(self._turns))
        )

    def _put(self, name: str, sound, begin: float, heard) -> None:
        first = round(begin * RATE)
        self._pieces.append((first, sound))
        self._end = max(self._end, first + len(sound))
        self._turns += [(begin + start, begin + end, name) for start, end in stretches(heard)]


def stretches(sound) -> list[tuple[float, float]]:
    """Where somebody speaks in a sentence, seconds, by how loud it is."""
    level = windowing.levels(np.rint(sound.clip(-1, 1) * 32767).astype(np.int16))
    loud = np.flatnonzero(level > level.max() - QUIET) / windowing.FRAMES
    found: list[tuple[float, float]] = []
    for time in loud.tolist():
        if found and time - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], time + 1 / windowing.FRAMES)
        else:
            found.append((time, time + 1 / windowing.FRAMES))
    return found


def telephone(sound):
    """What a telephone lets through: Butterworth's curve of order 4 on both sides, sampled at 8 kHz."""
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)[1:]
    low, high = TELEPHONE
    kept = 1 / np.sqrt((1 + (low / hertz) ** 8) * (1 + (hertz / high) ** 8))
    kept[hertz > SAMPLED] = 0
    return np.fft.irfft(np.fft.rfft(sound) * np.concatenate([[0], kept]), len(sound))


def _half(change):
    """Change every second turn only; by pairs, so that each person has both."""
    return lambda number, sound: change(sound) if number // 2 % 2 else sound


def _equally_loud(samples) -> np.ndarray:
    sound = samples / 32768
    return sound * LOUDNESS / max(1e-6, float(np.sqrt(np.square(sound).mean())))
