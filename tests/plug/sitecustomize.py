"""Python runs this at its start where this folder is in PYTHONPATH: a worker whose engine fails when told to.

TROUBLE   a file; what stands in it says how the engine fails: `raise`, `oom`, `lost` or `die`. None: it works
POOL      `gpu` or `cpu`: the worker takes the chunks of that engine only, and says that it is one
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from gpu_job.speech import transcriber

if sys.orig_argv[1:3] == ["-m", "gpu_job"]:
    from gpu_job.pipeline import consumer
    from gpu_job.speech import loading
    from gpu_job.speech.onnx import onnx_engine
    from shared.routing import flags

    POOL, TROUBLE = os.environ.get("POOL", ""), Path(os.environ["TROUBLE"])

    class Troubled:
        """The engine of the processor, with what is in the file."""

        def __init__(self, model):
            self._engine = onnx_engine.load(model)
            self.engine = f"parakeet-{POOL or 'cpu'}"

        def __getattr__(self, name):
            return getattr(self._engine, name)

        def transcribe(self, windows, phrases=()):
            told = TROUBLE.read_text() if TROUBLE.exists() else ""
            if told == "raise":
                raise RuntimeError("device-side assert triggered")
            if told == "oom":
                raise transcriber.OutOfMemory("CUDA out of memory")
            if told == "lost":
                raise transcriber.EngineLost("unspecified launch failure")
            if told == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            return self._engine.transcribe(windows, phrases)

    loading.load = lambda _settings, model, **_: Troubled(model)
    flags.CACHED = 0.1  # a test does not wait for a quarter of a minute
    if POOL:
        consumer.subscriptions_of = lambda _settings: (f"{POOL}-worker",)
