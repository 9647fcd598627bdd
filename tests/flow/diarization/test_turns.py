"""From voices to turns of people, whoever heard them and in whatever order they come."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from shared.flow.diarization import Turn, cluster_voices
from shared.results import Voice
from tests.flow.diarization.crowd import SIZE, between, crowd, talk, voice

ANN, BOB, EVE = crowd(3)


def speakers(turns):
    return [one.speaker for one in turns]


def test_turns_of_a_conversation_have_their_speakers():
    assert speakers(cluster_voices(talk(crowd(3), [0, 1, 0, 2, 1, 2, 0]))) == [1, 2, 1, 3, 2, 3, 1]


def test_people_are_numbered_as_they_come():
    assert speakers(cluster_voices(talk([ANN, BOB], [1, 1, 0, 1, 0]))) == [1, 2, 1, 2]


def test_turns_of_one_person_that_touch_are_one():
    assert cluster_voices(talk([ANN, BOB], [0, 0, 0, 1])) == (Turn(0, 12000, 1), Turn(12000, 16000, 2))


def test_the_same_turns_come_of_any_order_of_the_voices():
    voices = [
        one
        for window in range(40)
        for one in (voice(ANN, window, 9 * window, 3), voice(crowd(9)[window % 7], window, 9 * window + 2, 5))
    ]
    expected = cluster_voices(voices)
    assert cluster_voices(voices) == expected
    for seed in range(5):
        assert cluster_voices(random.Random(seed).sample(voices, len(voices))) == expected


def test_people_who_come_back_after_a_long_time_are_known():
    early = talk([ANN, BOB], [0, 1] * 4)
    late = [voice(ANN, 2000, 9000.0, 4.0), voice(BOB, 2001, 9005.0, 4.0)]
    between_them = [voice(EVE, 100 + at, 100 + 5 * at, 4.0) for at in range(200)]
    found = cluster_voices([*early, *between_them, *late])
    assert speakers(found)[:2] == [1, 2]
    assert speakers(found)[-2:] == [1, 2]


def test_nobody_speaks_where_no_voice_was_heard():
    assert cluster_voices([]) == ()


def test_two_people_may_speak_at_once():
    voices = [*talk([ANN, BOB], [0, 1] * 3), voice(ANN, 6, 24.0, 4.0), voice(BOB, 6, 26.0, 4.0)]
    assert cluster_voices(voices)[-2:] == (Turn(24000, 28000, 1), Turn(26000, 30000, 2))


def test_two_voices_of_one_window_are_rather_two_people():
    # The second sounds a little more like Ann than like Bob.
    unsure = between(ANN, BOB, np.cos(0.76))
    voices = [*talk([ANN, BOB], [0, 1] * 3), voice(ANN, 6, 24.0), voice(unsure, 6, 26.0, noise=0.0)]
    assert speakers(cluster_voices(voices))[-2:] == [1, 2]
    alone = [*talk([ANN, BOB], [0, 1] * 3), voice(unsure, 6, 26.0, noise=0.0)]
    assert speakers(cluster_voices(alone))[-1] == 1


def test_two_voices_of_one_window_are_one_person_if_both_sound_like_nobody_else():
    voices = [*talk([ANN, BOB], [0, 1] * 3), voice(ANN, 6, 24.0), voice(ANN, 6, 26.5)]
    assert speakers(cluster_voices(voices))[-2:] == [1, 1]


@pytest.mark.parametrize(
    "embedding",
    [
        b"",
        np.full(SIZE, np.nan, "<f2").tobytes(),
        np.full(SIZE, np.inf, "<f2").tobytes(),
        np.full(SIZE, 60000, "<f2").tobytes()[:-2] + np.array([np.nan], "<f2").tobytes(),
        np.zeros(SIZE, "<f2").tobytes(),
        np.ones(7, "<f2").tobytes(),
        b"odd",
    ],
)
def test_a_voice_without_a_good_embedding_belongs_to_the_nearest_turn(embedding):
    short = Voice(window=5, turns=((19900, 20100),), clean=0.2, embedding=embedding)
    voices = [*talk([ANN, BOB], [0, 1, 0, 1]), voice(BOB, 5, 20.3, 4.0), short]
    assert Turn(19900, 20100, 2) in cluster_voices(voices)


def test_where_no_voice_has_an_embedding_all_are_one_speaker():
    voices = [Voice(window=at, turns=((at * 500, at * 500 + 200),), clean=0.0) for at in range(4)]
    assert {one.speaker for one in cluster_voices(voices)} == {1}


def test_voices_of_less_than_a_second_form_no_person_but_have_one():
    voices = [*talk([ANN, BOB], [0, 1] * 3), *(voice(BOB, 6 + at, 25.0 + at, 0.6) for at in range(3))]
    voices += [voice(EVE, 20, 40.0, 0.9)]
    assert speakers(cluster_voices(voices)[6:9]) == [2, 2, 2]
    assert max(speakers(cluster_voices(voices))) == 2


def test_bounds_are_kept():
    voices = talk(crowd(4), [0, 1, 2, 3] * 4)
    assert max(speakers(cluster_voices(voices))) == 4
    assert max(speakers(cluster_voices(voices, 1, 2))) == 2
    assert max(speakers(cluster_voices(voices, 6, 6))) == 6


def test_turns_without_length_and_voices_without_turns_do_no_harm():
    odd = [
        replace(voice(ANN, 0, 0.0), turns=()),
        replace(voice(ANN, 1, 3.0), turns=((3000, 3000), (3500, 4500))),
    ]
    assert speakers(cluster_voices(odd)) == [1, 1]
    assert cluster_voices(odd[:1]) == ()
