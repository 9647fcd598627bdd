from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from local import exit_codes
from local.commands.context import errors, exit_code
from shared.errors import (
    BadMedia,
    BadRequest,
    BucketRefused,
    CallHangs,
    CannotWrite,
    ConfigurationError,
    EngineFailed,
    EngineRefused,
    ModelUnavailable,
    NewerVersion,
    NoEngineLeft,
    NotFound,
    NoWorker,
    OverLimit,
    StoreUnavailable,
    TimedOut,
    UnderWay,
)

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operation.md"

KINDS = [
    (BadRequest("x"), 2),
    (BadMedia("empty", "x"), 65),
    (OverLimit("too-long", "x"), 65),
    (NotFound("x"), 66),
    (BadMedia("missing", "x"), 66),
    (ModelUnavailable("x"), 69),
    (NoWorker("x"), 69),
    (NoEngineLeft("x"), 69),
    (StoreUnavailable("x"), 69),
    (EngineFailed("timeout", "x"), 69),
    (CannotWrite("x"), 73),
    (TimedOut("x"), 75),
    (UnderWay("x"), 75),
    (CallHangs("x"), 75),
    (ConfigurationError("x"), 78),
    (BucketRefused("x"), 78),
    (EngineRefused("key", "x"), 78),
    (NewerVersion("x"), 78),
]


@pytest.mark.parametrize(("error", "code"), KINDS)
def test_every_kind_of_error_has_its_exit_code(error, code):
    assert exit_code(error) == code


def test_a_command_ends_with_the_code_of_its_error(capsys):
    with pytest.raises(typer.Exit) as ended, errors():
        raise NotFound("There is no file talk.mp3.")
    assert ended.value.exit_code == 66
    assert "There is no file talk.mp3." in capsys.readouterr().err


def test_the_guide_has_the_same_table():
    section = GUIDE.read_text("utf-8").partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    told = {int(code): said for code, said in re.findall(r"^\| (\d+) \| (.+) \|$", section, re.MULTILINE)}
    assert told == exit_codes.MEANINGS
