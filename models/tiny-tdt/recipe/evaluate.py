"""Word error rates and speeds of the README's table: `python evaluate.py FOLDER --corpus TEST.npz`.

The corpus must be one that training never saw (`synthesis.py TEST.npz --first-seed 900000`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx_asr
from nemo.collections.asr.models import ASRModel

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.speech import word_errors  # found by the path above

SAMPLE_RATE = 16_000
LENGTHS = (0, 8, 15, 30, 60, 120, 300)
"""Seconds to join sentences to; 0 is single sentences."""
SECONDS_A_ROW = 240
BATCH = 16
PAUSE = 0.4

Audio = npt.NDArray[np.float32]
Recognise = Callable[[list[Audio]], list[str]]


def joined(sentences: list[tuple[Audio, str]], length: float) -> list[tuple[Audio, str]]:
    """Sentences joined, with pauses between them, to recordings of at most `length` seconds."""
    groups: list[list[tuple[Audio, str]]] = [[]]
    for sound, text in sentences:
        so_far = sum(len(one) / SAMPLE_RATE + PAUSE for one, _ in groups[-1])
        if groups[-1] and so_far + len(sound) / SAMPLE_RATE > length:
            groups.append([])
        groups[-1].append((sound, text))
    silence = np.zeros(int(PAUSE * SAMPLE_RATE), np.float32)
    return [
        (
            np.concatenate([part for sound, _ in group for part in (sound, silence)]),
            " ".join(t for _, t in group),
        )
        for group in groups
    ]


def score(recognise: Recognise, recordings: list[tuple[Audio, str]]) -> tuple[float, float]:
    """Word error rate in per cent, and seconds of audio recognised a second."""
    recognise([recordings[0][0]])
    began = time.monotonic()
    texts = recognise([sound for sound, _ in recordings])
    took = time.monotonic() - began
    counts = [word_errors(truth, text) for (_, truth), text in zip(recordings, texts, strict=True)]
    errors, words = (sum(column) for column in zip(*counts, strict=True))
    return 100 * errors / words, sum(len(sound) for sound, _ in recordings) / SAMPLE_RATE / took


def recognisers(folder: Path) -> dict[str, Recognise]:
    """Both ways to run the same weights."""
    nemo = ASRModel.restore_from(str(folder / "tiny-tdt.nemo"), map_location="cpu")
    nemo.eval()
    onnx = onnx_asr.load_model("nemo-conformer-tdt", folder, providers=["CPUExecutionProvider"])

    def with_nemo(sounds: list[Audio]) -> list[str]:
        return [one.text for one in nemo.transcribe(sounds, batch_size=BATCH, verbose=False)]

    def with_onnx(sounds: list[Audio]) -> list[str]:
        return [onnx.recognize(sound) for sound in sounds]

    return {"NeMo": with_nemo, "onnx-asr": with_onnx}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    arguments = parser.parse_args()
    with np.load(arguments.corpus) as stored:
        parts = np.split(stored["a"].astype(np.float32) / 32768, np.cumsum(stored["n"])[:-1])
        sentences = list(zip(parts, (str(text) for text in stored["t"]), strict=True))
    engines = recognisers(arguments.folder)
    print("| length | " + " | ".join(f"{name}: WER | speed" for name in engines) + " |")
    print("|---" * (1 + 2 * len(engines)) + "|")
    for length in LENGTHS:
        recordings = joined(sentences, length)
        count, seconds = 0, 0.0
        while count < len(recordings) and (length == 0 or seconds < SECONDS_A_ROW):
            seconds += len(recordings[count][0]) / SAMPLE_RATE
            count += 1
        results = [score(recognise, recordings[:count]) for recognise in engines.values()]
        cells = " | ".join(f"{errors:.2f} % | {speed:.0f}×" for errors, speed in results)
        print(f"| {f'{length} s' if length else 'single sentences'} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
