"""Whether two channels are two speakers, and whose words are whose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from shared.flow.diarization import Channels
from shared.results import Word

RATE = 50
AWAY = 255


@dataclass
class Result:
    """The part of a result that counts here."""

    sides: bytes


def levels(*stretches):
    """Levels of (seconds, left, right), decibels below full scale, with a little noise."""
    random = np.random.default_rng(1)
    parts = [
        np.clip(2 * np.array([left, right]) + random.integers(-3, 4, (round(seconds * RATE), 2)), 0, AWAY)
        for seconds, left, right in stretches
    ]
    return np.concatenate(parts).astype(np.uint8).tobytes()


def channels(*stretches):
    return Channels([(Result(levels(*stretches)), 0.0)])


def word(start, end):
    return Word(text="w", start=start, end=end, confidence=1.0)


CALL = [(5.0, 20, 70), (1.0, 75, 75), (4.0, 70, 25), (0.5, 20, 25), (1.0, 75, 75)] * 4


def test_a_call_with_one_person_on_each_channel_has_two_speakers():
    assert channels(*CALL).are_speakers
    assert channels(*CALL).are_different


@pytest.mark.parametrize(
    "stretches",
    [
        # The same on both channels; louder on one; one channel silent; a room with two microphones; a lot of crosstalk.
        [(5.0, 20, 20), (1.0, 75, 75)] * 4,
        [(5.0, 20, 30), (1.0, 75, 75)] * 4,
        [(5.0, 20, 127.5), (1.0, 75, 127.5)] * 4,
        [(5.0, 20, 23), (4.0, 24, 20), (1.0, 75, 75)] * 4,
        [(5.0, 20, 25), (4.0, 25, 20), (1.0, 75, 75)] * 4,
    ],
)
def test_other_channels_are_no_speakers(stretches):
    assert not channels(*stretches).are_speakers


def test_channels_that_speak_at_once_most_of_the_time_are_no_speakers():
    assert not channels((1.0, 20, 70), (1.0, 70, 20), (4.0, 20, 20)).are_speakers


def test_who_says_little_is_a_speaker_from_a_twentieth_of_the_speech_on():
    assert channels((93.0, 20, 70), (7.0, 70, 20)).are_speakers
    assert not channels((97.0, 20, 70), (3.0, 70, 20)).are_speakers


def test_speech_with_crosstalk_of_twelve_decibels_has_two_speakers():
    assert channels((5.0, 20, 32), (4.0, 32, 20), (1.0, 75, 75)).are_speakers


def test_pauses_however_long_say_nothing():
    assert channels((5.0, 20, 70), (500.0, 60, 85), (4.0, 70, 20)).are_speakers


@pytest.mark.parametrize(
    ("stretches", "different"),
    [
        ([(5.0, 20, 20), (1.0, 75, 75)], False),
        ([(5.0, 20, 30), (4.0, 25, 35)], False),
        ([(5.0, 127.5, 127.5)], False),
        ([(5.0, 20, 127.5), (5.0, 40, 127.5)], True),
        ([(97.0, 20, 70), (7.0, 70, 20)], True),
    ],
)
def test_the_same_sound_on_both_channels_is_told_from_others(stretches, different):
    assert channels(*stretches).are_different == different


def test_words_are_those_of_the_louder_channel():
    assert channels(*CALL).of_words([word(1.0, 1.5), word(4.9, 5.0), word(6.5, 7.0), word(9.0, 9.9)]) == [
        0,
        0,
        1,
        1,
    ]


def test_a_channel_that_is_softer_throughout_counts_by_its_own_level():
    soft = [(5.0, 20, 90), (4.0, 68, 38)] * 4
    # Both speak: the left one at its usual level less 12 dB, the right one as usual.
    both = channels(*soft, (1.0, 32, 38))
    assert both.of_words([word(1, 2), word(6, 7), word(36.2, 36.8)]) == [0, 1, 1]


def test_where_both_channels_are_as_loud_the_speaker_before_goes_on():
    quiet = Channels([(Result(bytes([40, 40] * 100)), 0.0)])
    assert quiet.of_words([word(0.0, 0.5), word(1.0, 1.5)]) == [0, 0]
    right = Channels([(Result(bytes([60, 40] * 50 + [40, 40] * 50)), 0.0)])
    assert right.of_words([word(0.2, 0.7), word(1.2, 1.7)]) == [1, 1]


def test_chunks_lie_where_the_recording_has_them():
    two = Channels([(Result(levels((2.0, 70, 20))), 10.0), (Result(levels((2.0, 20, 70))), 0.0)])
    assert two.of_words([word(0.5, 1.0), word(10.5, 11.0)]) == [0, 1]
    assert two.are_speakers


def test_words_beyond_all_levels_and_without_length_have_a_channel():
    assert channels((1.0, 70, 20)).of_words([word(0.5, 0.5), word(99.0, 99.5)]) == [1, 1]
    assert Channels([(Result(b""), 0.0)]).of_words([word(0.0, 1.0)]) == [0]
    assert not Channels([]).are_speakers
    assert not Channels([]).are_different


def test_a_level_too_few_does_no_harm():
    assert Channels([(Result(bytes([20, 80, 20])), 0.0)]).of_words([word(0.0, 0.02)]) == [0]
