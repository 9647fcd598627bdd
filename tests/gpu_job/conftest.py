"""Engines with the bundled weights, loaded once."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job.speech import windowing
from gpu_job.speech.onnx import onnx_engine
from tests.speech import talk


@pytest.fixture(scope="session")
def torch():
    import torch  # noqa: PLC0415 - not importable everywhere

    return torch


@pytest.fixture(scope="session")
def nemo_engine():
    from gpu_job.speech.nemo import nemo_engine as module  # noqa: PLC0415 - not importable everywhere

    return module


@pytest.fixture(scope="session")
def tiny(torch, nemo_engine):
    return nemo_engine.load("tiny", device="cpu")


@pytest.fixture(scope="session")
def onnx():
    return onnx_engine.load("tiny", threads=2)


@pytest.fixture(scope="session")
def speech():
    """Two minutes in windows of 16 kHz float samples, and the true words."""
    samples, truth = talk(120.0, seed=11)
    return [samples[w.start : w.end] / np.float32(32768) for w in windowing.cut(samples)], truth


@pytest.fixture(scope="session")
def heard(tiny, speech):
    """What NeMo's engine hears in all windows at once."""
    return tiny.transcribe(speech[0])
