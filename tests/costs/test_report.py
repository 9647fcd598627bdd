"""The cost report as values, before anybody draws it."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

from shared.costs import report as cost_report
from shared.costs.report import Question
from shared.errors import BadRequest
from shared.messages import to_fields
from shared.state import documents
from tests.costs.accounts import DAY, NOON, attempt, idle


@pytest.fixture
def ports(world):
    world.clock.time = NOON
    return world.ports


def store(ports, *rows):
    for number, row in enumerate(rows):
        assert ports.records.create(documents.LEDGER, str(number), to_fields(row))


def ask(ports, since=None, until=None, by=None, form="json"):
    return cost_report.make(Question(since=since, until=until, by=by, form=form), ports)


def test_the_last_month_is_reported_in_groups_that_add_up(ports):
    store(ports, attempt("r1", usd=0.5, label="sales"), attempt("d1", usd=0.25, engine="deepgram"))
    report = ask(ports, by="label")
    assert (report.account.since, report.account.until) == (DAY - dt.timedelta(days=30), DAY)
    assert ask(ports).by == "method"
    assert sorted(one.usd for one in report.groups.values()) == [0.25, 0.5]
    assert report.groups["sales"].usd == 0.5
    assert report.days == {DAY.isoformat(): 0.75}
    assert report.withheld.startswith("Advice and a forecast need at least a day of rows")
    assert (report.advice, report.forecast) == ([], None)


def test_a_table_is_by_day_unless_it_is_asked_for_otherwise(ports):
    store(ports, attempt("r1", usd=0.5), attempt("r2", usd=0.0000001, day="2026-11-19", time=NOON - 86400))
    rows = list(csv.DictReader(io.StringIO(cost_report.as_csv(ask(ports, form="csv")))))
    assert [(one["day"], one["usd"]) for one in rows] == [("2026-11-19", "0"), ("2026-11-20", "0.5")]
    assert ask(ports, by="label", form="csv").by == "label"


def test_what_idle_time_and_failures_cost_is_told_apart(ports):
    store(
        ports,
        attempt("r1", usd=0.5, busy_seconds=36.0),
        attempt("r1", usd=0.1, attempt="m-2", outcome="failed", owned_seconds=0.0),
        idle(0.2),
    )
    told = cost_report.as_json(ask(ports), ports)
    assert told["reference"] == {"name": "Deepgram", "column": "deepgram_usd"}
    assert (told["usd"], told["failed_usd"], told["idle_usd"], told["attempts"]) == (0.8, 0.1, 0.2, 2)
    assert told["ever_usd"] == 0.8
    assert told["busy_hours"] == pytest.approx(0.010833)
    assert (told["since"], told["until"]) == ("2026-10-21", "2026-11-20")


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        (DAY, DAY - dt.timedelta(days=1), "is after the last, 2026-11-19"),
        (DAY + dt.timedelta(days=1), None, r"is after today \(2026-11-20, UTC\): give an earlier --since"),
        (dt.date(2000, 1, 1), None, "more than ten years"),
    ],
)
def test_days_that_make_no_sense_are_refused(ports, since, until, says):
    with pytest.raises(BadRequest, match=says):
        ask(ports, since, until)
