"""The table at the end of a run."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from local.commands.audio import report
from shared.model import Decision, Options, Recording, StoredObject


def line(name, state="DONE"):
    source = StoredObject(bucket="files", name=name, generation=1, size=1)
    decision = Decision(method="parakeet", engine="parakeet-cpu", model="tiny", reason="because")
    recording = Recording(
        id=name, source=source, options=Options(), state=state, created=0.0, decision=decision, duration=60.0, words=9,
        reason="It is empty." if state == "FAILED" else "",
    )  # fmt: skip
    return report.Line(
        file=name, recording=recording, usd=0.01, reference_usd=0.0043, busy_seconds=0.5, folder=None
    )


def drawn(lines, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(report.table(lines, width))
    return console.file.getvalue()


def test_names_are_shown_as_they_are():
    assert "[bold]x[/bold].mp3" in drawn([line("[bold]x[/bold].mp3")], 120)


def test_a_failed_recording_shows_its_reason_below_the_table_or_in_its_line():
    failed = line("x.mp3", "FAILED")
    assert "FAILED" in drawn([failed], 140)
    assert report.notes([failed, line("y.mp3")])[1:] == ["FAILED x.mp3: It is empty."]
    assert report.plain(failed) == "x.mp3: FAILED: It is empty."


def test_the_reason_for_a_method_is_said_once():
    assert report.notes([line("a.mp3"), line("b.mp3")]) == ["parakeet: because (2 files)"]


def test_elsewhere_than_on_a_terminal_a_recording_is_one_line():
    assert report.plain(replace(line("a.mp3"), folder=Path("out"))) == (
        "a.mp3: 1 min, 9 words, 120× real time, $0.01 (Deepgram: $0.0043), parakeet: because; in out"
    )


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_the_terminal(width):
    shown = drawn([line("a" * 60 + ".mp3"), line("b.mp3"), line("c.mp3", "FAILED")], width)
    assert all(len(one) <= width for one in shown.splitlines())
    assert "2 of 3 files" in shown


def test_of_very_many_only_the_failed_ones_are_listed():
    shown = drawn([line(f"{n}.mp3") for n in range(100)] + [line("bad.mp3", "FAILED")], 120)
    assert "bad.mp3" in shown
    assert "57.mp3" not in shown
    assert "100 of 101 files" in shown


def test_what_could_not_be_written_is_said_in_table_line_and_json():
    one = replace(line("a.mp3"), problem="out/a.mp3 is a link.")
    assert "not written" in drawn([one], 140)
    assert "Not written: a.mp3: out/a.mp3 is a link." in report.notes([one])
    assert report.plain(one).endswith("parakeet: because; not written: out/a.mp3 is a link.")
    assert one.as_json()["reason"] == "out/a.mp3 is a link."


def test_json_has_the_speed_by_its_name_and_by_its_former_one_and_the_paths_of_all_outputs():
    one = replace(line("a.mp3"), folder=Path("out"), files=(Path("out/transcript.srt"),))
    found = json.loads(json.dumps(one.as_json()))
    assert found["rtfx"] == found["real_time_factor"] == 120.0
    assert found["outputs"] == ["out/transcript.srt"]
