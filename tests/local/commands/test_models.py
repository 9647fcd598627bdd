"""`dropscribe models`: list, pull, verify, export-onnx."""

import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gpu_job.weights import catalogue, lookup, speakers
from gpu_job.weights.catalogue import BUNDLED, File, Release, Weights
from local import cli
from local.commands import weight_files
from local.commands.terminal import Terminal
from shared import languages
from shared.errors import ModelUnavailable
from tests import whole_nemo

V3 = "nvidia/parakeet-tdt-0.6b-v3"
needs_nemo = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: `make test` installs it"
)


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return lambda *arguments: CliRunner().invoke(cli.app, ["models", *map(str, arguments)])


@pytest.fixture
def small(monkeypatch, call):
    """Weights of the hub that are a few bytes long, in the cache."""
    files = {"vocab.txt": b"words", "encoder-model.onnx": b"tensors"}
    release = Release(
        kind="onnx",
        repository="someone/small",
        commit="0" * 40,
        files=tuple(
            File(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in files.items()
        ),
    )
    nemo = Release(kind="nemo", repository="someone/small", commit="1" * 40, files=release.files[:1])
    known = Weights(name="small", about="", licence="MIT", owner="", onnx=release, nemo=nemo)
    monkeypatch.setattr(catalogue, "_KNOWN", (known,))
    monkeypatch.setitem(languages.WEIGHTS, "small", ("en",))
    release.folder.mkdir(parents=True)
    for name, content in files.items():
        (release.folder / name).write_bytes(content)
    return release


def test_the_list_shows_both_forms_of_all_weights_and_where_they_are(call):
    shown = call("list").stdout
    assert [line.count(V3) for line in shown.splitlines() if V3 in line] == [1, 1]
    for part in (
        "Large weights on this CPU: ",
        "CC-BY-4.0",
        "Apache-2.0",
        "2,550 MB",
        "8f23f0c03c87",
        str(BUNDLED),
    ):
        assert part in shown
    on_disk = {line.split()[0]: line.split()[-3] for line in shown.splitlines() if "bundled" in line}
    assert on_disk == {"tiny": "yes"}


def test_the_list_fits_80_columns(call, monkeypatch):
    monkeypatch.setattr(weight_files, "output", lambda **given: Terminal(width=80, **given))
    lines = call("list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[-1] for line in lines if line.startswith("tiny")] == ["yes", "yes"]
    assert len([line for line in lines if line.startswith(f"{V3} ")]) == 2


def test_the_list_as_json_has_every_field(call):
    entries = json.loads(call("list", "--json").stdout)
    assert len(entries) == 8
    assert entries[0] == {
        "name": V3,
        "form": "onnx",
        "about": catalogue.catalogue()[0].about,
        "owner": "NVIDIA",
        "licence": "CC-BY-4.0",
        "languages": list(catalogue.catalogue()[0].languages),
        "bytes": 2_549_805_955,
        "repository": "istupakov/parakeet-tdt-0.6b-v3-onnx",
        "revision": "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce",
        "on_disk": False,
        "path": entries[0]["path"],
    }
    tiny, *networks = entries[-3:]
    assert tiny["path"] == str(BUNDLED / "tiny-tdt.nemo")
    assert tiny["on_disk"]
    assert [(one["name"], one["languages"], one["licence"], one["bytes"]) for one in networks] == [
        ("speakers", [], "MIT", 5_992_913),
        ("speakers", [], "Apache-2.0", 28_281_164),
    ]


@pytest.mark.parametrize(("option", "kind"), [((), "onnx"), (("--nemo",), "nemo")])
def test_pull_downloads_and_prints_where_the_weights_are(call, monkeypatch, tmp_path, option, kind):
    asked = []

    def download(known, release, progress):
        asked.append((known.name, release.kind))
        progress("vocab.txt", 5, 10)
        progress("vocab.txt", 10, 10)
        return tmp_path / "here"

    monkeypatch.setattr("gpu_job.weights.download.download", download)
    done = call("pull", V3, *option)
    assert (done.exit_code, asked) == (0, [(V3, kind)])
    assert done.stdout == f"{tmp_path / 'here'}\n"
    assert "CC-BY-4.0" in done.stderr


def test_pull_of_what_is_here_only_says_where(call):
    done = call("pull", "tiny")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{BUNDLED}\n", "")


@pytest.fixture
def hub(monkeypatch):
    """A hub whose files are as long as they should be, and empty."""

    def download(_known, release, _progress):
        release.folder.mkdir(parents=True)
        for file in release.files:
            with (release.folder / file.name).open("wb") as made:
                made.truncate(file.size)

    monkeypatch.setattr("gpu_job.weights.download.download", download)
    digests = {file.size: file.sha256 for one in speakers.NETWORKS for file in one.release.files}
    monkeypatch.setattr(lookup.digests, "sha256", lambda path: digests[path.stat().st_size])


def test_pull_of_speakers_downloads_both_networks_and_prints_where_they_are(call, hub):
    done = call("pull", "speakers")
    assert done.exit_code == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert [path.stat().st_size for path in paths] == [5_992_913, 28_281_164]
    assert done.stderr.count("Downloading speakers (onnx)") == 2
    assert "6 MB, MIT" in done.stderr
    assert "28 MB, Apache-2.0" in done.stderr
    again = call("pull", "speakers")
    assert (again.exit_code, again.stdout, again.stderr) == (0, done.stdout, "")


def test_the_networks_for_speakers_have_one_form(call):
    done = call("pull", "speakers", "--nemo")
    assert done.exit_code == 2
    assert "Leave out --nemo" in done.stderr


def test_speakers_are_verified_like_other_weights(call, hub):
    assert "The weights speakers are not on this disk" in call("verify", "speakers").stderr
    call("pull", "speakers")
    done = call("verify", "speakers")
    assert done.exit_code == 1
    assert done.stdout.count("is damaged: its SHA-256 does not match") == 2
    assert "dropscribe models pull speakers" in done.stdout


def test_pull_of_unknown_weights_names_the_known_ones(call):
    done = call("pull", "large")
    assert done.exit_code == 66
    assert "no weights called 'large'. Choose from nvidia/parakeet" in done.stderr


def test_pull_without_a_connection_says_so(call, monkeypatch):
    def download(*_):
        raise ModelUnavailable("the hub was not reached")

    monkeypatch.setattr("gpu_job.weights.download.download", download)
    done = call("pull", V3)
    assert done.exit_code == 69
    assert "the hub was not reached" in done.stderr


def test_the_bundled_weights_are_what_the_catalogue_says(call):
    done = call("verify", "tiny")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["tiny (onnx): intact", "tiny (nemo): intact"]


def test_all_weights_that_are_here_are_verified(call, small):
    done = call("verify")
    assert (done.exit_code, done.stdout) == (0, "small (onnx): intact\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"tensorz", "is damaged"), (b"tens", "is 4 bytes long, and should be 7"), (None, "is missing")],
)
def test_a_damaged_file_is_named_with_the_remedy(call, small, content, problem):
    path = small.folder / "encoder-model.onnx"
    path.unlink() if content is None else path.write_bytes(content)
    done = call("verify", "small")
    assert done.exit_code == 1
    assert f"{path}: {problem}" in done.stdout
    assert f"rm '{path}' && dropscribe models pull small" in done.stdout
    assert "1 of 2 damaged or missing" in done.stdout


def test_damaged_bundled_weights_come_back_with_git(call, monkeypatch, tmp_path):
    folder = shutil.copytree(BUNDLED, tmp_path / "tiny", ignore=shutil.ignore_patterns("recipe"))
    (folder / "vocab.txt").write_bytes(b"x" * 2317)
    monkeypatch.setattr(catalogue, "BUNDLED", folder)
    done = call("verify", "tiny")
    assert done.exit_code == 1
    assert "git checkout -- models" in done.stdout


def test_weights_that_are_not_here_cannot_be_verified(call):
    done = call("verify", V3)
    assert done.exit_code == 69
    assert f"dropscribe models pull {V3}" in done.stderr


def test_nothing_here_to_verify_is_said(call, monkeypatch):
    monkeypatch.setattr(catalogue, "_KNOWN", catalogue.catalogue()[:1])
    done = call("verify")
    assert (done.exit_code, done.stdout) == (0, "No weights are on this disk.\n")


def test_an_export_needs_a_folder_that_is_to_be_made(call, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    done = call("export-onnx", BUNDLED / "tiny-tdt.nemo", tmp_path / "out")
    assert done.exit_code == 2
    assert "holds something" in done.stderr
    assert (tmp_path / "out" / "mine.txt").exists()


def test_an_export_needs_a_sample_that_can_be_heard(call, tmp_path):
    done = call("export-onnx", "tiny", tmp_path / "out", "--sample", tmp_path / "none.wav")
    assert done.exit_code == 2
    assert "no recording" in done.stderr
    (tmp_path / "none.wav").write_bytes(b"no sound")
    done = call("export-onnx", "tiny", tmp_path / "out", "--sample", tmp_path / "none.wav")
    assert done.exit_code == 2
    assert "cannot be used" in done.stderr


def test_without_nemo_an_export_says_what_to_install(call, tmp_path, monkeypatch):
    for name in ("nemo", "nemo.collections.asr.models"):
        monkeypatch.setitem(sys.modules, name, None)
    done = call("export-onnx", "tiny", tmp_path / "out")
    assert done.exit_code == 78
    assert "pip install 'dropscribe[nemo]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def exported(once):
    """Both exports by one process: their folder, and what a person reads."""
    found = once("whole-nemo", whole_nemo.run)
    read, exported, _ = found.done.stderr.partition(whole_nemo.EXPORTED)
    assert exported, found.done.stderr
    return found.exports, found.done.stdout, read


@pytest.mark.slow
@pytest.mark.nemo
@needs_nemo
def test_a_person_who_exports_reads_our_lines_only_and_the_log_is_as_it_was_before(exported):
    folder, printed, read = exported
    assert printed == f"{folder / 'fp32'}\n{folder / 'int8'}\n", read
    lines = read.splitlines()
    said = [line.split(" ")[0] for line in lines]
    assert [*said[:2], *said[3:6]] == ["exporting", "transcribing", "Use", "heard", "heard"]
    assert "gives the same text as the archive" in lines[2]
    assert [*said[6:9], *said[10:]] == ["exporting", "quantising", "transcribing", "Use"]


@pytest.mark.slow
@pytest.mark.nemo
@needs_nemo
@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_an_export_hears_what_the_archive_hears_and_can_be_named_as_the_model(exported, form):
    folder, _, read = exported
    out = folder / form
    assert f"PARAKEET_MODEL_NAME={out}" in read
    assert lookup.locate(str(out)).path == out
    assert json.loads((out / "config.json").read_text()) == {
        "model_type": "nemo-conformer-tdt",
        "features_size": 80,
        "subsampling_factor": 8,
    }
    assert (out / "vocab.txt").read_bytes() == (BUNDLED / "vocab.txt").read_bytes()
    size = (out / "encoder-model.onnx").stat().st_size
    assert size < 0.7 * (BUNDLED / "encoder-model.onnx").stat().st_size or form == "fp32"
    assert sorted(path.name for path in folder.iterdir()) == ["fp32", "int8"]


@pytest.mark.slow
@pytest.mark.nemo
@needs_nemo
@pytest.mark.filterwarnings("ignore")  # NeMo and what it imports warn about their own affairs
def test_an_export_that_hears_something_else_is_not_kept(call, tmp_path, monkeypatch):
    from gpu_job import onnx_export  # noqa: PLC0415 - as the command does
    from gpu_job.speech.nemo import nemo_export  # noqa: PLC0415 - as the command does

    def export(_archive, folder):
        for name in catalogue.FILES:
            shutil.copy(BUNDLED / name, folder)

    monkeypatch.setattr(nemo_export, "export", export)
    monkeypatch.setattr(onnx_export, "_onnx", lambda _folder: Deaf())
    done = call("export-onnx", "tiny", tmp_path / "out")
    assert done.exit_code == 69
    assert "was not kept: 100 % of the sample's words differ" in done.stderr
    assert list(tmp_path.iterdir()) == []


class Deaf:
    def transcribe(self, windows, phrases=(), languages=()):
        return [() for _ in windows]


def test_the_sample_is_speech(call):
    from local.commands import weight_files  # noqa: PLC0415 - where the other tests need them not
    from local.evaluation import clips  # noqa: PLC0415 - where the other tests need them not

    assert np.abs(clips.decode(weight_files.SAMPLE)).max() > 1000
