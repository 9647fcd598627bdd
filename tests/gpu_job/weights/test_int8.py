"""Weights in 8 bits: made once, under a name of their own."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from gpu_job.speech.onnx import onnx_engine, openvino_encoder
from gpu_job.weights import int8
from gpu_job.weights.catalogue import BUNDLED, FILES, by_name
from gpu_job.weights.int8 import located_int8, quantise
from gpu_job.weights.lookup import locate
from shared.errors import ConfigurationError, ModelUnavailable
from shared.languages import INT8
from tests.hub_cache import as_hub_cache
from tests.speech import sentences, word_errors


@pytest.fixture
def export(tmp_path, monkeypatch):
    """An export in a folder of its own."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    ignored = shutil.ignore_patterns("*.nemo", "recipe", "README.md")
    return locate(str(shutil.copytree(BUNDLED, tmp_path / "export", ignore=ignored)))


def test_quantised_weights_are_smaller_load_as_they_are_and_understand_as_much(tmp_path):
    folder = quantise(BUNDLED, tmp_path / "int8")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "encoder-model.onnx").stat().st_size < 0.7 * (
        BUNDLED / "encoder-model.onnx"
    ).stat().st_size
    chosen = sentences()[:60]
    engine = onnx_engine.load(str(folder))
    heard = engine.transcribe([one.samples.astype(np.float32) / 32768 for one in chosen])
    pairs = [
        (one.text, " ".join(word.text for word in words)) for one, words in zip(chosen, heard, strict=True)
    ]
    errors, words = (sum(column) for column in zip(*(word_errors(*pair) for pair in pairs), strict=True))
    assert errors / words < 0.02


def test_weights_that_the_hubs_client_keeps_as_links_are_quantised_and_left_as_they_are(tmp_path):
    snapshot = as_hub_cache(BUNDLED, tmp_path / "hub")
    before = sorted(snapshot.iterdir())
    folder = quantise(snapshot, tmp_path / "int8")
    assert sorted(snapshot.iterdir()) == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    chosen = sentences()[:3]
    engine = onnx_engine.load(str(folder))
    heard = engine.transcribe([one.samples.astype(np.float32) / 32768 for one in chosen])
    assert [" ".join(word.text for word in words) for words in heard] == [one.text for one in chosen]


def test_without_onnx_quantising_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr("gpu_job.weights.int8.importlib.import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'dropscribe\[models\]'"):
        quantise(BUNDLED, tmp_path / "int8")


def test_they_are_made_once_beside_the_export_with_a_revision_of_their_own(export, monkeypatch):
    found = located_int8(export)
    assert found.path.parent == export.path
    assert found.revision == f"{export.revision}-int8"
    monkeypatch.setattr(int8, "quantise", lambda *given: pytest.fail("made again"))
    assert located_int8(export) == found
    assert locate(str(export.path)).revision == export.revision


def test_other_weights_in_the_same_folder_get_a_form_of_their_own(export):
    found = located_int8(export)
    assert located_int8(replace(export, revision="sha256:other")).path != found.path


def test_without_room_it_says_what_to_do(export, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(int8, "quantise", full)
    with pytest.raises(ModelUnavailable, match="name the weights without :int8"):
        located_int8(export)
    assert not [one for one in export.path.iterdir() if "int8" in one.name]


def test_a_name_of_the_catalogue_with_int8_at_its_end_is_that_form(monkeypatch, tmp_path):
    monkeypatch.setattr("gpu_job.weights.derived.os.access", lambda *given: False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    assert by_name(f"tiny{INT8}") == by_name("tiny")
    found = locate(f"tiny{INT8}")
    assert found.path.is_relative_to(tmp_path)
    assert found.revision.endswith("-int8")
    with pytest.raises(ModelUnavailable, match="is for processors"):
        locate(f"tiny{INT8}", "nemo")


def test_they_are_never_converted_to_bfloat16(export, monkeypatch):
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: True)
    monkeypatch.setattr(openvino_encoder, "is_installed", lambda: True)
    assert openvino_encoder.suits(export)
    assert not openvino_encoder.suits(located_int8(export))


def test_they_are_verified_when_they_are_loaded(monkeypatch, tmp_path):
    monkeypatch.setattr("gpu_job.weights.derived.os.access", lambda *given: False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    encoder = locate(f"tiny{INT8}").path / "encoder-model.onnx"
    made = encoder.read_bytes()
    encoder.write_bytes(made[:-1] + bytes([made[-1] ^ 1]))
    assert (onnx_engine.load(f"tiny{INT8}"), encoder.read_bytes() == made)[1]


def test_they_are_not_made_of_weights_that_are_not_the_pinned_ones(monkeypatch, tmp_path):
    folder = shutil.copytree(BUNDLED, tmp_path / "tiny")
    monkeypatch.setattr("gpu_job.weights.catalogue.BUNDLED", folder)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    encoder = folder / "encoder-model.onnx"
    data = encoder.read_bytes()
    encoder.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelUnavailable, match="is not the file that was pinned"):
        locate(f"tiny{INT8}")
    assert not [one for one in folder.iterdir() if one.name.startswith("int8")]
