"""Speech for the sentences: espeak-ng speaks them, sox brings them to 16 kHz mono.

`python synthesis.py CORPUS.npz --utterances 12000 --first-seed 0` writes a corpus: utterance i is
fully determined by the seed `first_seed + i` (its text, accent, voice, speed, pitch and word gap).
"""

from __future__ import annotations

import argparse
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sentences import sentence

SAMPLE_RATE = 16_000
"""Hertz, as the model expects."""
ACCENTS = [
    "en-us",
    "en-gb",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-us-nyc",
    "en-029",
    "en-gb-x-gbcwmd",
    "en-gb-x-gbclan",
]
VOICES = ["", *(f"+f{i}" for i in range(1, 5)), *(f"+m{i}" for i in range(1, 8))]
SHORTEST = SAMPLE_RATE // 2
"""Samples; anything shorter is a failed synthesis, not a sentence."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """How espeak-ng speaks one sentence."""

    voice: str
    """Accent and variant, e.g. `en-gb-scotland+f2`."""
    speed: int
    """Words a minute."""
    pitch: int
    """0 to 99."""
    gap: int
    """Pause between words, in units of 10 ms."""


def draw(seed: int) -> tuple[str, Speaker]:
    """The sentence and the speaker of one seed. The order of the draws is part of the recipe."""
    choose = random.Random(seed)
    text = sentence(choose)
    voice = choose.choice(ACCENTS) + choose.choice(VOICES)
    return text, Speaker(
        voice=voice, speed=choose.randint(120, 185), pitch=choose.randint(30, 70), gap=choose.randint(0, 4)
    )


def speak(text: str, speaker: Speaker) -> Samples:
    """The sentence as int16 samples, 16 kHz mono.

    Raises:
        subprocess.CalledProcessError: espeak-ng or sox failed.
        FileNotFoundError: espeak-ng or sox is not installed.
    """
    command = ["espeak-ng", "-v", speaker.voice, "-s", str(speaker.speed)]
    command += ["-p", str(speaker.pitch), "-g", str(speaker.gap), "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    return resample(["-t", "wav", "-"], spoken)


def resample(source: list[str], data: bytes) -> Samples:
    """Audio in any form that sox reads as int16 samples, 16 kHz mono.

    Args:
        source: sox's description of `data`, ending in `-`, e.g. `["-t", "wav", "-"]`.
        data: the audio.

    Raises:
        subprocess.CalledProcessError: sox failed.
        FileNotFoundError: sox is not installed.
    """
    target = ["-r", str(SAMPLE_RATE), "-c", "1", "-b", "16", "-t", "raw", "-"]
    # -R seeds the dither, so that the same speaker says the same samples again. espeak-ng streams a
    # wav whose header claims 2 GiB: sox warns about it on stderr, which is captured.
    done = subprocess.run(["sox", "-R", *source, *target], input=data, capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype=np.int16)


def _utterance(seed: int) -> tuple[str, Samples]:
    text, speaker = draw(seed)
    return text, speak(text, speaker)


def main() -> None:
    """Write a corpus of `a` (all samples), `n` (samples of each utterance) and `t` (texts)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--utterances", type=int, default=12_000)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.utterances)
    with ThreadPoolExecutor(4) as pool:
        corpus = [one for one in pool.map(_utterance, seeds) if len(one[1]) > SHORTEST]
    samples = np.concatenate([audio for _, audio in corpus])
    lengths = np.array([len(audio) for _, audio in corpus])
    np.savez(arguments.corpus, a=samples, n=lengths, t=np.array([text for text, _ in corpus]))
    print(f"{len(corpus)} utterances, {len(samples) / SAMPLE_RATE / 3600:.2f} h in {arguments.corpus}")


if __name__ == "__main__":
    main()
