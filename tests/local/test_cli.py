"""The table of commands against the files of the commands."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_table_says_of_a_command_what_its_own_help_says(name):
    assert cli.loaded(name).help.partition("\n")[0] == cli.COMMANDS[name]


def test_help_names_every_command_and_loads_none_of_them():
    program = (
        "import sys; from typer.testing import CliRunner; from local import cli;"
        "print(CliRunner().invoke(cli.app, ['--help']).stdout);"
        "print('loaded:', sorted(one for one in sys.modules if one.startswith(('shared', 'gpu_job', 'local.commands'))))"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    shown, _, loaded = result.stdout.partition("loaded: ")
    assert [name for name in cli.COMMANDS if f" {name} " not in shown] == []
    assert loaded.strip() == "[]"


def test_a_misspelt_command_is_told_what_it_may_have_meant():
    result = CliRunner().invoke(cli.app, ["transcibe"])
    assert result.exit_code == 2
    assert "Did you mean 'transcribe'?" in result.output


def test_the_version_is_that_of_the_package():
    result = CliRunner().invoke(cli.app, ["--version"])
    assert result.stdout == f"dropscribe {importlib.metadata.version('dropscribe')}\n"


def test_help_ends_with_the_exit_codes():
    shown = " ".join(CliRunner().invoke(cli.app, ["-h"]).stdout.split())
    assert "66 a file, a recording or a key does not exist" in shown


def test_a_shell_completes_commands_and_their_options():
    def completed(words):
        environment = {
            "_DROPSCRIBE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        return CliRunner().invoke(cli.app, [], prog_name="dropscribe", env=environment).stdout.split()

    assert completed("dropscribe transc") == ["transcribe"]
    assert "--method" in completed("dropscribe transcribe --me")


def test_a_missing_library_of_an_extra_is_said_and_a_missing_module_of_ours_is_a_fault(monkeypatch, capsys):
    def missing(name):
        def app():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        monkeypatch.setattr(cli, "app", app)

    missing("google.cloud.run_v2")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 78
    assert "pip install 'dropscribe[google]'" in capsys.readouterr().err
    missing("shared.nothing")
    with pytest.raises(ModuleNotFoundError):
        cli.main()


@pytest.mark.parametrize(
    "command",
    [
        ["--version"],
        ["doctor", "--json"],
        ["status"],
        pytest.param(["demo", "--out", "{tmp}/out"], marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_behind_standard_output_is_told_in_a_sentence(command, tmp_path):
    environment = os.environ | {"DROPSCRIBE_STATE_DIR": str(tmp_path)}
    program = [sys.executable, "-m", "local.cli", *(one.format(tmp=tmp_path) for one in command)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            program, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 73
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dropscribe: the output cannot be written: No space left on device. Make room")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_reader_who_stops_reading_hears_no_complaint(tmp_path):
    environment = os.environ | {"DROPSCRIBE_STATE_DIR": str(tmp_path)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "local.cli", "status", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_closed_standard_streams_lead_nowhere_in_it_and_in_what_it_starts(tmp_path):
    look = "import os; print([os.fstat(one).st_rdev for one in range(3)], file=open({name!r}, 'w'))"
    inside, started = tmp_path / "inside", tmp_path / "started"
    program = (
        "import subprocess, sys; from local import cli\n"
        "def app():\n"
        " assert not sys.stdin.read() and not sys.stdout.isatty() and not sys.stderr.isatty()\n"
        f" {look.format(name=str(inside))}\n"
        f" subprocess.run([sys.executable, '-c', {look.format(name=str(started))!r}], check=True)\n"
        "cli.app = app; cli.main()"
    )
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", program]
    assert subprocess.run(closed, check=False).returncode == 0
    assert inside.read_text() == started.read_text() == f"{[Path(os.devnull).stat().st_rdev] * 3}\n"
