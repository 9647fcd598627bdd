"""`dropscribe models benchmark`: speed, memory and word error rate of each variant of the weights, in one run.

Each form gets a process of its own, so that nothing of another form counts as its memory or warms it up.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_job.peak_memory import peak_memory
from gpu_job.weights import int8, lookup
from gpu_job.weights.catalogue import Kind, by_name, catalogue
from local.evaluation import accuracy, clips, corpus
from shared.errors import DropscribeError, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_job.speech.transcriber import Transcriber

WARM_UP = 2
"""Windows recognised before the clock starts."""
TOGETHER = 64
"""Windows given at one time to an engine that does not say how many it wants."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One form of some weights."""

    name: str
    """Name of the weights, as the person gave it."""
    form: str
    """`onnx`, `onnx int8` or `nemo`."""
    path: str
    """What the engine loads; empty where it cannot run here."""
    obstacle: str = ""
    """Why it cannot run here, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one form took."""

    load: float
    """Seconds until it was loaded and warm, imports included."""
    seconds: float
    """To recognise everything once."""
    audio: float
    """Seconds of sound."""
    memory: int
    """Most that the process held at one time, bytes; the decoded sound is part of it."""
    accelerator: int
    """Most memory of a GPU, bytes; 0 on a processor."""
    texts: tuple[str, ...]
    """The text of each recording."""

    @property
    def speed(self) -> float:
        """Seconds of sound in a second (RTFx)."""
        return self.audio / self.seconds


def run(
    names: Sequence[str], manifest: Path, *, language: str, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Measure every form; one that did not run has an obstacle and no speed.

    The manifest is one, or the folder of a corpus, see `corpus.read`; the language is for the rules of spelling. No
    names: all on this disk. `say` is told which form comes next.

    Raises:
        BadRequest: the manifest cannot be read.
        ConfigurationError: a package for word error rates is not installed.
        ModelUnavailable: none of the weights is on this disk.
    """
    normalise = accuracy.normaliser(language)
    entries = corpus.read(manifest)
    chosen = list(names) or [one.name for one in catalogue() if one.onnx.on_disk() or one.nemo.on_disk()]
    if not chosen:
        raise ModelUnavailable("No weights are on this disk. `dropscribe models pull NAME` downloads some.")
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="dropscribe-benchmark-") as folder:
        files = clips.files(entries, Path(folder))
        for variant in _variants(chosen, Path(folder)):
            result: dict[str, Any] = {
                "name": variant.name,
                "form": variant.form,
                "obstacle": variant.obstacle,
            }
            if not variant.obstacle:
                say(f"{variant.name}, {variant.form} …")
                try:
                    measured = _measure(variant, files)
                except ModelUnavailable as error:
                    result["obstacle"] = str(error)
                else:
                    result |= _scored(measured, entries, normalise)
            results.append(result)
    return results


def _scored(measured: Measured, entries: Sequence[corpus.Entry], normalise: Any) -> dict[str, Any]:
    utterances = [
        error
        for one, text in zip(entries, measured.texts, strict=True)
        for error in accuracy.score(normalise(one.text), normalise(text))
    ]
    errors = accuracy.total(utterances)
    found = {key: value for key, value in asdict(measured).items() if key != "texts"}
    found |= {"speed": measured.speed, "errors": asdict(errors), "rate": errors.rate}
    return found | {"interval": accuracy.interval(utterances)}


def _variants(names: Sequence[str], folder: Path) -> Iterator[Variant]:
    for number, name in enumerate(names):
        path, obstacle = _on_disk(name, "onnx")
        yield Variant(name=name, form="onnx", path=path, obstacle=obstacle)
        if path:
            yield _quantised(name, path, folder / f"int8-{number}")
        path, obstacle = _on_disk(name, "nemo")
        if path and any(importlib.util.find_spec(package) is None for package in ("torch", "nemo")):
            obstacle = "torch and NeMo are not installed: pip install 'dropscribe[nemo]'"
        yield Variant(name=name, form="nemo", path=path, obstacle=obstacle)


def _on_disk(name: str, kind: Kind) -> tuple[str, str]:
    """The path of one form, or why there is none. Downloads nothing."""
    known = by_name(name)
    if known is not None:
        path = known.release(kind).on_disk()
        form = " --nemo" if kind == "nemo" else ""
        return (str(path), "") if path else ("", f"not on this disk: dropscribe models pull {name}{form}")
    try:
        return str(lookup.locate(name, kind).path.absolute()), ""
    except ModelUnavailable as error:
        return "", str(error)


def _quantised(name: str, source: str, target: Path) -> Variant:
    try:
        path = str(int8.quantise(Path(source), target))
    except DropscribeError as error:
        return Variant(name=name, form="onnx int8", path="", obstacle=str(error))
    return Variant(name=name, form="onnx int8", path=path)


def _measure(variant: Variant, files: Sequence[Path]) -> Measured:
    """In a process of its own.

    Raises:
        ModelUnavailable: the engine failed; says how.
    """
    job = {"form": variant.form, "path": variant.path, "files": [str(file.absolute()) for file in files]}
    child = subprocess.run(
        [sys.executable, "-m", "local.evaluation.benchmark"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise ModelUnavailable(f"{variant.form} failed: {lines[-1]}")
    answer = json.loads(child.stdout.splitlines()[-1])
    return Measured(**(answer | {"texts": tuple(answer["texts"])}))


def _child() -> None:
    """The measured process: a job comes as JSON, the answer is the last line of output."""
    job = json.loads(sys.stdin.read())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not the answer
    from gpu_job.speech.windowing import cut, floats  # noqa: PLC0415 - the parent needs none of it

    recordings = clips.decode_all([Path(file) for file in job["files"]])
    windows = [(number, one) for number, sound in enumerate(recordings) for one in cut(sound)]
    sounds = [floats(recordings[number][one.start : one.end]) for number, one in windows]
    started = time.perf_counter()
    engine = _engine(job["form"], job["path"])
    engine.transcribe(sounds[:WARM_UP])
    loaded = time.perf_counter()
    engine.memory()
    words: list[list[str]] = [[] for _ in recordings]
    order = sorted(range(len(windows)), key=lambda index: len(sounds[index]))
    heard: dict[int, str] = {}
    step = engine.batch or TOGETHER
    for first in range(0, len(order), step):
        batch = order[first : first + step]
        results = engine.transcribe([sounds[index] for index in batch])
        heard |= {
            index: " ".join(word.text for word in found) for index, found in zip(batch, results, strict=True)
        }
    done = time.perf_counter()
    for index, (number, _) in enumerate(windows):
        words[number].append(heard[index])
    memory = engine.memory()
    answer = Measured(
        load=loaded - started,
        seconds=done - loaded,
        audio=sum(len(sound) for sound in recordings) / 16_000,
        memory=peak_memory(),
        accelerator=memory.peak if memory else 0,
        texts=tuple(" ".join(one) for one in words),
    )
    answers.write(json.dumps(asdict(answer)) + "\n")
    answers.close()


def _engine(form: str, path: str) -> Transcriber:
    if form == "nemo":
        from gpu_job.speech.nemo import nemo_engine  # noqa: PLC0415 - imports torch and NeMo

        return nemo_engine.load(path)
    from gpu_job.speech.onnx import onnx_engine  # noqa: PLC0415 - imports onnxruntime

    return onnx_engine.load(path)


if __name__ == "__main__":
    _child()
