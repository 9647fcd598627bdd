"""What all commands say of themselves at 80 columns."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from local import cli
from shared.engines import choices

INNER = [
    (name, inner) for name in cli.COMMANDS for inner in [None, *getattr(cli.loaded(name), "commands", {})]
]


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)

    def shown(*words):
        result = CliRunner().invoke(cli.app, [*words, "-h"], prog_name="dropscribe")
        assert result.exit_code == 0, result.output
        return result.stdout

    return shown


@pytest.mark.parametrize(("name", "inner"), INNER)
def test_flags_say_nothing_of_types_and_no_line_is_longer_than_the_terminal(shown, name, inner):
    text = shown(*filter(None, (name, inner)))
    for word in ("<bool>", "<str>", "<Path>", "<path>", "list[", "<int", "%Y"):
        assert word not in text
    assert max(map(len, text.splitlines())) <= 80


def test_choices_break_between_words(shown):
    text = shown("transcribe")
    assert "|".join(choices()) not in text, "it fits into one line"
    assert set(choices()) <= set(re.split(r"[|│\s]+", text))


def test_the_help_of_a_command_looks_like_this(shown):
    assert [line.rstrip() for line in shown("doctor").strip().splitlines()] == [
        "Usage: dropscribe doctor [OPTIONS]",
        "",
        " Check what is installed and which engines can run here, and show the commands",
        " that fix what is missing.",
        "",
        "╭─ Options ────────────────────────────────────────────────────────────────────╮",
        "│ --json                     Print JSON on standard output.                    │",
        "│ --state-dir          PATH  Folder for queue and records. [env:               │",
        "│                            DROPSCRIBE_STATE_DIR]                             │",
        "│ --help       -h            Show this message and exit.                       │",
        "╰──────────────────────────────────────────────────────────────────────────────╯",
    ]
