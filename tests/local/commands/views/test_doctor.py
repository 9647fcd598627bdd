"""`dropscribe doctor`."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner

from gpu_job import loading
from local import cli
from local.commands.terminal import Terminal
from local.commands.views import doctor
from shared.audio import Sandbox
from shared.audio.sandbox import process


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("PARAKEET_MODEL_NAME", raising=False)
    return lambda *arguments: CliRunner().invoke(cli.app, [*arguments])


def test_doctor_says_what_can_run_here(call):
    result = call("doctor", "--json")
    found = {one["what"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert found["weights tiny"]["state"] == "ok"
    default = next(one for what, one in found.items() if "the default for your files" in what)
    assert (default["state"], bool(default["fix"])) in {("ok", False), ("download", True)}
    assert "the default for your files" in next(what for what in found if "0.6b-v3" in what)
    assert "weights tiny" in call("doctor").stdout


def test_doctor_looks_for_the_weights_for_english(call, monkeypatch):
    monkeypatch.setenv("PARAKEET_ENGLISH_MODEL", "nvidia/parakeet-tdt-0.6b-v2")
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    [english] = [one for what, one in found.items() if what.endswith("0.6b-v2, for recordings in English")]
    assert english["state"] in {"ok", "download"}
    assert "recordings in English" not in found, "they have weights of their own already"
    monkeypatch.setenv("PARAKEET_ENGLISH_MODEL", "/no/such/folder")
    result = call("doctor", "--json")
    [missing] = [one for one in json.loads(result.stdout) if one["what"] == "weights PARAKEET_ENGLISH_MODEL"]
    assert (missing["state"], missing["fix"]) == ("missing", "change or unset PARAKEET_ENGLISH_MODEL")
    assert result.exit_code == 1


def test_doctor_and_the_list_say_which_weights_are_faster_for_english(call, monkeypatch):
    monkeypatch.setattr(loading, "has_gpu", lambda: False)
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    told = found["recordings in English"]
    assert told["state"] == "optional"
    assert "parakeet-tdt_ctc-110m" in told["found"]
    assert "docs/models.md#smaller-for-english" in told["fix"]
    assert "parakeet-tdt_ctc-110m" in call("models", "list").stdout
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert "recordings in English" not in found


def test_doctor_says_whether_there_is_deepgram_and_never_shows_the_key(call, monkeypatch):
    assert "no API key" in call("doctor").stdout
    monkeypatch.setenv("DEEPGRAM_API_KEY", "s3cret")
    told = call("doctor", "--json").stdout
    [finding] = [one for one in json.loads(told) if one["what"] == "Deepgram"]
    assert (finding["state"], finding["found"]) == (
        "ok",
        "API key set (not tested), for https://api.deepgram.com",
    )
    assert "s3cret" not in told
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "dropscribe[deepgram]" in call("doctor", "--json").stdout


def test_it_fits_80_columns_and_what_to_do_can_be_copied(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(doctor, "output", lambda **given: Terminal(width=80, **given))
    monkeypatch.setattr(doctor, "_look", lambda: iter([
        doctor.Finding(what="this computer", state="ok", found="Python 3.11 on Linux, 2 cores"),
        doctor.Finding(
            what="weights nvidia/parakeet-tdt-0.6b-v3, the default for your files", state="download",
            found="not on this disk. " * 5, fix="dropscribe models pull nvidia/parakeet-tdt-0.6b-v3  # 2.5 GB",
        ),
        doctor.Finding(what="DROPSCRIBE_X", state="missing", found="not a setting", fix="check the spelling"),
    ]))  # fmt: skip
    result = call("doctor")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(
        "weights nvidia/" in line or line[11:].startswith("nvidia/parakeet-tdt-0.6b-v3,") for line in lines
    )
    assert "    dropscribe models pull nvidia/parakeet-tdt-0.6b-v3  # 2.5 GB" in lines
    assert lines.index("To fix:") < lines.index("To download, once:")


@pytest.fixture(scope="module", autouse=True)
def _decoder():
    """The process is started once: that takes as long as all else together."""
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        sandbox.start()
        patch.setattr(doctor, "Sandbox", lambda: nullcontext(sandbox))
        yield


def decoder_found(call):
    return {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}[DECODER]


DECODER = "decoder (for untrusted files)"


def test_doctor_says_that_the_decoder_is_confined(call):
    found = decoder_found(call)
    assert (found["state"], found["fix"]) == ("ok", "")
    assert "no files, no network" in found["found"]


def test_doctor_says_where_the_decoder_cannot_be_confined(call, monkeypatch):
    class Unfit(Sandbox):
        def start(self):
            raise process.unfit("prctl(PR_SET_SECCOMP): Invalid argument")

    monkeypatch.setattr(doctor, "Sandbox", Unfit)
    found = decoder_found(call)
    assert found["state"] == "missing"
    assert "PR_SET_SECCOMP" in found["found"]
    assert "docs/security.md" in found["fix"]
    assert call("doctor").exit_code == 1


def test_doctor_says_what_is_weaker_elsewhere_than_on_linux(call, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    found = decoder_found(call)
    assert found["state"] == "optional"
    assert "not sandboxed" in found["found"]


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU; gives a way to say whether NeMo is installed."""
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "")
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    monkeypatch.setattr(loading, "_has_nemo", lambda: True)
    return lambda there: monkeypatch.setattr(loading, "_has_nemo", lambda: there)


def test_doctor_shows_the_weights_that_a_gpu_takes_where_there_is_one(call, gpu):
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert (found["GPU"]["state"], found["weights tiny for the GPU"]["state"]) == ("ok", "ok")
    default = found["weights nvidia/parakeet-tdt-0.6b-v3 for the GPU, the default for your files"]
    assert default["state"] == "ok" or "models pull nvidia/parakeet-tdt-0.6b-v3 --nemo" in default["fix"]


def test_doctor_says_how_to_use_a_gpu_that_nothing_is_installed_for(call, gpu):
    gpu(False)
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert found["GPU"]["state"] == "optional"
    assert "pip install 'dropscribe[nemo]'" in found["GPU"]["fix"]
    assert "weights tiny" in found


def test_doctor_finds_wrong_settings(call, monkeypatch):
    monkeypatch.setenv("GPU_BATCH_SIZE", "none")
    result = call("doctor")
    assert result.exit_code == 1
    assert "GPU_BATCH_SIZE" in result.stdout


def speakers_found(call):
    told = json.loads(call("doctor", "--json").stdout)
    return next(one for one in told if one["what"] == "weights for speakers (--diarize)")


def test_doctor_says_whether_the_weights_for_speakers_are_here(call, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    found = speakers_found(call)
    assert found["state"] == "optional"
    assert found["fix"] == "dropscribe models pull speakers  # 34 MB"
    folder = tmp_path / "mine"
    monkeypatch.setenv("DROPSCRIBE_SPEAKER_WEIGHTS", str(folder))
    found = speakers_found(call)
    assert (found["state"], found["fix"]) == ("missing", "change or unset DROPSCRIBE_SPEAKER_WEIGHTS")
    assert "segmentation*.onnx" in found["found"]
    folder.mkdir()
    for name in ("segmentation.onnx", "embedding.onnx"):
        (folder / name).write_bytes(name.encode())
    found = speakers_found(call)
    assert found["state"] == "ok"
    assert "revision" in found["found"]
