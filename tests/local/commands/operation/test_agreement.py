"""Whoever changes much is asked; whoever changes one thing, or said yes before, is not."""

from __future__ import annotations

import pytest

from local.commands.operation import agreement
from shared.errors import BadRequest


def test_one_thing_is_done_without_a_question_and_said(capsys):
    assert agreement.settled("One thing.", 1, yes=False)
    assert capsys.readouterr().err == "One thing.\n"


def test_much_needs_somebody_to_ask_or_a_yes(monkeypatch):
    monkeypatch.setattr(agreement, "at_terminal", lambda: False)
    with pytest.raises(BadRequest, match="--yes"):
        agreement.settled("Two things.", 2, yes=False)
    assert agreement.settled("Two things.", 2, yes=True)


def test_a_no_is_taken_as_no(monkeypatch):
    monkeypatch.setattr(agreement, "at_terminal", lambda: True)
    monkeypatch.setattr(agreement.typer, "confirm", lambda *_, **__: False)
    assert not agreement.settled("Two things.", 2, yes=False)
