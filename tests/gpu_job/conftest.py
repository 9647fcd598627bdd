"""Engines with the bundled weights, loaded once."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job import parakeet_onnx, segments
from tests.speech import talk


@pytest.fixture(scope="module")
def torch():
    import torch  # noqa: PLC0415 - not importable everywhere

    return torch


@pytest.fixture(scope="module")
def parakeet():
    from gpu_job import parakeet  # noqa: PLC0415 - not importable everywhere

    return parakeet


@pytest.fixture(scope="module")
def tiny(torch, parakeet):
    torch.set_num_threads(1)  # threads that wait for one another crawl on a busy machine
    return parakeet.load("tiny", device="cpu")


@pytest.fixture(scope="module")
def onnx():
    return parakeet_onnx.load("tiny", threads=2)


@pytest.fixture(scope="module")
def speech():
    """Two minutes in windows of 16 kHz float samples, and the true words."""
    samples, truth = talk(120.0, seed=11)
    return [samples[w.start : w.end] / np.float32(32768) for w in segments.cut(samples)], truth
