"""Which engine a machine gets, and in which form it takes weights."""

from __future__ import annotations

import pytest

from gpu_job import engine
from shared.settings import Settings


@pytest.fixture
def machine(monkeypatch):
    """A machine with or without a GPU and NeMo."""

    def be(*, gpu, nemo):
        monkeypatch.setattr(engine, "has_gpu", lambda: gpu)
        monkeypatch.setattr(engine, "_has_nemo", lambda: nemo)

    return be


@pytest.mark.parametrize(("gpu", "nemo"), [(False, False), (True, False), (False, True)])
def test_without_a_gpu_or_without_nemo_there_is_the_processor(machine, gpu, nemo):
    machine(gpu=gpu, nemo=nemo)
    assert engine.here() == ("parakeet-cpu",)
    assert engine.form(Settings(), "tiny") == "onnx"


def test_with_both_weights_are_taken_as_an_archive_unless_they_are_an_export(machine, tmp_path):
    machine(gpu=True, nemo=True)
    assert engine.here() == ("parakeet-gpu", "parakeet-cpu")
    assert engine.form(Settings(), "tiny") == "nemo"
    assert engine.form(Settings(), str(tmp_path)) == "onnx"
    (tmp_path / "mine.nemo").touch()
    assert engine.form(Settings(), str(tmp_path)) == "nemo"
    (tmp_path / "encoder-model.onnx").touch()
    assert engine.form(Settings(), str(tmp_path)) == "onnx"
    assert engine.form(Settings(enable_gpu=False), "tiny") == "onnx"


def test_an_archive_is_one_on_every_machine(machine):
    machine(gpu=False, nemo=False)
    assert engine.form(Settings(), "mine.nemo") == "nemo"


def test_a_deployment_of_gpus_only_never_takes_an_export_for_the_processor(machine):
    machine(gpu=False, nemo=False)
    settings = Settings(engines="parakeet-gpu,deepgram", deepgram_api_key="x")
    assert engine.must_have_gpu(settings)
    assert engine.form(settings, "tiny") == "nemo"
    assert not engine.must_have_gpu(Settings(engines="parakeet-gpu,parakeet-cpu"))
