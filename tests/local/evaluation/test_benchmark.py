"""`dropscribe models benchmark`."""

import importlib.util
import json

import pytest
from typer.testing import CliRunner

from gpu_job.weights.catalogue import BUNDLED
from local import cli
from local.evaluation import benchmark
from shared.errors import ModelUnavailable
from tests.speech import sentences, write_wav

V3 = "nvidia/parakeet-tdt-0.6b-v3"
HAS_NEMO = importlib.util.find_spec("nemo") is not None


@pytest.fixture
def manifest(tmp_path):
    with (tmp_path / "manifest.json").open("w") as file:
        for number, one in enumerate(sentences()[:12]):
            write_wav(tmp_path / f"{number}.wav", one.samples)
            file.write(json.dumps({"audio_filepath": f"{number}.wav", "text": one.text}) + "\n")
    return tmp_path / "manifest.json"


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return lambda *arguments: CliRunner().invoke(cli.app, ["models", "benchmark", *map(str, arguments)])


@pytest.mark.slow
def test_every_form_that_can_run_here_is_measured_in_a_process_of_its_own(call, manifest):
    done = call("tiny", "--manifest", manifest, "--json")
    assert done.exit_code == 0, done.stderr
    results = {one["form"]: one for one in json.loads(done.stdout)}
    assert list(results) == ["onnx", "onnx int8", "nemo"]
    measured = [one for one in results.values() if "speed" in one]
    assert len(measured) == (3 if HAS_NEMO else 2)
    for one in measured:
        assert one["rate"] < 0.1
        assert one["interval"][0] <= one["rate"] <= one["interval"][1]
        assert one["errors"]["words"] > 50
        assert one["audio"] == pytest.approx(sum(len(s.samples) for s in sentences()[:12]) / 16_000, abs=0.1)
        assert one["speed"] == pytest.approx(one["audio"] / one["seconds"])
        assert 30e6 < one["memory"] < 8e9
        assert one["obstacle"] == ""
    if not HAS_NEMO:
        assert "pip install 'dropscribe[nemo]'" in results["nemo"]["obstacle"]


def test_weights_that_are_not_here_are_not_downloaded(call, manifest):
    done = call(V3, "--manifest", manifest)
    assert done.exit_code == 1
    assert f"{V3}, onnx: not on this disk: dropscribe models pull {V3}" in done.stdout
    assert f"dropscribe models pull {V3} --nemo" in done.stdout


def test_a_form_that_breaks_down_does_not_stop_the_others(call, manifest, monkeypatch):
    measure = benchmark._measure

    def breaks(variant, files):
        if variant.form == "onnx":
            raise ModelUnavailable("onnx failed: out of memory")
        return measure(variant, files)

    monkeypatch.setattr(benchmark, "_measure", breaks)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = call("tiny", "--manifest", manifest)
    assert done.exit_code == 0
    assert "tiny, onnx: onnx failed: out of memory" in done.stdout
    assert "onnx int8" in done.stdout


def test_a_child_that_dies_is_reported_with_its_last_line(manifest):
    variant = benchmark.Variant(name="mine", form="onnx", path=str(manifest.parent))
    with pytest.raises(ModelUnavailable, match=r"onnx failed: .*no ONNX export"):
        benchmark._measure(variant, [manifest.parent / "0.wav"])


@pytest.mark.slow
def test_a_folder_with_an_export_is_measured_by_its_path(call, manifest, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # the first test measures NeMo
    done = call(BUNDLED, "--manifest", manifest, "--json")
    results = json.loads(done.stdout)
    assert [(one["form"], "speed" in one) for one in results[:2]] == [("onnx", True), ("onnx int8", True)]


def test_a_manifest_that_cannot_be_read_is_named(call, tmp_path):
    done = call("tiny", "--manifest", tmp_path / "none.json")
    assert done.exit_code == 2
    assert "no file or folder" in done.stderr
