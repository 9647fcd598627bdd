"""The benchmark of clustering knows who is right."""

from __future__ import annotations

from dataclasses import replace

from bench.accuracy.clustering import right, voices
from shared.flow.diarization import cluster_voices


def test_most_voices_of_an_hour_get_the_right_speaker():
    heard, whose = voices(1.0, 4, seed=3)
    turns = cluster_voices(heard)
    assert right(turns, heard, whose) > 0.99
    assert len({one.speaker for one in turns}) == 4


def test_voices_with_another_speaker_are_wrong():
    heard, whose = voices(0.1, 2, seed=3)
    turns = cluster_voices(heard)
    first = next(number for number, one in enumerate(turns) if one.speaker == 1)
    wrong = [replace(one, speaker=2) if number == first else one for number, one in enumerate(turns)]
    assert right(wrong, heard, whose) < right(turns, heard, whose)
