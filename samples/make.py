"""Make everything in this folder again but the texts in `truth/`: the recordings and the held-out sentences.

    python samples/make.py

Needs espeak-ng and sox besides the project's own dependencies. The same versions of them (see
README.md) give the same bytes.
"""
# ruff: noqa: INP001, T201 - a script: not in a package, and it reports by printing

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "models" / "tiny-tdt" / "recipe")]

import espeak  # noqa: E402 - found by the path above, as are the next four
from stories import RECORDINGS, Recording  # noqa: E402
from synthesis import SAMPLE_RATE, Samples, Speaker, draw, resample  # noqa: E402

from tests.media import write_media  # noqa: E402

HELD_OUT = range(1_000_000, 1_000_200)
"""Seeds of the bundled sentences. Training used 0 to 11,999."""
BIT_RATE = 16_000
"""Of the bundled sentences, bits a second."""
GAP = round(0.3 * SAMPLE_RATE)
"""Silence between the bundled sentences, samples."""
MARGIN = round(0.1 * SAMPLE_RATE)
"""Silence kept after the last sound of a sentence, samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """One spoken sentence."""

    text: str
    """Its words."""
    samples: Samples
    """16 kHz mono."""
    words: tuple[tuple[float, float], ...]
    """Start and end of each word, seconds."""


def utter(said: tuple[str, Speaker]) -> Utterance:
    """Speak one sentence."""
    text, speaker = said
    spoken = espeak.speak(text, speaker)
    source = ["-t", "raw", "-r", str(spoken.rate), "-e", "signed", "-b", "16", "-c", "1", "-"]
    samples = resample(source, spoken.samples.tobytes())
    return Utterance(text=text, samples=samples[: espeak.last_sound(samples) + MARGIN], words=spoken.words)


def make_recording(recording: Recording, utterances: list[Utterance]) -> None:
    """Write one sample recording."""
    random = np.random.default_rng(recording.seed)
    parts = []
    for utterance in utterances:
        parts += [
            np.zeros(round(random.uniform(*recording.pause) * SAMPLE_RATE), np.int16),
            utterance.samples,
        ]
    audio = np.concatenate([*parts, np.zeros(SAMPLE_RATE // 2, np.int16)])
    noise = random.standard_normal(len(audio)) * 32768 * 10 ** (recording.noise / 20)
    audio = np.clip(np.rint(audio + noise), -32768, 32767).astype(np.int16)
    path = HERE / recording.name
    write_media(path, audio, **recording.media)
    print(f"{recording.name}: {len(audio) / SAMPLE_RATE:.1f} s, {path.stat().st_size:,} bytes")


def make_sentences(utterances: list[Utterance]) -> None:
    """Write the held-out sentences as one file, with the times of every sentence and word."""
    parts, entries, position = [], [], 0
    for utterance in utterances:
        start = position / SAMPLE_RATE
        position += len(utterance.samples)
        words = [[round(a, 3), round(b, 3)] for a, b in utterance.words]
        entries.append(
            {"text": utterance.text, "start": start, "end": position / SAMPLE_RATE, "words": words}
        )
        parts += [utterance.samples, np.zeros(GAP, np.int16)]
        position += GAP
    path = HERE / "sentences" / "sentences.opus"
    write_media(path, np.concatenate(parts), bit_rate=BIT_RATE)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (HERE / "sentences" / "sentences.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"sentences: {len(entries)}, {position / SAMPLE_RATE:.1f} s, {path.stat().st_size:,} bytes")


def main() -> None:
    """Make all of it."""
    (HERE / "sentences").mkdir(exist_ok=True)
    # A new process for each sentence: see espeak.py.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn, max_tasks_per_child=1) as pool:
        for recording in RECORDINGS:
            make_recording(recording, list(pool.map(utter, recording.lines)))
        make_sentences(list(pool.map(utter, map(draw, HELD_OUT))))


if __name__ == "__main__":
    main()
