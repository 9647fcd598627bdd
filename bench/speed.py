"""Speed and errors on an hour of speech, against onnx-asr's long-audio recipe and NeMo's `transcribe()`.

    python -m bench.speed [--minutes 60] [--rounds 2] [--files talk.flac more.wav …]

Same weights, same cores, one run: every contender gets a process of its own, loads, warms up, and tries its
options on the first minutes; then all take turns at the whole hour and the best round of each counts.
Loading is not timed, reading the wav is. Files of your own need their true text beside them (`talk.txt`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.contenders import CONTENDERS, TINY, MissingError, cores
from tests.speech import SAMPLE_RATE, read_media, talk, text_of, word_errors, write_wav

ROOT = Path(__file__).resolve().parent.parent
TARGET = 1.5
"""Times the speed of the better of the other two that we promise."""
TRIAL = 120.0
"""Seconds of sound on which a contender tries its options."""


def _contender(name: str, wav: Path, trial: Path) -> None:
    """The child: load, warm up, then one round for every line of input; answers are lines of JSON."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no answer
    try:
        recognise, label = CONTENDERS[name](trial)
    except MissingError as missing:
        print(json.dumps({"missing": str(missing)}), file=answers, flush=True)
        return
    print(json.dumps({"label": label}), file=answers, flush=True)
    for _ in sys.stdin:
        before, started = sum(os.times()[:4]), time.perf_counter()
        text, spent = recognise(wav)
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "core": sum(os.times()[:4]) - before, "text": text, "spent": spent}
        print(json.dumps(answer), file=answers, flush=True)


class _Process:
    """The parent's side of a contender."""

    def __init__(self, name: str, wav: Path, trial: Path) -> None:
        command = [sys.executable, "-m", "bench.speed", "--contender", name, str(wav), str(trial)]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        self.name = name
        self.rounds: list[dict] = []
        ready = self._answer()
        self.label, self.missing = ready.get("label", ""), ready.get("missing")

    def _answer(self) -> dict:
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended without an answer; see: {' '.join(self._child.args)}")
        return json.loads(line)

    def run(self) -> None:
        self._child.stdin.write("go\n")
        self._child.stdin.flush()
        self.rounds.append(self._answer())

    def close(self) -> None:
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    @property
    def best(self) -> dict:
        return min(self.rounds, key=lambda one: one["seconds"])


def _speech(arguments) -> tuple[np.ndarray, str]:
    """The samples to recognise and their true text."""
    if not arguments.files:
        samples, words = talk(arguments.minutes * 60, seed=20)
        return samples, text_of(words)
    texts = [path.with_suffix(".txt").read_text(encoding="utf-8") for path in arguments.files]
    return np.concatenate([read_media(path) for path in arguments.files]), " ".join(texts)


def _report(done: list[_Process], seconds: float, truth: str) -> None:
    print(f"\n{seconds / 60:.0f} minutes of speech, {cores()} cores, weights {TINY.name}\n")
    print(f"{'':12}{'seconds':>9}{'real time':>11}{'core-s/h':>10}{'WER':>8}   how")
    rates = {}
    for one in done:
        errors, words = word_errors(truth, one.best["text"])
        rates[one.name] = (one.best["seconds"], errors / words)
        print(
            f"{one.name:12}{one.best['seconds']:9.2f}{seconds / one.best['seconds']:10.0f}x"
            f"{one.best['core'] * 3600 / seconds:10.1f}{100 * errors / words:7.2f}%   {one.label}"
        )
    others = [value for name, value in rates.items() if name != "Dropscribe"]
    if others:
        fastest, fewest = min(value[0] for value in others), min(value[1] for value in others)
        ratio = fastest / rates["Dropscribe"][0]
        print(f"\n{ratio:.2f} times the speed of the better of the others (promised: {TARGET})")
        print(f"word error rate {100 * rates['Dropscribe'][1]:.2f}%, best of the others {100 * fewest:.2f}%")
    spent = done[0].best["spent"]
    rest = done[0].best["seconds"] - sum(spent.values())
    print("where our time goes: " + ", ".join(f"{k} {v:.2f} s" for k, v in (spent | {"rest": rest}).items()))


def main() -> int:
    """Measure, print the table; 0 when everything ran."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="length of the bundled speech to recognise"
    )
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the best one of each contender counts")
    parser.add_argument(
        "--files", type=Path, nargs="+", help="recordings of your own, with their .txt beside"
    )
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        name, wav, trial = arguments.contender
        _contender(name, Path(wav), Path(trial))
        return 0

    samples, truth = _speech(arguments)
    with tempfile.TemporaryDirectory() as folder:
        wav, trial = Path(folder, "speech.wav"), Path(folder, "trial.wav")
        write_wav(wav, samples)
        write_wav(trial, samples[: round(TRIAL * SAMPLE_RATE)])
        contenders = []
        for name in CONTENDERS:
            print(f"loading {name} …", flush=True)
            one = _Process(name, wav, trial)
            if one.missing:
                print(f"  skipped: {one.missing}", flush=True)
                one.close()
            else:
                contenders.append(one)
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds} …", flush=True)
            for one in contenders:
                one.run()
        for one in contenders:
            one.close()
        _report(contenders, len(samples) / SAMPLE_RATE, truth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
