from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs import limits
from shared.costs.limits import Spending
from shared.settings import Settings

NOON = 1_795_176_000.0
"""2026-11-20T12:00:00Z, a Friday."""

DAILY = Settings(budget_daily_usd=5.0)


def spent(**days):
    return Spending(time=NOON, days={f"2026-11-{day[1:]}": usd for day, usd in days.items()})


@pytest.mark.parametrize(
    ("usd", "already", "committed", "action"),
    [(1.0, 3.0, 1.0, "go"), (1.01, 3.0, 1.0, "hold"), (5.0, 0.0, 0.0, "go"), (5.01, 0.0, 0.0, "hold")],
)
def test_a_recording_fits_up_to_the_last_cent(usd, already, committed, action):
    assert limits.admit(usd, spent(d20=already), committed, NOON, DAILY).action == action


def test_a_held_recording_says_what_is_used_up_and_what_lets_it_go_on():
    reason = limits.admit(0.26, spent(d20=4.2), 0.7, NOON, DAILY).reason
    assert reason == (
        "Held: the daily budget is used up ($4.20 spent and $0.70 committed of $5.00; this recording needs about "
        "$0.26). It continues when a new day begins (UTC), or once you raise DROPSCRIBE_BUDGET_DAILY_USD."
    )


def test_one_that_is_dearer_than_a_whole_budget_says_so():
    reason = limits.admit(6.0, spent(), 0.0, NOON, DAILY).reason
    assert "the daily budget is too small for this recording" in reason
    assert "It continues once you raise DROPSCRIBE_BUDGET_DAILY_USD." in reason


def test_a_new_day_has_a_budget_of_its_own_and_a_new_month_too():
    both = Settings(budget_daily_usd=5.0, budget_monthly_usd=8.0)
    assert limits.admit(1.0, spent(d20=5.0), 0.0, NOON, both).action == "hold"
    assert limits.admit(1.0, spent(d20=5.0), 0.0, NOON + 86400, both).action == "go"
    monthly = limits.admit(4.0, spent(d20=5.0), 0.0, NOON + 86400, both)
    assert monthly.action == "hold"
    assert "monthly" in monthly.reason
    assert limits.admit(4.0, spent(d20=5.0), 0.0, NOON + 11 * 86400, both).action == "go"


def test_a_soft_budget_asks_for_the_cheapest_method():
    soft = replace(DAILY, budget_mode="soft")
    admission = limits.admit(1.0, spent(d20=5.0), 0.0, NOON, soft)
    assert admission.action == "cheaper"
    assert "used up" in admission.reason


@given(st.lists(st.floats(0.001, 3.0), max_size=30))
def test_what_was_let_through_never_sums_up_to_more_than_the_budget(estimates):
    committed = 0.0
    for usd in estimates:
        if limits.admit(usd, spent(), committed, NOON, DAILY).action == "go":
            committed += usd
    assert committed <= 5.0 + 1e-6


def test_a_forecast_goes_on_with_the_mean_of_the_last_full_days():
    days = {f"2026-11-{day:02}": 2.0 for day in range(10, 20)} | {"2026-11-20": 1.0}
    # 10 x 2 + 1 so far; then half of today and ten days at 2 each.
    found = limits.forecast(days, NOON)
    assert (found.usd, found.days) == (pytest.approx(21.0 + 2.0 * 10.5), 7)


def test_days_before_the_first_that_cost_anything_are_no_part_of_the_mean():
    days = {"2026-11-17": 0.0, "2026-11-18": 4.0, "2026-11-19": 2.0, "2026-11-20": 0.0}
    found = limits.forecast(days, NOON)
    assert (found.usd, found.days) == (pytest.approx(6.0 + 3.0 * 10.5), 2)


def test_on_the_first_day_that_costs_anything_there_is_no_forecast():
    assert limits.forecast({"2026-11-19": 0.0, "2026-11-20": 1.0}, NOON) is None
    assert limits.forecast({}, NOON) is None
