"""The encoder in bfloat16, against ONNX Runtime in 32 bits."""

from __future__ import annotations

import json
import shutil

import numpy as np
import openvino
import pytest

from gpu_job.speech import windowing
from gpu_job.speech.onnx import onnx_engine, openvino_encoder, openvino_graph
from gpu_job.speech.onnx.openvino_encoder import BUCKET, COMPILED, ENCODER, LONGEST, OpenVinoEncoder, compiled
from gpu_job.weights.catalogue import BUNDLED
from gpu_job.weights.lookup import locate
from tests.hub_cache import as_hub_cache
from tests.speech import talk, text_of, word_errors

WORSE = 0.0005
"""What the word error rate may be worse by."""


@pytest.fixture(scope="module")
def export(once):
    def made(folder):
        shutil.copytree(
            BUNDLED, folder / "x", ignore=shutil.ignore_patterns("*.nemo", "recipe"), dirs_exist_ok=True
        )
        located = locate(str(folder / "x"))
        compiled(located)
        return located

    return once("openvino", made)


def engine(export, monkeypatch, *, wanted, threads=2):
    monkeypatch.setattr(onnx_engine, "SMALL", 0)
    monkeypatch.setattr(openvino_encoder, "suits", lambda located: wanted)
    return onnx_engine.load(str(export.path), threads=threads)


def features(frames, windows=1):
    random = np.random.default_rng(frames)
    return random.standard_normal((windows, 80, frames)).astype(np.float32)


@pytest.mark.parametrize("frames", [40, 317, LONGEST * BUCKET - 1])
def test_in_32_bits_it_gives_the_frames_of_onnx_runtime_whatever_the_length(export, frames):
    theirs = onnx_engine.OnnxEncoder(onnx_engine.open_session(export.path / "encoder-model.onnx", 1))
    ours = OpenVinoEncoder(export.path / ENCODER, compiled(export), 1, precision="f32")
    given = (features(frames, 2), np.array([frames, frames - 7]))
    for one, other in zip(ours(*given), theirs(*given), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 0.02


def test_a_window_longer_than_its_positions_is_encoded_by_onnx_runtime(export):
    exported = export.path / ENCODER
    theirs = onnx_engine.OnnxEncoder(onnx_engine.open_session(exported, 1))
    ours = OpenVinoEncoder(exported, compiled(export), 1, precision="f32")
    length = LONGEST * BUCKET + 1
    given = (features(length), np.array([length]))
    (one,), (other,) = ours(*given), theirs(*given)
    assert len(one) == LONGEST + 1
    assert np.abs(one - other).max() < 1e-4


def test_an_export_with_frames_of_another_length_stays_as_it_is(export, monkeypatch, tmp_path):
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: True)
    located = locate(str(shutil.copytree(export.path, tmp_path / "x")))
    assert openvino_encoder.suits(located)
    config = located.path / "config.json"
    said = json.loads(config.read_text(encoding="utf-8")) | {"subsampling_factor": 4}
    config.write_text(json.dumps(said), encoding="utf-8")
    assert not openvino_encoder.suits(located)


def test_one_core_has_bfloat16_too(export, monkeypatch):
    assert engine(export, monkeypatch, wanted=True, threads=1).device.dtype == "bfloat16"


def test_the_words_are_as_good_as_in_32_bits(export, monkeypatch):
    samples, truth = talk(240.0, seed=31)
    windows = windowing.waveforms(samples)
    rates = []
    for wanted in (True, False):
        loaded = engine(export, monkeypatch, wanted=wanted)
        heard = " ".join(word.text for words in loaded.transcribe(windows) for word in words)
        errors, count = word_errors(text_of(truth), heard)
        rates.append(errors / count)
    assert rates[0] <= rates[1] + WORSE


def test_it_says_its_precision(export, monkeypatch):
    assert engine(export, monkeypatch, wanted=True).device.dtype == "bfloat16"
    assert engine(export, monkeypatch, wanted=False).device.dtype == "as exported"


def test_it_is_compiled_once(export, monkeypatch):
    def never(*given):
        raise AssertionError("compiled again")

    monkeypatch.setattr(openvino_graph, "prepare", never)
    assert engine(export, monkeypatch, wanted=True).device.dtype == "bfloat16"


@pytest.mark.parametrize("other", ["version", pytest.param("processor", marks=pytest.mark.slow)])
def test_what_another_version_or_processor_compiled_is_left_alone(export, monkeypatch, tmp_path, other):
    located = locate(str(shutil.copytree(export.path, tmp_path / "x")))
    before = compiled(located)
    if other == "version":
        monkeypatch.setattr(openvino, "get_version", lambda: "2031.1")
    else:
        monkeypatch.setattr(openvino.Core, "get_property", lambda *_: "another processor")
    after = compiled(located)
    assert after != before
    assert before.exists()


def test_nothing_is_left_of_what_it_is_compiled_from(export):
    assert [one.name for one in compiled(export).parent.iterdir()] == [COMPILED]


def test_weights_that_the_hubs_client_keeps_as_links_run_in_bfloat16(monkeypatch, tmp_path):
    located = locate(str(as_hub_cache(BUNDLED, tmp_path / "hub")))
    assert engine(located, monkeypatch, wanted=True).device.dtype == "bfloat16"
    assert [one.name for one in compiled(located).parent.iterdir()] == [COMPILED]


def test_a_graph_that_is_damaged_is_made_again(export, monkeypatch, tmp_path):
    located = locate(str(shutil.copytree(export.path, tmp_path / "x")))
    graph = compiled(located)
    graph.write_text("half")
    assert engine(located, monkeypatch, wanted=True).device.dtype == "bfloat16"
    assert graph.stat().st_size > 1_000_000


@pytest.mark.parametrize(
    "why",
    [
        OSError(28, "No space left on device"),
        ImportError("no libopenvino.so"),
        AttributeError("module 'openvino' has no attribute 'Core'"),
    ],
)
def test_where_it_cannot_be_made_or_loaded_recognition_goes_on_in_32_bits(export, monkeypatch, caplog, why):
    def refuse(*given):
        raise why

    monkeypatch.setattr(openvino_encoder, "compiled", refuse)
    assert engine(export, monkeypatch, wanted=True).device.dtype == "as exported"
    assert "bfloat16 is not used" in caplog.text


@pytest.mark.parametrize(
    ("flags", "has"),
    [
        ("flags : fpu avx512f avx512_bf16 x", True),
        ("flags : amx_bf16", True),
        ("flags : avx512f avx2", False),
        ("", False),
    ],
)
def test_bfloat16_is_found_by_the_flags_of_the_processor(tmp_path, flags, has):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor : 0\n{flags}\n")
    assert openvino_encoder.has_bfloat16(path) is has
    assert not openvino_encoder.has_bfloat16(tmp_path / "nothing")


def test_small_weights_stay_as_they_are():
    assert onnx_engine.load("tiny", threads=2).device.dtype == "as exported"


def test_the_name_of_its_file_is_that_of_the_graph(export):
    assert compiled(export).name == COMPILED


@pytest.mark.parametrize(
    ("bfloat16", "installed", "said"),
    [(False, True, ":int8"), (True, True, "is used"), (True, False, r"dropscribe[openvino]")],
)
def test_what_is_recommended_depends_on_the_processor_and_on_what_is_installed(
    monkeypatch, bfloat16, installed, said
):
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: bfloat16)
    monkeypatch.setattr(openvino_encoder, "is_installed", lambda: installed)
    assert said in openvino_encoder.recommended()
