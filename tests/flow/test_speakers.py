"""Speakers of several pieces are not taken for each other."""

from __future__ import annotations

from shared.flow import speakers
from shared.results import ChunkResult, Word


def result(index, *said):
    return ChunkResult(
        recording="r",
        index=index,
        engine="deepgram",
        attempt="a",
        model="nova-3",
        revision="v1",
        words=tuple(
            Word(text=f"w{number}", start=float(number), end=number + 0.5, confidence=1.0, speaker=speaker)
            for number, speaker in enumerate(said)
        ),
        lead=0.0,
        owned=10.0,
        decoded=10.0,
    )


def numbers(results):
    return [[word.speaker for word in one.words] for one in results]


def test_speakers_of_one_piece_keep_their_numbers():
    given = [result(0, 1, 2, 1, None), result(1)]
    assert speakers.apart(given) == given


def test_results_without_speakers_stay_as_they_are():
    given = [result(0, None, None), result(1, None)]
    assert speakers.apart(given) == given


def test_speakers_of_a_second_piece_count_on_and_the_owner_is_told():
    found = speakers.apart([result(1, 1, None, 2), result(0, 1, 2, 1), result(2, 1)])
    assert numbers(found) == [[1, 2, 1], [3, None, 4], [5]]
    assert {one.warnings for one in found} == {(speakers.WARNING.format(count=3),)}
