"""What `speed.py` compares: three ways from a wav file to its text, with the same weights.

Each is a function of a short trial file. It loads, warms up, finds its fastest options on the trial, and gives
a function from a wav to (text, where the time went) and a line that says how it does it.
"""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path

import numpy as np

from tests.speech import read_media

TINY = Path(__file__).resolve().parent.parent / "models" / "tiny-tdt"


class MissingError(Exception):
    """What a contender needs is not installed; says how to get it."""


def ours(trial: Path):
    """The product: what `dropscribe transcribe` does, from the file to the last output file."""
    from bench.flow import transcribe
    from gpu_job import parakeet_onnx

    engine = parakeet_onnx.load("tiny")

    def recognise(path):
        run = transcribe(path, engine)
        return run.text, {"inference": run.inference}

    recognise(trial)
    return recognise, f"chunks of ten minutes, batches of {engine.batch}"


def onnx_asr_recipe(trial: Path):
    """`load_model(…).with_vad(silero)` over the file; the best of its batch sizes, with and without times."""
    import onnx_asr

    silero = importlib.util.find_spec("silero_vad")
    if silero is None or silero.origin is None:
        raise MissingError(
            "onnx-asr's recipe needs the weights in the package silero-vad: `make bench` installs it"
        )
    vad = onnx_asr.load_vad("silero", Path(silero.origin).parent / "data")
    model = onnx_asr.load_model("nemo-conformer-tdt", TINY)

    def recognise(path, batch_size, times):
        adapter = model.with_vad(vad, batch_size=batch_size)
        if times:
            adapter = adapter.with_timestamps()
        return " ".join(segment.text for segment in adapter.recognize(path)), {}

    size, times = _fastest(
        [(size, times) for size in (4, 8, 16) for times in (False, True)],
        lambda option: recognise(trial, *option),
    )
    label = f"with_vad(silero, batch_size={size}){'.with_timestamps()' if times else ''}"
    return lambda path: recognise(path, size, times), label


def nemo_transcribe(trial: Path):
    """NeMo's `transcribe()` on windows of 15 s, cut at the same silences; the best of its batch sizes."""
    if importlib.util.find_spec("nemo") is None:
        raise MissingError("NeMo is not installed: `make bench` installs it")
    import logging

    import torch
    from nemo.collections.asr.models import ASRModel
    from nemo.utils import logging as nemo_logging

    from gpu_job.segments import cut

    nemo_logging.setLevel(logging.ERROR)
    torch.set_num_threads(cores())
    model = ASRModel.restore_from(str(TINY / "tiny-tdt.nemo"), map_location="cpu").eval()

    def recognise(path, batch_size):
        samples = read_media(path)
        windows = cut(samples, target=15.0)
        sounds = [samples[w.start : w.end].astype(np.float32) / 32768 for w in windows]
        with torch.inference_mode():
            heard = model.transcribe(sounds, batch_size=batch_size, num_workers=0, verbose=False)
        return " ".join(one.text for one in heard), {}

    size = _fastest((4, 8, 16, 32), lambda size: recognise(trial, size))
    return lambda path: recognise(path, size), f"windows of 15 s, batch_size={size}"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fastest(options, work):
    """The fastest option, after a warm-up."""
    taken = {}
    work(options[0])
    for option in options:
        started = time.perf_counter()
        work(option)
        taken[option] = time.perf_counter() - started
    return min(taken, key=taken.__getitem__)


CONTENDERS = {"Dropscribe": ours, "onnx-asr": onnx_asr_recipe, "NeMo": nemo_transcribe}
