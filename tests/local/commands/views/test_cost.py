"""`dropscribe cost` as a person uses it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from shared.clock import SystemClock
from shared.costs import budget
from shared.messages import to_fields
from shared.settings import Settings
from shared.state import documents, ledger
from tests.costs.accounts import attempt, idle

TODAY = dt.date(2026, 3, 18)
NOW = dt.datetime(2026, 3, 18, 12, tzinfo=dt.UTC).timestamp()
"""Noon, so that no day ends while a test runs."""


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("DROPSCRIBE_PRICES", raising=False)
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW)
    return lambda *arguments: CliRunner().invoke(cli.app, ["cost", *arguments])


@pytest.fixture
def spent(tmp_path):
    """Three days of rows."""
    ports = open_ports(Settings(state_dir=tmp_path))
    for back in range(3):
        time = NOW - back * 86400
        day = ledger.day_of(time)
        rows = [
            attempt(f"r{back}", usd=0.02 * (back + 1), label="sales", prefix="calls/a", time=time, day=day),
            attempt(f"d{back}", usd=0.043, engine="deepgram", time=time, day=day),
            attempt(
                f"d{back}", usd=0.01, attempt="m-2", outcome="failed", time=time, day=day, owned_seconds=0.0
            ),
            idle(0.05, time=time, day=day),
        ]
        for number, row in enumerate(rows):
            assert ports.records.create(documents.LEDGER, f"{back}.{number}", to_fields(row))
    ports.close()


def test_of_nothing_it_says_which_days_it_looked_at(call):
    result = call()
    assert result.exit_code == 0
    assert f"{TODAY - dt.timedelta(days=30)} to {TODAY} (UTC)" in result.stdout
    assert (
        "Nothing was spent on these days ($0 in all). Choose others with --since and --until."
        in result.stdout
    )


def test_a_misspelt_setting_is_told(call, monkeypatch):
    assert call().stderr == ""
    monkeypatch.setenv("DROPSCRIBE_BUDGET_DALY_USD", "5")
    result = call("--json")
    assert result.stderr == (
        "dropscribe: DROPSCRIBE_BUDGET_DALY_USD is not a setting and is ignored: check its spelling.\n"
    )
    assert json.loads(result.stdout)["budgets"] == []


def test_the_help_says_which_days_are_meant_where_none_are_given(call):
    told = " ".join(call("--help").stdout.replace("│", " ").split())
    assert "By default a month ago; with --by month, a year." in told
    assert "By default today." in told


def test_it_shows_sums_methods_days_and_advice(call, spent):
    shown = call().stdout
    for text in ( "parakeet", "deepgram",
        "start-up and idle time", "$0.15 (35%)", "forecast for this month (average of 2 days)", TODAY.isoformat(), "█",
        "of the money bought nothing", "    attempts that failed", "$0.03 (7%)",
    ):  # fmt: skip
        assert text in shown, shown


def test_of_the_rows_of_some_minutes_it_gives_neither_advice_nor_a_forecast(call, tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path))
    for number, (outcome, back) in enumerate((("heard", 0), ("failed", 730))):
        row = attempt(f"r{number}", usd=1.0, outcome=outcome, time=NOW - back, day=ledger.day_of(NOW - back))
        assert ports.records.create(documents.LEDGER, str(number), to_fields(row))
    ports.close()
    shown = call().stdout
    assert "Advice and a forecast need at least a day of rows; these span 12 min." in shown
    assert "a month" not in shown
    assert "for this month" not in shown
    told = json.loads(call("--json").stdout)
    assert (told["advice"], told["forecast_usd"]) == ([], None)
    assert "these span 12 min." in told["advice_withheld"]


def test_by_day_each_day_has_its_numbers_and_a_bar(call, spent):
    lines = [
        line.split()
        for line in call("--by", "day").stdout.splitlines()
        if line.startswith("20") and " to " not in line
    ]
    assert [line[0] for line in lines] == [
        (TODAY - dt.timedelta(days=back)).isoformat() for back in (2, 1, 0)
    ]
    dearest = lines[0]
    # 0.06 + 0.043 + 0.01 + 0.05 of 0.429.
    assert dearest[1:] == ["2", "20", "min", "$0.1630", "38%", "$0.4890", "$0.01", "█" * 40]


def test_by_month_the_last_twelve_are_covered(call, spent):
    found = json.loads(call("--by", "month", "--json").stdout)
    since = dt.date.fromisoformat(found["since"])
    assert (since.day, (TODAY.year - since.year) * 12 + TODAY.month - since.month) == (1, 11)
    assert sum(one["usd"] for one in found["groups"]) == pytest.approx(found["usd"])
    months = [one["name"] for one in found["groups"]]
    assert months == sorted(months)
    assert months[-1] == (TODAY.isoformat())[:7]
    assert months[-1] in call("--by", "month").stdout
    days = call("--by", "month", "--json", "--since", TODAY.isoformat()).stdout
    assert json.loads(days)["since"] == TODAY.isoformat()


def test_budgets_are_told_with_what_is_used_of_them(call, spent, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_BUDGET_DAILY_USD", "0.5")
    assert "budget for today" in call().stdout
    (told,) = json.loads(call("--json").stdout)["budgets"]
    assert told == {"period": "day", "limit_usd": 0.5, "spent_usd": pytest.approx(0.123)}
    yesterday = (TODAY - dt.timedelta(days=1)).isoformat()
    assert json.loads(call("--json", "--until", yesterday).stdout)["budgets"] == []


def test_the_budgets_are_those_that_the_deployment_keeps(call, spent, tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path, budget_daily_usd=0.25))
    budget.sum_up(ports)
    ports.close()
    assert "$0.1230 of $0.25 (49%)" in call().stdout


def test_json_has_every_number(call, spent):
    told = json.loads(call("--json").stdout)
    assert told["usd"] == pytest.approx(0.12 + 0.129 + 0.03 + 0.15)
    assert (told["recordings"], told["attempts"], told["audio_hours"]) == (6, 9, 1.0)
    assert (told["idle_usd"], told["wasted_usd"]) == (0.15, 0.03)
    assert (told["failed_usd"], told["lost_usd"], told["unused_usd"]) == (0.03, 0.0, 0.0)
    # Two attempts a day of engines of ours; nobody here is busy while Deepgram works.
    assert told["busy_hours"] == pytest.approx(6 * 3.0 / 3600, abs=1e-6)
    assert told["deepgram_usd"] == 0.258
    assert told["saved_usd"] == pytest.approx(0.258 - told["usd"])
    assert [one["name"] for one in told["groups"]] == ["parakeet", "deepgram"]
    assert len(told["days"]) == 3
    assert told["forecast_usd"] > told["days"][TODAY.isoformat()]
    assert (told["forecast_from_days"], told["advice_withheld"]) == (2, None)


def test_csv_has_a_line_for_each_group(call, spent):
    lines = list(csv.DictReader(io.StringIO(call("--csv").stdout)))
    assert [line["day"] for line in lines] == [
        (TODAY - dt.timedelta(days=back)).isoformat() for back in (2, 1, 0)
    ]
    lines = list(csv.DictReader(io.StringIO(call("--csv", "--by", "label").stdout)))
    assert {line["label"]: float(line["usd"]) for line in lines} == {
        "sales": pytest.approx(0.195), "(no label)": pytest.approx(0.234),
    }  # fmt: skip


def test_days_can_be_chosen(call, spent):
    yesterday = (TODAY - dt.timedelta(days=1)).isoformat()
    told = json.loads(call("--json", "--since", yesterday, "--until", yesterday).stdout)
    assert told["usd"] == pytest.approx(0.04 + 0.043 + 0.01 + 0.05)
    assert told["forecast_usd"] is None
    assert told["ever_usd"] == pytest.approx(0.429)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (
            ("--since", "2026-02-02", "--until", "2026-02-01"),
            "is after the last, 2026-02-01: give an earlier --since or a later --until.",
        ),
        (("--since", "2999-02-02"), "UTC): give an earlier --since."),
        (
            ("--since", "1900-01-01", "--until", "2026-01-01"),
            "is more than ten years: give a later --since.",
        ),
    ],
)
def test_days_that_make_no_sense_are_refused(call, days, said):
    result = call(*days)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_csv_writes_small_amounts_without_an_exponent(call, tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path))
    row = attempt(usd=0.0000123, time=NOW, day=ledger.day_of(NOW))
    assert ports.records.create(documents.LEDGER, "1", to_fields(row))
    ports.close()
    (line,) = csv.DictReader(io.StringIO(call("--csv").stdout))
    assert (line["usd"], line["attempts"], line["recordings"], line["audio_hours"]) == (
        "0.000012",
        "1",
        "1",
        "0.166667",
    )
    assert line["idle_usd"] == "0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json", "--csv"), "Choose one of --json and --csv."),
        (("--table", "--json"), "Choose one of --json and --table."),
        (("--table", "--by", "day"), "leave out --by, or --table"),
        (("--table", "--since", "2026-01-01", "--until", "2026-02-01"), "leave out --since and --until"),
    ],
)
def test_options_that_contradict_each_other_are_refused(call, arguments, said):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize("arguments", [("--by", "colour"), ("--since", "yesterday")])
def test_what_is_no_choice_is_refused(call, arguments):
    assert call(*arguments).exit_code == 2
