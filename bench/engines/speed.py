"""Speed and errors against NeMo's own ways and onnx-asr's, on one-hour files or on a bag of short ones.

    python -m bench speed [--hours 1 | --bag 1000] [--rounds 3] [--device cuda] [--model FILE.nemo]
    python -m bench speed --files talk.flac more.wav …

Same weights, same machine, one run: every contender gets a process of its own, loads, warms up, and tries its
options on a part of the sound; then all take turns. Loading is not timed, reading the files is. Our own times
are those of the whole flow, to the last output file; of short files also those of the worker alone, to the last
kept result, as a machine with a GPU runs it. Files of your own need their true text beside them (`talk.txt`).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench import command_line, machine
from bench.engines.contenders import CONTENDERS, NEMO, OURS
from bench.engines.contest import hold, ratios
from bench.engines.job import Job
from bench.machine import spread
from tests.speech import SAMPLE_RATE, read_media, sentences, talk, text_of, word_errors, write_wav

TARGETS = {"hours": 2.0, "bag": 1.4}
"""Times the speed of NeMo's own ways that we promise."""
WORSE = 0.001
"""What the word error rate may be worse by."""
SHORTEST, LONGEST = 2.0, 20.0
"""Seconds of a short file."""
TRIAL_SECONDS, TRIAL_FILES = 120.0, 64
"""How much of long files, and how many short ones, a contender tries its options on."""


def main() -> int:
    """Measure, print the table; 0 when everything ran."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kind = "bag" if arguments.bag else "hours"
        if arguments.bag:
            speech = [short(number) for number in range(arguments.bag)]
        elif arguments.files:
            speech = [
                (read_media(path), path.with_suffix(".txt").read_text("utf-8")) for path in arguments.files
            ]
        else:
            speech = list(long(arguments.hours))
        files, texts = write(folder, "file", speech), [text for _, text in speech]
        seconds = sum(len(samples) for samples, _ in speech) / SAMPLE_RATE
        if kind == "bag":
            trial = files[:TRIAL_FILES]
        else:
            trial = write(
                folder, "trial", [(one[: round(TRIAL_SECONDS * SAMPLE_RATE)], text) for one, text in speech]
            )
        job = Job(kind=kind, model=arguments.model, device=arguments.device, files=files, trial=trial)
        del speech
        for line in machine.described(arguments.device):
            print(line)
        print(f"{len(files)} files, {seconds / 3600:.2f} h of speech, weights {Path(arguments.model).name}\n")
        report(hold(arguments.only, job, arguments.rounds), seconds, texts, kind)
    return 0


def long(hours: float):
    """Files of an hour each, the last one shorter; each with its text."""
    for number in range(int(np.ceil(hours))):
        samples, words = talk(3600 * min(1.0, hours - number), seed=20 + number)
        yield samples, text_of(words)


def short(number: int) -> tuple[np.ndarray, str]:
    """A file of a few sentences, and its text."""
    random = np.random.default_rng(number)
    wanted = random.uniform(SHORTEST, LONGEST) * SAMPLE_RATE
    known, parts, texts, length = sentences(), [], [], 0
    while True:
        one = known[random.integers(len(known))]
        pause = round(random.uniform(0.3, 1.5) * SAMPLE_RATE)
        if parts and length + pause + len(one.samples) > wanted:
            break
        parts += [np.zeros(pause), one.samples]
        texts.append(one.text)
        length += pause + len(one.samples)
    louder = 10 ** (random.uniform(-8.0, 2.0) / 20)
    noisy = np.concatenate(parts) * louder + random.standard_normal(length) * 32.0
    return np.clip(noisy, -32768, 32767).astype(np.int16), " ".join(texts)


def write(folder: Path, name: str, speech) -> tuple[str, ...]:
    """A wav file of each."""
    paths = [folder / f"{name}-{number:05}.wav" for number in range(len(speech))]
    for path, (samples, _) in zip(paths, speech, strict=True):
        write_wav(path, samples)
    return tuple(map(str, paths))


def report(done, seconds: float, texts, kind: str) -> None:
    """The table, and what is promised beside what was found."""
    print(f"\n{'':18}{'seconds':>9}{'RTFx':>8}{'core-s/h':>10}{'WER':>9}   how")
    rates = {}
    for one in done:
        median = statistics.median(one.seconds)
        pairs = [word_errors(*pair) for pair in zip(texts, one.rounds[0]["texts"], strict=True)]
        errors, words = (sum(column) for column in zip(*pairs, strict=True))
        rates[one.name] = errors / words
        core = min(answer["core"] for answer in one.rounds) * 3600 / seconds
        print(
            f"{one.name:18}{median:9.2f}{seconds / median:8.0f}{core:10.1f}{100 * rates[one.name]:8.2f}%   {one.label}"
        )
    mine = [one for one in done if one.name in OURS]
    others = [one for one in done if one.name not in OURS]
    for one in mine:
        print(f"\n{one.name}: times as fast, the median of the rounds (and from the least to the most)")
        for other in others:
            cores = ratios(one, other, "core")
            print(
                f"  {spread(ratios(one, other))} as {other.name}, which takes {spread(cores)} times the core-seconds"
            )
        spent = [sum(answer["spent"].values()) / answer["seconds"] for answer in one.rounds]
        print(f"  {spread(spent)} of its time the engine computes")
        nemo = [other for other in others if other.name in NEMO]
        if nemo:
            least = min(statistics.median(ratios(one, other)) for other in nemo)
            worse = rates[one.name] - min(rates[other.name] for other in nemo)
            print(
                f"  promised: {TARGETS[kind]} times NeMo's own ways ({least:.2f} found), with a word error rate"
            )
            print(
                f"  at most {100 * WORSE:.1f} points worse than the better of them ({100 * worse:+.2f} found)"
            )


def parse():
    """The command line."""
    parser = command_line("speed", __doc__)
    gpu = machine.has_cuda()
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument("--hours", type=float, help="hours of speech, in files of one (1; 8 on a GPU)")
    sound.add_argument("--bag", type=int, metavar="FILES", help="files of 2 to 20 s instead")
    sound.add_argument("--files", type=Path, nargs="+", help="recordings of your own, with their .txt beside")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender takes its turn")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if gpu else "cpu")
    parser.add_argument("--model", default="tiny", help="weights: tiny, or a .nemo file")
    names = tuple(CONTENDERS)
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="CONTENDER", help="not all of them"
    )
    found = parser.parse_args()
    found.hours = found.hours or (8.0 if found.device == "cuda" else 1.0)
    return found


if __name__ == "__main__":
    sys.exit(main())
