"""The options of a recording that several commands take."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Annotated

import typer
from typer.testing import CliRunner

from local.commands import options
from shared.model import Options

CALLED = []


@options.of_a_recording(without=("model", "channels"))
def command(
    *,
    uri: Annotated[str, typer.Argument(help="What to look at.")],
    asked: options.Asked,
    as_json: options.AsJson = False,
) -> None:
    """Look at something."""
    CALLED.append((uri, asked, as_json))


def test_every_option_of_a_recording_can_be_given_on_the_command_line():
    assert set(options.OF_A_RECORDING) == {one.name for one in fields(Options)}


def test_a_command_gets_the_options_that_it_takes_and_those_that_are_not_given():
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, ["x.wav", "--diarize", "--track", "2", "-f", "docx", "--json"])
    assert result.exit_code == 0, result.output
    [(uri, asked, as_json)] = CALLED
    assert (uri, as_json) == ("x.wav", True)
    given = {name: value for name, value in asked.items() if value is not None and value is not False}
    assert given == {"diarize": True, "track": 2, "formats": "docx"}
    assert set(asked) == set(options.OF_A_RECORDING) - {"model", "channels"}
    assert (asked["filler_words"], asked["language"]) == (False, None)
    assert CliRunner().invoke(app, ["x.wav", "--model", "tiny"]).exit_code == 2


def test_they_stand_where_the_command_has_them():
    names = list(inspect.signature(command).parameters)
    assert names[:3] == ["uri", "method", "language"]
    assert names[-2:] == ["formats", "as_json"]
