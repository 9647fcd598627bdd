"""What the command line opens, and how it names it to the processes that it starts."""

import fcntl
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from gpu_job.weights.catalogue import BUNDLED
from local import cli
from local.backend.embedded_ports import open_ports
from local.commands.audio import up
from local.commands.context import absolute_weights, say_if_nothing_runs
from local.evaluation import benchmark
from shared.settings import Settings


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_weights_given_as_a_path_are_named_so_that_processes_elsewhere_find_them(here):
    (here / "export").mkdir()
    (here / "mine.nemo").touch()
    assert absolute_weights("export") == str(here / "export")
    assert absolute_weights("mine.nemo") == str(here / "mine.nemo")


def test_weights_known_by_name_are_that_whatever_lies_in_the_folder(here):
    (here / "tiny").mkdir()
    assert absolute_weights("tiny") == "tiny"
    assert absolute_weights("nowhere/mine.nemo") == "nowhere/mine.nemo"


@pytest.mark.parametrize("by", ["option", "variable"])
def test_up_gives_weights_and_folders_as_whole_paths_and_a_method_as_it_is(here, monkeypatch, by):
    for name in ("parakeet", "in", "export"):
        (here / name).mkdir()
    for name in ("DROPSCRIBE_INBOX", "DROPSCRIBE_TRANSCRIPTS", "TRANSCRIPTION_METHOD"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", "state")
    monkeypatch.setenv("PARAKEET_MODEL_NAME", "export" if by == "variable" else "tiny")
    monkeypatch.setenv("PARAKEET_ENGLISH_MODEL", "export")
    monkeypatch.setattr(up, "run", lambda *_, **__: 0)
    model = ["--model", "export"] if by == "option" else []
    done = CliRunner().invoke(cli.app, ["up", "--inbox", "in", "--method", "parakeet", *model])
    assert done.exit_code == 0, done.output
    assert os.environ["PARAKEET_MODEL_NAME"] == str(here / "export")
    assert os.environ["PARAKEET_ENGLISH_MODEL"] == str(here / "export")
    assert os.environ["DROPSCRIBE_INBOX"] == str(here / "in")
    assert os.environ["DROPSCRIBE_STATE_DIR"] == str(here / "state")
    assert os.environ["TRANSCRIPTION_METHOD"] == "parakeet"


def test_a_benchmark_gives_the_process_that_measures_a_whole_path(here):
    (here / "mine").symlink_to(BUNDLED)
    assert [Path(benchmark._on_disk("mine", kind)[0]).is_absolute() for kind in ("onnx", "nemo")] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    "words", [["status"], ["cost"], ["forget", "x"], ["cancel", "x"], ["audit"], ["dead-letters", "list"]]
)
def test_a_state_folder_that_does_not_exist_is_not_created_by_those_who_look(tmp_path, words):
    result = CliRunner().invoke(cli.app, [*words, "--state-dir", str(tmp_path / "statte")])
    assert result.exit_code == 66
    assert "There is no folder" in result.stderr
    assert not (tmp_path / "statte").exists()
    named = {"DROPSCRIBE_STATE_DIR": str(tmp_path / "statte")}
    result = CliRunner().invoke(cli.app, words, env=named)
    assert result.exit_code == 66
    assert "DROPSCRIBE_STATE_DIR names it" in result.stderr
    assert not (tmp_path / "statte").exists()
    there = CliRunner().invoke(cli.app, [*words, "--state-dir", str(tmp_path)], env=named)
    assert "There is no folder" not in there.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--caption-width", "9"), "dropscribe: --caption-width must be a whole number from 16 to 100"),
        (
            ("--min-speakers", "3", "--max-speakers", "2"),
            "--min-speakers must be a whole number from 1 to 50, and not more than --max-speakers",
        ),
        (("--language", "klingon"), "dropscribe: --language must be a language code"),
    ],
)
def test_a_wrong_option_is_named_as_it_was_typed(here, given, says):
    (here / "talk.wav").touch()
    done = CliRunner().invoke(cli.app, ["transcribe", "talk.wav", "--state-dir", str(here / "s"), *given])
    assert done.exit_code == 2
    assert says in done.stderr


@pytest.fixture
def ports_here(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "my state"))
    yield ports
    ports.close()


@pytest.mark.parametrize(
    "words",
    [
        ["submit", "gs://audio/\udcff.wav"],
        ["submit", "gs://audio/a.wav", "--request-id", "\udcff"],
        ["dead-letters", "show", "\udcff"],
        ["audit", "--after", "\udcff"],
    ],
)
def test_words_that_nothing_can_store_are_refused_in_a_sentence(tmp_path, words):
    result = CliRunner().invoke(cli.app, words, env={"DROPSCRIBE_STATE_DIR": str(tmp_path)})
    assert result.stderr.splitlines()[-1] == "dropscribe: The command line is not UTF-8. Correct it."
    assert result.exit_code == 2


def test_without_an_up_the_command_that_starts_it_is_said(ports_here, capsys):
    assert ports_here.nothing_runs()
    assert say_if_nothing_runs(ports_here)
    assert f"Start `dropscribe up --state-dir '{ports_here.settings.state_dir}'`." in capsys.readouterr().err
    assert say_if_nothing_runs(SimpleNamespace(nothing_runs=lambda: True, settings=Settings()))
    assert "Start `dropscribe up`." in capsys.readouterr().err


def test_while_an_up_holds_its_lock_nothing_is_said(ports_here, capsys):
    with (ports_here.settings.state_dir / "up.lock").open("a+") as lock:
        assert ports_here.nothing_runs()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not ports_here.nothing_runs()
        assert not say_if_nothing_runs(ports_here)
    assert capsys.readouterr().err == ""


def test_nothing_is_known_of_a_project(world, capsys):
    assert not say_if_nothing_runs(world.ports)
    assert capsys.readouterr().err == ""
