from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.accuracy import speakers
from bench.accuracy.diarization import SpeakerErrors
from bench.accuracy.mixtures import Clip
from gpu_job.voices import onnx_diarizer
from tests import voices
from tests.voices import LOUD, QUIET, sound


def row(name="4 speakers", chunk=None, *, confused=1.0, found=4, seconds=400.0, listening=4.0):
    errors = SpeakerErrors(speech=100.0, confused=confused)
    return speakers.Row(
        name=name,
        chunk=chunk,
        speakers=4,
        found=found,
        strict=errors,
        lenient=errors,
        seconds=seconds,
        listening=listening,
        clustering=0.0,
    )


def unmet(*rows):
    return [told for _, (met, told) in speakers.judged(list(rows)).items() if not met]


def test_bars_are_met_or_told_with_what_breaks_them():
    assert unmet(row(), row(chunk=60.0, confused=2.4)) == []
    assert unmet(row(confused=3.1)) == ["3.10%"]
    assert unmet(row(found=5)) == ["4 speakers"]
    assert unmet(row(), row(chunk=60.0, confused=2.6)) == ["1.60 (4 speakers, chunks of 60 s)"]
    assert unmet(row(listening=9.0)) == ["81.0"]
    assert speakers.judged([]) == {}


def test_in_short_recordings_chunks_may_differ_and_may_find_other_people():
    short = row(seconds=120.0, listening=1.0)
    assert unmet(short, replace(short, chunk=20.0, found=5, strict=row(confused=9.0).strict)) == []


@pytest.mark.parametrize("length", [None, 20.0])
def test_a_recording_is_heard_in_chunks_as_workers_and_merger_do(tmp_path, length):
    diarizer = onnx_diarizer.load(str(voices.networks(tmp_path)))
    stretches = [(QUIET, 4), (LOUD, 5)] * 8
    edges = np.cumsum([0, *(seconds for _, seconds in stretches)])
    turns = tuple(
        (float(start), float(end), str(level))
        for start, end, (level, _) in zip(edges[:-1], edges[1:], stretches, strict=True)
    )
    clip = Clip(name="two", samples=sound(*stretches), turns=turns)
    found = speakers.measure(diarizer, clip, length)
    assert found.strict.missed < 0.05 * clip.seconds
    assert found.strict.made_up < 0.05 * clip.seconds
    assert found.seconds == 72.0
    assert found.speakers == 2
    assert speakers.described(found)["chunk"] == length


def test_without_anything_to_listen_to_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["speakers"])
    assert speakers.main() == 0
    assert "Left out" in capsys.readouterr().err
