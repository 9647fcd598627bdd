"""`python -m gpu_job --check`, with the bundled weights and with engines that are broken."""

from __future__ import annotations

from functools import partial

import pytest

from gpu_job import check, loading
from gpu_job.speech.onnx import onnx_engine
from gpu_job.speech.transcriber import EngineLost, OutOfMemory
from gpu_job.start_up import StartUp
from shared.errors import ModelUnavailable
from shared.settings import Settings
from tests.voices import FakeDiarizer


@pytest.fixture
def lines():
    return []


def test_the_bundled_weights_hear_the_bundled_recording(lines):
    start_up = StartUp()
    load = partial(loading.load, Settings(), warm=False, start_up=start_up)
    assert check.run(load, "tiny", start_up=start_up, say=lines.append) == 0
    told = dict(line.split(None, 1) for line in lines)
    assert told["text"] == check.truth()
    assert f"import {start_up.library:.2f}, load " in told["seconds"]
    assert start_up.weights > 0.0
    assert "warm-up " in told["seconds"]
    assert "25.6 s of sound" in told["seconds"]
    assert "no CUDA graphs" in told["graphs"]


def test_it_says_whether_speakers_are_told_apart_here(lines):
    load = partial(loading.load, Settings(), warm=False)
    assert check.run(load, "tiny", load_diarizer=FakeDiarizer, say=lines.append) == 0
    assert check.run(load, "tiny", say=lines.append) == 0
    one, none = (line for line in lines if line.startswith("speakers"))
    assert one.startswith("speakers  1 voices in ")
    assert one.endswith("networks fake+fake")
    assert "models pull speakers" in none


def test_networks_that_are_broken_fail(lines):
    def broken():
        raise ModelUnavailable("The network cannot be used.")

    load = partial(loading.load, Settings(), warm=False)
    assert check.run(load, "tiny", load_diarizer=broken, say=lines.append) == 1
    assert lines[-1] == "failed    The network cannot be used."


def deaf(_name, words=()):
    broken = onnx_engine.load("tiny")
    broken.transcribe = lambda windows: [words] * len(windows)
    return broken


def test_the_wrong_text_from_the_bundled_weights_fails_and_says_what_it_should_be(lines):
    assert check.run(deaf, "tiny", say=lines.append) == 1
    assert lines[-1] == f"failed    the demo weights should hear: {check.truth()}"


def test_no_text_from_other_weights_fails(lines):
    assert check.run(deaf, "nvidia/parakeet-tdt-0.6b-v3", say=lines.append) == 1
    assert "no word was heard" in lines[-1]


def test_weights_that_cannot_be_loaded_fail_with_their_reason(lines):
    def missing(_name):
        raise ModelUnavailable("The weights are not here. Get them.")

    assert check.run(missing, "tiny", say=lines.append) == 1
    assert lines == ["failed    The weights are not here. Get them."]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OutOfMemory("CUDA out of memory"),
            "no room to work beside it in the memory of the GPU (CUDA out of memory)",
        ),
        (EngineLost("CUDA error: unknown"), "does nothing more for this process (CUDA error: unknown)"),
    ],
)
def test_a_card_that_fails_at_the_first_sound_fails_with_the_reason(lines, error, said):
    def load(_name):
        broken = onnx_engine.load("tiny")

        def fails():
            raise error

        broken.warm_up = fails
        return broken

    assert check.run(load, "tiny", say=lines.append) == 1
    assert lines[-1].startswith("failed ")
    assert said in lines[-1]


def test_a_worker_of_a_gpu_deployment_does_not_fall_back_to_a_processor_at_a_gpus_price(monkeypatch, lines):
    monkeypatch.setattr(loading, "_has_nemo", lambda: False)
    settings = Settings(engines="parakeet-gpu")
    assert check.run(partial(loading.load, settings, warm=False), "tiny", say=lines.append) == 1
    assert "Dockerfile.gpu" in lines[-1]


def test_a_gpu_that_may_not_be_used_is_left_alone(monkeypatch):
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    monkeypatch.setattr(loading, "_has_nemo", lambda: True)
    loaded = loading.load(Settings(enable_gpu=False), "tiny", warm=False)
    assert isinstance(loaded, onnx_engine.Parakeet)
