"""Which engine a machine gets, and in which form it takes weights."""

from __future__ import annotations

import pytest

from gpu_job import loading
from gpu_job.weights.catalogue import BUNDLED
from shared.errors import ConfigurationError, ModelUnavailable
from shared.settings import Settings


@pytest.fixture
def machine(monkeypatch):
    """A machine with or without a GPU and NeMo."""

    def be(*, gpu, nemo):
        monkeypatch.setattr(loading, "has_gpu", lambda: gpu)
        monkeypatch.setattr(loading, "_has_nemo", lambda: nemo)

    return be


@pytest.mark.parametrize(("gpu", "nemo"), [(False, False), (True, False), (False, True)])
def test_without_a_gpu_or_without_nemo_there_is_the_processor(machine, gpu, nemo):
    machine(gpu=gpu, nemo=nemo)
    assert loading.here() == ("parakeet-cpu",)
    assert loading.form(Settings(), "tiny") == "onnx"


def test_with_both_weights_are_taken_as_an_archive_unless_they_are_an_export(machine, tmp_path):
    machine(gpu=True, nemo=True)
    assert loading.here() == ("parakeet-gpu", "parakeet-cpu")
    assert loading.form(Settings(), "tiny") == "nemo"
    assert loading.form(Settings(), str(tmp_path)) == "onnx"
    (tmp_path / "mine.nemo").touch()
    assert loading.form(Settings(), str(tmp_path)) == "nemo"
    (tmp_path / "encoder-model.onnx").touch()
    assert loading.form(Settings(), str(tmp_path)) == "onnx"
    assert loading.form(Settings(enable_gpu=False), "tiny") == "onnx"


def test_an_archive_is_one_on_every_machine_by_its_path_or_its_folder(machine, tmp_path):
    machine(gpu=False, nemo=False)
    assert loading.form(Settings(), "mine.nemo") == "nemo"
    (tmp_path / "mine.nemo").touch()
    assert loading.form(Settings(), str(tmp_path)) == "nemo"


def test_an_archive_that_is_not_there_is_named_before_anything_is_to_be_installed(machine, tmp_path):
    machine(gpu=False, nemo=False)
    with pytest.raises(ModelUnavailable, match="no such file"):
        loading.load(Settings(), str(tmp_path / "mistyped.nemo"))
    with pytest.raises(ConfigurationError, match=r"pip install 'dropscribe\[nemo\]'"):
        loading.load(Settings(), str(BUNDLED / "tiny-tdt.nemo"))


def test_a_deployment_of_gpus_only_never_takes_an_export_for_the_processor(machine, tmp_path):
    machine(gpu=False, nemo=False)
    settings = Settings(engines="parakeet-gpu,deepgram", api_keys={"deepgram": "x"})
    assert loading.must_have_gpu(settings)
    assert loading.form(settings, "tiny") == "nemo"
    (tmp_path / "encoder-model.onnx").touch()
    assert loading.form(settings, str(tmp_path)) == "nemo"
    assert not loading.must_have_gpu(Settings(engines="parakeet-gpu,parakeet-cpu"))


def test_weights_that_the_image_does_not_hold_are_not_looked_for():
    """An image is offline: looking for them ends in the hub's words, which say nothing of the image."""
    settings = Settings(image_model="nvidia/parakeet-tdt-0.6b-v2")
    with pytest.raises(
        ModelUnavailable, match=r"image holds .*-v2, and the chunk asks for .*-v3.*PARAKEET_MODEL"
    ):
        loading.load(settings, "nvidia/parakeet-tdt-0.6b-v3")


def test_an_image_may_hold_weights_for_english_beside_others():
    both = Settings(image_model="a/b c/d", model="a/b", english_model="c/d")
    loading.check_image(both)
    with pytest.raises(
        ConfigurationError, match=r"the deployment uses c/d \(PARAKEET_ENGLISH_MODEL\).*MODEL='a/b c/d'"
    ):
        loading.check_image(Settings(image_model="a/b", model="a/b", english_model="c/d"))
    with pytest.raises(ConfigurationError, match=r"uses e/f \(PARAKEET_MODEL_NAME\)"):
        loading.check_image(Settings(image_model="a/b c/d", model="e/f"))


def test_how_many_cores_and_callers_there_are_can_be_set(machine):
    machine(gpu=False, nemo=False)
    engine = loading.load(Settings(cpu_threads=1, cpu_callers=3), "tiny", warm=False)
    assert engine._callers == 3
    assert loading.load(Settings(cpu_threads=1), "tiny", warm=False)._callers == 1
