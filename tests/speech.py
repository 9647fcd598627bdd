"""Real speech for tests and benchmarks, from the sentences bundled in `samples/sentences/`.

The sentences were never part of the tiny model's training. Everything here is deterministic: the
same seed gives the same samples, so an hour of speech need not be stored.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from tests.kept import kept
from tests.media import SAMPLE_RATE, Samples, read_media, write_media, write_wav

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "SAMPLE_RATE",
    "Samples",
    "Sentence",
    "SpokenWord",
    "read_media",
    "sentences",
    "talk",
    "text_of",
    "word_errors",
    "write_media",
    "write_wav",
]

FOLDER = Path(__file__).parent.parent / "samples" / "sentences"


class SpokenWord(NamedTuple):
    """One word and when it is spoken, in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """One bundled sentence."""

    text: str
    """Lower case, without punctuation."""
    samples: Samples
    """16 kHz mono."""
    words: tuple[SpokenWord, ...]
    """Times count from the first sample."""


@functools.cache
def sentences() -> tuple[Sentence, ...]:
    """All bundled sentences (decoded once a process)."""
    audio = np.frombuffer(bytearray(_spoken()), np.int16)
    entries = json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))
    found = []
    for entry in entries:
        start, end = (round(entry[bound] * SAMPLE_RATE) for bound in ("start", "end"))
        spoken = zip(entry["text"].split(), entry["words"], strict=True)
        words = (SpokenWord(word, a, b) for word, (a, b) in spoken)
        found.append(Sentence(text=entry["text"], samples=audio[start:end], words=tuple(words)))
    return tuple(found)


@kept
def _spoken() -> bytes:
    return read_media(FOLDER / "sentences.opus").tobytes()


def talk(
    seconds: float,
    seed: int,
    *,
    pause: tuple[float, float] = (0.3, 1.5),
    gain: tuple[float, float] = (-8.0, 2.0),
    noise: float = -60.0,
) -> tuple[Samples, list[SpokenWord]]:
    """Speech of exactly the length asked for, made of the bundled sentences in random order.

    Every sentence comes once before any comes again. No sentence is cut: the end is a pause.

    Args:
        seconds: length of the result.
        seed: another seed gives other words.
        pause: shortest and longest pause before each sentence, seconds.
        gain: least and most amplification of a sentence, decibels.
        noise: level of the white noise under everything, decibels of full scale; `-inf` for none.

    Returns:
        int16 samples, 16 kHz mono, and every word in order with its times.
    """
    random = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.int16)
    truth: list[SpokenWord] = []
    position = 0
    for sentence in _endless(random):
        position += round(random.uniform(*pause) * SAMPLE_RATE)
        end = position + len(sentence.samples)
        if end > len(audio):
            break
        louder = 10 ** (random.uniform(*gain) / 20)
        audio[position:end] = np.clip(sentence.samples * louder, -32768, 32767)
        offset = position / SAMPLE_RATE
        truth += [SpokenWord(word, start + offset, stop + offset) for word, start, stop in sentence.words]
        position = end
    if np.isfinite(noise):
        _add_noise(audio, 32768 * 10 ** (noise / 20), random)
    return audio, truth


def text_of(words: Sequence[SpokenWord]) -> str:
    """The words as one line of text."""
    return " ".join(word for word, _, _ in words)


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Fewest substitutions, deletions and insertions that turn the reference into the hypothesis.

    Word error rate is the first result divided by the second.

    Returns:
        Errors, and words of the reference.
    """
    wanted = reference.split()
    return Levenshtein.distance(wanted, hypothesis.split()), len(wanted)


def _endless(random: np.random.Generator) -> Iterator[Sentence]:
    known = sentences()
    while True:
        for index in random.permutation(len(known)):
            yield known[index]


def _add_noise(audio: Samples, amplitude: float, random: np.random.Generator) -> None:
    for start in range(0, len(audio), 60 * SAMPLE_RATE):
        part = audio[start : start + 60 * SAMPLE_RATE]
        noisy = part + random.standard_normal(len(part), dtype=np.float32) * np.float32(amplitude)
        part[:] = np.clip(np.rint(noisy), -32768, 32767)
