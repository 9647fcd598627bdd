"""The one style of tables."""

from __future__ import annotations

import io
import re

from rich.console import Console

from local.commands.table import pairs, short_time, table
from tests.test_architecture import ROOT

NOON = 1_700_000_000.0


def drawn(shown, width):
    out = io.StringIO()
    Console(file=out, width=width).print(shown)
    return out.getvalue().splitlines()


def test_figures_stand_to_the_right_and_texts_wrap_within_the_width():
    shown = table("file", "cost", "why", figures=("cost",))
    shown.add_row("a.wav", "$1", "because of a reason that is long")
    shown.add_row("b.wav", "$1,000", "")
    lines = drawn(shown, 36)
    assert lines == [
        "file      cost   why                ",
        "────────────────────────────────────",
        "a.wav       $1   because of a reason",
        "                 that is long       ",
        "b.wav   $1,000                      ",
    ]


def test_pairs_of_figures_stand_to_the_right():
    shown = pairs(figures=True)
    shown.add_row("cost", "$1")
    shown.add_row("saved", "$1,000")
    assert [line.rstrip() for line in drawn(shown, 30)] == ["cost       $1", "saved  $1,000"]


def test_what_is_whole_is_not_broken_however_narrow_it_is():
    shown = table("ID", "file", whole=("ID",))
    shown.add_row("abcdefghij", "a long name of a file")
    assert "abcdefghij" in drawn(shown, 20)[2]


def test_pairs_have_no_headings():
    shown = pairs()
    shown.add_row("state", "DONE")
    assert [line.rstrip() for line in drawn(shown, 30)] == ["state  DONE"]


def test_a_time_is_as_short_as_it_can_be():
    assert re.fullmatch(r"\d\d:\d\d", short_time(NOON, NOON))
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d", short_time(NOON - 86_400, NOON))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", short_time(NOON - 400 * 86_400, NOON))


def test_no_command_draws_tables_in_a_style_of_its_own():
    drawing = re.compile(r"\bTable\(|rich\.box")
    every = (ROOT / "local").rglob("*.py")
    own = {path.name for path in every if drawing.search(path.read_text("utf-8"))}
    assert own == {"table.py"}
