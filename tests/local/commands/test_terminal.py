"""Where tables go, in which style, and how times are written."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console
from rich.text import Text

from local.commands import terminal
from local.commands.terminal import pairs, short_time, table
from tests.test_architecture import ROOT

NOON = 1_700_000_000.0


def test_a_table_that_nobody_sees_on_a_terminal_has_a_width_of_its_own(capsys):
    assert terminal.output().width == terminal.WIDTH
    assert terminal.output(90).width == 90


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "2026-11-20 12:00"), ("UTC-2", "2026-11-20 14:00")])
def test_times_are_those_of_the_computers_clock(monkeypatch, zone, shown):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert terminal.local_time(1_795_176_059.0) == shown
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_was_made_harmless_nowhere_else_is_made_harmless_here(capsys):
    terminal.output().print("a\x1b[31mb", markup=False)
    terminal.beside().print(Text("c\x9bd\u202e"))
    terminal.print_text("e\x07\nf")
    terminal.print_json({"name": "g\x9b"})
    shown = capsys.readouterr()
    assert shown.out == 'a\\x1b[31mb\ne\\x07\nf\n{\n  "name": "g\\u009b"\n}\n'
    assert shown.err == "c\\x9bd\\u202e\n"


def test_colours_are_still_colours():
    console = terminal.Terminal(file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text("a\x1b", style="red"))
    assert console.file.getvalue() == "\x1b[31ma\\x1b\x1b[0m\n"


def test_nobody_writes_to_the_terminal_in_another_way():
    writers = [
        f"{path}:{number}"
        for path in sorted((ROOT / "local").rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"(?<![\w.])(print|Console)\(|sys\.std(out|err)\.write", line)
        and "class Terminal(Console)" not in line
    ]
    assert {one.partition(":")[0] for one in writers} <= {str(ROOT / "local/commands/terminal.py")}


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
    assert own == {"terminal.py"}
