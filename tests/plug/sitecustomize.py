"""Python runs this at its start where this folder is in PYTHONPATH: an engine and a clock that fail when told to.

TROUBLE   a file; what stands in it says how the engine fails: `raise`, `oom`, `lost` or `die`. None: it works.
          `slow`: it works, and takes a third of a second longer
TROUBLE_CALLS   a file for a line about each window that the engine has begun with: a hash of its samples
WALL      a file with the seconds by which the wall clock of every process is wrong, written in place
POOL      `gpu` or `cpu`: the worker takes the chunks of that engine only, and says that it is one
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

if "WALL" in os.environ:
    real, real_ns, wall = time.time, time.time_ns, os.open(os.environ["WALL"], os.O_RDONLY)

    def wrong():
        return int(os.pread(wall, 32, 0))

    time.time = lambda: real() + wrong()
    time.time_ns = lambda: real_ns() + wrong() * 1_000_000_000

    if "PUBSUB_EMULATOR_HOST" in os.environ:
        # It gives its deadlines to a library in C, whose clock is right: each call would end at once, or never.
        import grpc._channel
        import grpc._common

        grpc._channel.time = grpc._common.time = SimpleNamespace(time=real, perf_counter=time.perf_counter)

from gpu_job.speech import transcriber

if sys.orig_argv[1:3] == ["-m", "gpu_job"]:
    from gpu_job import loading
    from gpu_job.pipeline import consumer
    from gpu_job.speech.onnx import onnx_engine
    from shared.routing import flags

    POOL, TROUBLE = os.environ.get("POOL", ""), Path(os.environ["TROUBLE"])
    # To see what a process does that should have ended.
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    CALLS = Path(os.environ.get("TROUBLE_CALLS", os.devnull))

    class Troubled:
        """The engine of the processor, with what is in the file."""

        def __init__(self, model):
            self._engine = onnx_engine.load(model)
            self.engine = f"parakeet-{POOL or 'cpu'}"

        def __getattr__(self, name):
            return getattr(self._engine, name)

        def transcribe(self, windows, phrases=(), languages=()):
            told = TROUBLE.read_text() if TROUBLE.exists() else ""
            with CALLS.open("a") as calls:
                calls.writelines(f"{hashlib.sha256(one.tobytes()).hexdigest()}\n" for one in windows)
            if told == "raise":
                raise RuntimeError("device-side assert triggered")
            if told == "oom":
                raise transcriber.OutOfMemory("CUDA out of memory")
            if told == "lost":
                raise transcriber.EngineLost("unspecified launch failure")
            if told == "slow":
                time.sleep(0.3)
            if told == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            return self._engine.transcribe(windows, phrases, languages)

    loading.load = lambda _settings, model, **_: Troubled(model)
    flags.CACHED = 0.1  # a test does not wait for a quarter of a minute
    if POOL:
        consumer.subscriptions_of = lambda _settings: (f"{POOL}-worker",)
