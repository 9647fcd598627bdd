"""When a release goes forward, stays or goes back: literal figures at each limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout.judge import Figures, Limits, Recent, Seen, judge

NOW = 1_800_000_000.0
LIMITS = Limits()
OLD = Figures(ended=200, failed=4, p95=100.0, chunks=400, usd=2.0, audio=360_000.0)
GOOD = Figures(ended=40, failed=0, p95=120.0, chunks=80, usd=0.4, audio=72_000.0)
HOUR = 3600.0


def of(new=GOOD, old=OLD, began=NOW - 3 * HOUR, step=0, bad_since=None, **recent):
    seen = Seen(new=new, old=old, recent=Recent(**{"attempts": 50, "requests": 50, **recent}))
    return judge(seen, step, began, NOW, LIMITS, bad_since or {})


def test_a_release_that_does_well_for_its_hold_goes_forward():
    assert of().action == "forward"


@pytest.mark.parametrize(
    ("step", "hours", "action"),
    [(0, 1.99, "stay"), (0, 2.0, "forward"), (1, 23.9, "stay"), (1, 24.0, "forward"), (2, 0.0, "forward")],
)
def test_ten_percent_hold_for_two_hours_and_fifty_for_a_day(step, hours, action):
    assert of(step=step, began=NOW - hours * HOUR).action == action


@pytest.mark.parametrize(("ended", "action"), [(19, "stay"), (20, "forward")])
def test_it_waits_for_twenty_recordings_however_long_that_takes(ended, action):
    verdict = of(new=replace(GOOD, ended=ended), began=NOW - 1000 * HOUR)
    assert verdict.action == action
    assert ("19 of 20" in verdict.reason) == (action == "stay")


@pytest.mark.parametrize(
    ("recent", "said"),
    [
        ({"attempts_failed": 6}, "6 of 50 attempts failed (12%)"),
        ({"requests_failed": 6}, "6 of 50 requests failed (12%)"),
    ],
)
def test_errors_above_ten_percent_that_last_for_five_minutes_send_it_back(recent, said):
    first = of(**recent)
    assert (first.action, dict(first.bad_since)) == ("stay", {"errors": NOW})
    assert of(**recent, bad_since={"errors": NOW - 299}).action == "stay"
    last = of(**recent, bad_since={"errors": NOW - 300})
    assert (last.action, said in last.reason) == ("back", True)


@pytest.mark.parametrize("recent", [{"attempts_failed": 5}, {"attempts": 4, "attempts_failed": 4}])
def test_ten_percent_are_not_more_and_four_attempts_say_nothing(recent):
    verdict = of(**recent, bad_since={"errors": NOW - 1000})
    assert (verdict.action != "back", dict(verdict.bad_since)) == (True, {})


def test_errors_that_stop_are_forgotten():
    assert dict(of(attempts_failed=0, bad_since={"errors": NOW - 200}).bad_since) == {}


@pytest.mark.parametrize(
    ("new", "recent", "why"),
    [
        (replace(GOOD, p95=200.1), {}, "95 % of its recordings took up to 200 s"),
        (replace(GOOD, usd=0.481), {}, "an hour of audio costs $0.0240, with the old release $0.0200"),
        (replace(GOOD, handed_on=9), {}, "11% of its chunks went to another engine"),
        (replace(GOOD, failed=5), {}, "5 of 40 recordings failed (10% more than usual)"),
        (GOOD, {"probes_failed": 3}, "3 health checks of the new revisions failed"),
    ],
)
def test_each_trouble_sends_it_back_at_once_in_every_step(new, recent, why):
    for step in range(3):
        verdict = of(new=new, step=step, began=NOW, **recent)
        assert (verdict.action, why in verdict.reason) == ("back", True), verdict.reason


@pytest.mark.parametrize(
    ("new", "recent"),
    [
        (replace(GOOD, p95=200.0), {}),
        (replace(GOOD, usd=0.48), {}),
        (replace(GOOD, handed_on=8), {}),
        (GOOD, {"probes_failed": 2}),
    ],
)
def test_what_stands_at_its_limit_goes_on(new, recent):
    assert of(new=new, **recent).action == "forward"


def test_between_one_and_ten_percent_it_neither_goes_forward_nor_back():
    verdict = of(attempts=200, attempts_failed=2)
    assert (verdict.action, "1.0% errors" in verdict.reason) == ("stay", True)
    assert of(attempts=201, attempts_failed=2).action == "forward"


def test_messages_that_usually_come_again_are_not_its_fault():
    recent = {"requests": 1000, "requests_failed": 39}
    assert of(**recent).action == "stay"
    assert of(**recent, requests_usual=0.03).action == "forward"
    worse = of(requests_failed=7, requests_usual=0.03, bad_since={"errors": NOW - 300})
    assert worse.action == "back"


def test_a_start_for_few_recordings_does_not_make_it_slow():
    def slow(seconds):
        seen = Seen(new=replace(GOOD, p95=seconds), old=OLD, recent=Recent(), cold=60.0)
        return judge(seen, 0, NOW - 3 * HOUR, NOW, LIMITS, {}).action

    assert (slow(260.0), slow(260.1)) == ("forward", "back")


def test_files_that_no_release_can_read_are_not_its_fault():
    unreadable = replace(GOOD, ended=40, failed=4)
    assert of(new=unreadable, old=replace(OLD, failed=20)).action == "forward"
    assert of(new=unreadable, old=replace(OLD, failed=0)).action == "stay"


def test_without_an_old_release_to_compare_with_only_its_own_errors_count():
    alone = Figures(ended=3)
    slow = replace(GOOD, p95=10_000.0, usd=100.0)
    assert of(new=slow, old=alone).action == "forward"
    assert of(new=replace(slow, failed=5), old=alone).action == "back"


def test_a_release_that_did_nothing_stays():
    verdict = of(new=Figures(), attempts=0, requests=0)
    assert (verdict.action, "0 of 20" in verdict.reason) == ("stay", True)
