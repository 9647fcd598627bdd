"""How many people there are."""

from __future__ import annotations

import numpy as np
import pytest

from shared.flow.diarization.people import BLOCK, people
from tests.flow.diarization.crowd import SIZE, between, crowd, unit


def found(heard, *, least=1, most=None):
    """People among (direction, seconds alone) of voices, with noise."""
    random = np.random.default_rng(9)
    vectors = np.stack([unit(one + 0.04 * random.normal(size=SIZE)) for one, _ in heard])
    seconds = np.array([seconds for _, seconds in heard])
    return people(vectors.astype(np.float32), seconds.astype(np.float32), least=least, most=most)


def who(centres, directions):
    """Which of some directions each centre is nearest to."""
    return sorted((centres @ np.stack(directions).T).argmax(axis=1).tolist())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 24])
def test_as_many_people_are_found_as_there_are(count):
    all_of = crowd(count, seed=count)
    centres = found([(one, 3.0) for one in all_of * 6])
    assert who(centres, all_of) == list(range(count))
    assert np.linalg.norm(centres, axis=1) == pytest.approx(1.0)


def test_a_person_has_at_least_a_second_and_a_half_alone():
    ann, bob, odd = crowd(3)
    several = [(ann, 2.0), (bob, 2.0)] * 4
    assert len(found([*several, (odd, 1.2)])) == 2
    assert len(found([*several, (odd, 1.6)])) == 3


def test_in_a_long_recording_a_person_has_more_than_that():
    ann, bob, odd = crowd(3)
    # 1,600 s alone: 6 s are needed.
    several = [(ann, 4.0), (bob, 4.0)] * 200
    assert len(found([*several, (odd, 3.0)])) == 2
    assert len(found([*several, *[(odd, 3.5)] * 2])) == 3


def test_at_most_so_many_people_are_the_nearest_joined():
    ann, bob, zoe = crowd(3)
    sister = between(ann, zoe, 0.35)
    several = [(ann, 3.0), (bob, 3.0), (sister, 3.0)] * 5
    assert len(found(several)) == 3
    centres = found(several, most=2)
    assert who(centres, [unit(ann + sister), bob]) == [0, 1]
    assert len(found(several, most=1)) == 1
    assert len(found(several, most=50)) == 3


def test_at_least_so_many_people_are_those_with_little_alone():
    ann, bob, shy = crowd(3)
    several = [*[(ann, 4.0), (bob, 4.0)] * 200, (shy, 2.0)]
    assert len(found(several)) == 2
    assert who(found(several, least=3), [ann, bob, shy]) == [0, 1, 2]


def test_or_else_two_people_who_are_alike():
    ann, bob, zoe = crowd(3)
    sister = between(ann, zoe, 0.6)
    several = [(ann, 3.0), (bob, 3.0), (sister, 3.0)] * 5
    assert len(found(several)) == 2
    assert who(found(several, least=3), [ann, bob, sister]) == [0, 1, 2]
    assert who(found(several, least=3, most=3), [ann, bob, sister]) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 4, 6, 9])
def test_exactly_so_many_are_found_if_there_are_enough_voices(count):
    all_of = crowd(5)
    assert len(found([(one, 2.0) for one in all_of * 4], least=count, most=count)) == count


def test_there_are_no_more_people_than_voices():
    ann, bob = crowd(2)
    assert len(found([(ann, 3.0), (bob, 3.0)], least=5, most=5)) == 2


def test_somebody_speaks_even_if_nobody_has_enough_alone():
    assert who(found([(one, 0.5) for one in crowd(3)]), crowd(3)) == [0]


def test_more_voices_than_are_compared_at_once_give_the_same_people():
    all_of = crowd(6)
    heard = [(all_of[at % 6], 2.0 + at % 3) for at in range(3 * BLOCK + 100)]
    assert who(found(heard), all_of) == list(range(6))


def test_voices_of_which_none_are_alike_come_to_an_end():
    random = np.random.default_rng(1)
    odd = [(unit(random.normal(size=SIZE)), 1.0) for _ in range(BLOCK + 200)]
    assert len(found(odd)) == 1
