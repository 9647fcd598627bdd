from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.parakeet_share import SETTLED, Asked, Minute, Share, guard, in_share, share

START = 1_800_000_000.0 // 60 * 60
KEYS = [f"recording-{number}" for number in range(10_000)]


def minute(number, done=100, failed=0, fallbacks=0, hit=None):
    hit = max(failed, fallbacks) if hit is None else hit
    return Minute(minute=int(START // 60) + number, done=done, failed=failed, fallbacks=fallbacks, hit=hit)


def guarded(percent, story, state=None, since=0.0, first=0):
    """Run the guard once a minute over what happened in each; gives its state and the shares it set."""
    asked, seen, shares = Asked(percent=percent, since=since), [], []
    for number, events in enumerate(story, start=first):
        if events is not None:
            seen.append(minute(number, **events))
        state = guard(state, asked, seen, START + (number + SETTLED) * 60)
        shares.append(state.percent)
    return state, shares


WELL, BADLY = {}, {"done": 90, "failed": 10}


@pytest.mark.parametrize("percent", [1, 10, 50, 90, 99])
def test_a_share_holds_within_chance(percent):
    found = sum(in_share(key, percent) for key in KEYS)
    p = percent / 100
    # Five standard deviations of a binomial distribution.
    assert abs(found - len(KEYS) * p) < 5 * (len(KEYS) * p * (1 - p)) ** 0.5


def test_nobody_is_in_the_share_of_nothing_and_everybody_in_that_of_all():
    assert not any(in_share(key, 0) for key in KEYS)
    assert all(in_share(key, 100) for key in KEYS)


@given(st.text(min_size=1), st.floats(0, 100), st.floats(0, 100))
def test_a_recording_stays_in_the_share_when_it_grows(key, one, other):
    assert in_share(key, min(one, other)) <= in_share(key, max(one, other))
    assert in_share(key, one) == in_share(key, one)


def test_what_goes_well_stays_and_counts_as_good():
    state, shares = guarded(50.0, [WELL] * 30)
    assert set(shares) == {50.0}
    assert state.good == (50.0,)


def test_five_minutes_of_errors_set_the_share_back_and_say_why():
    state, shares = guarded(100.0, [BADLY] * 12)
    assert shares[:6] == [100.0] * 6
    assert shares[-1] == 0.0
    assert state.history[-1].reason == (
        "set back from 100 % to 0 %: 10% of Parakeet's attempts failed (more than 5%) for 5 minutes"
    )


def test_it_goes_back_to_the_last_share_that_did_well():
    state, _ = guarded(10.0, [WELL] * 10)
    state, _ = guarded(50.0, [WELL] * 10, state, first=10)
    state, shares = guarded(100.0, [BADLY] * 8, state, first=20)
    assert shares[-1] == 50.0
    state, shares = guarded(100.0, [BADLY] * 8, state, first=28)
    assert shares[-1] == 10.0
    state, shares = guarded(100.0, [BADLY] * 8, state, first=36)
    assert shares[-1] == 0.0
    assert [step.percent for step in state.history] == [10.0, 50.0, 100.0, 50.0, 10.0, 0.0]


def test_a_trouble_shorter_than_five_minutes_changes_nothing():
    _, shares = guarded(100.0, [WELL] * 10 + [{"done": 80, "failed": 20}] * 2 + [{"done": 1000}] * 10)
    assert set(shares) == {100.0}


@pytest.mark.parametrize("before", [None, WELL], ids=["quiet", "busy"])
def test_one_bad_minute_changes_nothing_however_bad_and_whatever_comes_after_it(before):
    bad = {"done": 0, "failed": 400, "fallbacks": 100}
    for after in (None, {"done": 1}, {"done": 2, "failed": 0}):
        _, shares = guarded(100.0, [before] * 10 + [bad] + [after] * 20)
        assert set(shares) == {100.0}


def test_one_of_three_recordings_that_fails_changes_nothing():
    # Its one chunk failed three times and was handed over, within the same minute or in the next.
    story = [None, {"done": 1}, {"done": 1, "failed": 2, "hit": 1}, {"done": 0, "failed": 1, "fallbacks": 1}]
    for number in range(4):
        _, shares = guarded(100.0, [*story[number:], *story[:number], *[None] * 20])
        assert set(shares) == {100.0}


def test_one_recording_that_no_engine_likes_changes_nothing_where_it_is_the_only_one():
    _, shares = guarded(100.0, [None] * 5 + [{"done": 0, "failed": 60, "fallbacks": 12}] + [None] * 20)
    assert set(shares) == {100.0}


def test_where_nothing_works_at_all_a_chunk_a_minute_is_enough():
    state, shares = guarded(
        50.0, [{"done": 2}] * 5 + [{"done": 0, "failed": 3, "fallbacks": 1, "hit": 1}] * 20
    )
    assert shares[-1] == 0.0
    assert shares.index(0.0) <= 5 + 12
    handed_over, shares = guarded(100.0, [{"done": 0, "fallbacks": 1}] * 20)
    assert shares[-1] == 0.0
    assert "to another engine" in handed_over.history[-1].reason
    assert "Parakeet's" in state.history[-1].reason


def test_rates_at_their_limits_are_no_trouble():
    _, shares = guarded(100.0, [{"done": 95, "failed": 5}] * 20)
    assert set(shares) == {100.0}
    _, shares = guarded(100.0, [{"done": 90, "fallbacks": 10}] * 20)
    assert set(shares) == {100.0}
    _, shares = guarded(100.0, [{"done": 89, "fallbacks": 11}] * 20)
    assert shares[-1] == 0.0


def test_an_engine_that_attempts_nothing_and_hands_everything_on_loses_its_share():
    state, shares = guarded(50.0, [WELL] * 10 + [{"done": 0, "fallbacks": 10}] * 15)
    assert shares[-1] == 0.0
    assert state.history[-1].reason == (
        "set back from 50 % to 0 %: 100% of Parakeet's chunks went to another engine (more than 10%) for 5 minutes"
    )


def test_a_few_failures_say_nothing():
    _, shares = guarded(100.0, [{"done": 0, "fallbacks": 2}, None, None] * 10)
    assert set(shares) == {100.0}
    _, shares = guarded(100.0, [{"done": 0, "failed": 2}, None, None] * 10)
    assert set(shares) == {100.0}


def test_what_happened_under_a_larger_share_does_not_count_against_the_smaller_one():
    state, _ = guarded(10.0, [WELL] * 10)
    state, shares = guarded(100.0, [BADLY] * 7 + [WELL] * 20, state, first=10)
    assert shares[-1] == 10.0


def test_a_person_sets_it_forward_again_with_another_number_or_the_same_flag():
    state, shares = guarded(50.0, [BADLY] * 10)
    assert shares[-1] == 0.0
    assert share(state, Asked(percent=50.0, since=0.0)).percent == 0.0
    assert share(state, Asked(percent=60.0, since=0.0)) == Share(percent=60.0)
    assert share(state, Asked(percent=50.0, since=7.0)) == Share(percent=50.0)
    state, shares = guarded(50.0, [WELL] * 3, state, since=7.0, first=10)
    assert shares == [50.0] * 3


def test_without_a_guard_what_was_asked_for_holds():
    assert share(None, Asked(percent=25.0, since=0.0)) == Share(percent=25.0)


def test_why_it_is_less_than_asked_for_is_told():
    state, _ = guarded(100.0, [BADLY] * 12)
    assert "set back from 100 %" in share(state, Asked(percent=100.0, since=0.0)).why_less


events = st.none() | st.fixed_dictionaries(
    {"done": st.integers(0, 200), "failed": st.integers(0, 50), "fallbacks": st.integers(0, 50)}
)


@given(st.floats(0, 100), st.lists(events, max_size=40))
def test_the_guard_never_raises_a_share_by_itself(percent, story):
    state, shares = guarded(percent, story)
    assert all(after <= before for before, after in zip([percent, *shares], shares, strict=False))
    assert state is None or len(state.history) <= 20
