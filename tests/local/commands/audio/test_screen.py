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
