"""How progress looks."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from local.commands.audio.screen import Screen
from tests.local.commands.audio.test_report import line


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_bars_on_a_terminal_and_lines_elsewhere(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    recording = replace(line("r").recording, warnings=("the audio stops at 3.0 s",))
    with Screen(console, {"r": "talk [x].mp3", "s": "[/b]bad.mp3"}) as screen:
        screen.planned("r", 60.0)
        screen.heard("r", 30.0)
        screen.heard("s", 1.0)
        screen.ended(recording)
        screen.ended(replace(recording, id="s", state="FAILED", reason="It is [not] sound."))
    shown = console.file.getvalue()
    assert "[/b]bad.mp3: It is [not] sound." in shown
    assert "talk [x].mp3: the audio stops at 3.0 s" in shown
    assert ("done    talk [x].mp3: 1 min, 9 words" in shown) is not terminal
    assert ("\x1b[" in shown) is terminal


def test_without_bars_nothing_is_drawn_and_failures_are_still_told():
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    with Screen(console, {"r": "a.mp3", "s": "b.mp3"}, bars=False) as screen:
        screen.planned("r", 60.0)
        screen.heard("r", 30.0)
        screen.ended(replace(line("s").recording, state="FAILED", reason="It is not sound."))
    assert console.file.getvalue() == "failed  b.mp3: It is not sound.\n"


def test_elsewhere_a_line_of_progress_comes_every_half_minute():
    now = [0.0]
    console = Console(file=io.StringIO(), width=100)
    with Screen(console, {"r": "a.mp3", "s": "b.mp3"}, clock=lambda: now[0]) as screen:
        screen.planned("r", 6000.0)
        screen.planned("s", 6000.0)
        for _ in range(7):
            now[0] += 10.0
            screen.heard("r", 500.0)
    assert console.file.getvalue().splitlines() == [
        "        0 of 2 files, 25 min of 3 h 20 min, 50× real time, 3 min 30 s left",
        "        0 of 2 files, 50 min of 3 h 20 min, 50× real time, 3 min left",
    ]


def test_a_quiet_screen_tells_failures_alone():
    console = Console(file=io.StringIO(), width=100)
    one = line("r").recording
    with Screen(console, {"r": "a.mp3", "s": "b.mp3"}, quiet=True) as screen:
        screen.ended(replace(one, warnings=("odd",)))
        screen.ended(replace(one, id="s"), problem="b.srt is there already.")
    assert console.file.getvalue() == "failed  b.mp3: b.srt is there already.\n"
