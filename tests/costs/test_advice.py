from __future__ import annotations

import datetime as dt

import pytest

from shared.costs import advice, summary
from shared.costs.advice import Execution
from shared.costs.prices import TABLE
from shared.settings import Settings
from tests.costs.accounts import DAY, NOON, account, attempt, idle


def advise(found, **settings):
    return advice.advise(found, summary.total(found), TABLE, Settings(**settings))


def test_rows_span_the_time_from_the_first_to_the_last():
    assert advice.spanned(account(attempt(time=NOON + 90), attempt("r2"), idle(1.0, time=NOON + 30))) == 90.0
    assert advice.spanned(account()) == 0.0


def test_where_nothing_is_wrong_nothing_is_said():
    assert advise(account(attempt(usd=0.001, audio_seconds=610.0), idle(0.0001))) == []
    assert advise(account()) == []


def test_executions_that_began_soon_after_another_would_have_been_saved():
    every = [Execution(began=began, idle_usd=0.02) for began in (0.0, 50.0, 80.0, 200.0, 1000.0)]
    assert advice.saved_by(30, every) == pytest.approx(0.02)
    assert advice.saved_by(90, every) == pytest.approx(0.04)
    assert advice.saved_by(300, every) == pytest.approx(0.06)


def test_tasks_that_were_started_together_are_one_execution():
    found = account(
        idle(1.0, "gpu-a.0", NOON), idle(1.0, "gpu-a.1", NOON + 5), idle(2.0, "gpu-b.0", NOON + 9), attempt(),
    )  # fmt: skip
    assert [(one.began - NOON, one.idle_usd) for one in advice.executions(found)] == [
        (-60.0, 2.0),
        (-51.0, 2.0),
    ]


def test_idle_workers_are_told_with_the_delay_that_saves_most_of_it():
    rows = []
    for number in range(20):
        # Pairs, 70 s apart, every hour.
        began = NOON + number // 2 * 3600 + number % 2 * 70
        worker = f"gpu-{number}.0"
        rows += [
            idle(0.04, worker, began + 60),
            attempt(f"r{number}", usd=0.02, worker=worker, time=began + 99),
        ]
    (one,) = [one for one in advise(account(*rows)) if "were idle for" in one.text]
    # 10 of 20 executions, $0.04 each, in one day.
    assert one.usd_per_month == pytest.approx(10 * 0.04 * 30)
    assert "were idle for 67% of their paid time ($0.80 of $1.20, 20 executions)" in one.text
    assert "DROPSCRIBE_START_DELAY=90" in one.text
    assert "saves $0.40 in 1 day, $12.00 a month" in one.text
    assert not [one for one in advise(account(*rows), start_delay=90.0) if "were idle for" in one.text]


def test_overlap_is_told_when_it_is_a_tenth_of_what_is_heard():
    found = account(*(attempt(f"r{n}", usd=0.05, audio_seconds=720.0, engine="deepgram") for n in range(10)))
    (one,) = [one for one in advise(found) if "overlap" in one.text]
    # $0.50 a day, a sixth of it overlap, half of that saved.
    assert one.usd_per_month == pytest.approx(0.5 / 6 / 2 * 30)


def test_wasted_money_is_told_by_its_kind():
    found = account(
        attempt(usd=8.0, audio_seconds=600.0), attempt("r2", usd=1.0, outcome="failed"),
        attempt("r3", usd=1.0, outcome="lost"),
    )  # fmt: skip
    (one,) = [one for one in advise(found) if "bought nothing" in one.text]
    assert "20% of the money" in one.text
    assert "$1.00 for attempts that failed, $1.00 for answers that were lost" in one.text
    assert one.usd_per_month == pytest.approx(60.0)


def test_the_dearer_method_is_told():
    dear = account(attempt(usd=0.02, audio_seconds=600.0), idle(0.2, time=NOON))
    assert "TRANSCRIPTION_METHOD=deepgram" in " ".join(one.text for one in advise(dear))
    both = account(
        attempt(usd=0.001, audio_seconds=600.0), attempt("r2", usd=0.043, engine="deepgram", audio_seconds=600.0),
    )  # fmt: skip
    (one,) = advise(both)
    assert "TRANSCRIPTION_METHOD=parakeet" in one.text
    assert one.usd_per_month == pytest.approx((0.043 - 0.001) * 30)


def test_the_largest_savings_come_first_and_count_by_the_month():
    found = account(
        attempt(usd=5.0, outcome="failed", day="2026-11-11"),
        attempt("r2", usd=5.0, audio_seconds=720.0, engine="deepgram"),
        since=DAY - dt.timedelta(days=30),
    )
    told = [one.usd_per_month for one in advise(found)]
    assert told == sorted(told, reverse=True)
    assert told[0] == pytest.approx(15.0)
