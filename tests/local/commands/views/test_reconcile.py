from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.commands.views import reconcile
from shared.adapters.bills import deepgram_bill, google_bill
from shared.errors import BadRequest
from shared.messages import to_fields
from shared.results import Bill, Counted
from shared.state import documents
from tests.costs.test_reconcile import row

KEY = f"{'a' * 26}.00000"
DAY = dt.date(2026, 11, 20)


@pytest.fixture
def ports(world):
    one = row("a" * 26, day="2026-11-20", seconds=3600.0, usd=0.462)
    world.ports.records.create(documents.LEDGER, "one", to_fields(one))
    return world.ports


@pytest.fixture
def deepgram(monkeypatch):
    """Deepgram's answer, to be changed."""
    answer = {"usd": {"2026-11-20": 0.462}, "counted": (Counted(day="2026-11-20", tag=KEY, seconds=3600.0),)}

    def read(_projects, days, is_ours, project):
        assert is_ours(KEY)
        assert not is_ours("somebody's call")
        return Bill(**answer)

    monkeypatch.setattr(deepgram_bill, "client", lambda key, url: None)
    monkeypatch.setattr(deepgram_bill, "read", read)
    return answer


def with_key(ports, **more):
    return replace(ports, settings=replace(ports.settings, api_keys={"deepgram": "k"}, **more))


def test_the_ledger_and_deepgram_agree(ports, deepgram):
    [found] = reconcile.compare([DAY], with_key(ports), table="", project="")
    assert found.agrees


def test_a_difference_is_in_the_table_and_in_the_json(ports, deepgram, capsys):
    deepgram["usd"] = {"2026-11-20": 0.258}
    deepgram["counted"] = ()
    found = reconcile.compare([DAY], with_key(ports), table="", project="")
    told = reconcile.as_values([DAY], found)
    [one] = told["comparisons"]
    assert (told["agrees"], one["with"]) == (False, "Deepgram")
    assert one["days"] == [
        {"day": "2026-11-20", "ledger_usd": 0.462, "billed_usd": 0.258, "difference_usd": -0.204}
    ]
    assert one["calls"] == [{"tag": KEY, "ledger_seconds": 3600.0, "billed_seconds": 0.0}]
    json.dumps(told)
    reconcile.show([DAY], found, reconcile.output())
    shown = capsys.readouterr().out
    for text in (
        "2026-11-20",
        "$0.4620",
        "$0.2580",
        "-$0.2040",
        "Calls that differ: 1",
        KEY,
        "1 h",
        "none",
        "differ.",
    ):
        assert text in shown


def test_google_is_asked_for_the_days_of_the_workers(ports, monkeypatch):
    asked = []
    monkeypatch.setattr(
        google_bill, "read", lambda *given: asked.append(given) or Bill(usd={"2026-11-20": 1.0})
    )
    settings = {"platform": "google", "project": "my-project"}
    there = replace(ports, settings=replace(ports.settings, **settings))
    [found] = reconcile.compare([DAY], there, table="p.d.t", project="")
    assert asked == [("my-project", "p.d.t", DAY, DAY)]
    assert (found.who, found.lines[0].billed_usd, found.lines[0].ledger_usd) == ("Google, workers", 1.0, 0.0)


def test_without_anybody_to_ask_it_says_what_to_give(ports):
    with pytest.raises(
        BadRequest, match="DEEPGRAM_API_KEY, or name Google's billing export with --billing-table"
    ):
        reconcile.compare([DAY], ports, table="", project="")
    with pytest.raises(BadRequest, match="DROPSCRIBE_PLATFORM=google"):
        reconcile.compare([DAY], ports, table="p.d.t", project="")


def test_the_last_two_days_are_left_out_because_no_bill_is_complete(ports):
    days = reconcile.days_of(None, None, ports)
    today = dt.datetime.fromtimestamp(ports.clock.now(), dt.UTC).date()
    assert (len(days), days[-1]) == (7, today - dt.timedelta(days=2))


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [(DAY, dt.date(2026, 11, 19), "is after the last"), (dt.date(2026, 1, 1), DAY, "more than 100 days")],
)
def test_days_that_make_no_sense_are_refused(ports, since, until, says):
    with pytest.raises(BadRequest, match=says):
        reconcile.days_of(since, until, ports)


def test_it_is_a_command_of_cost_and_ends_with_1_if_the_two_differ(ports, deepgram, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPGRAM_API_KEY", "k")
    call = ["cost", "reconcile", "--since", "2026-11-20", "--until", "2026-11-20", "--json"]
    (tmp_path / "empty").mkdir()
    ran = CliRunner().invoke(app, [*call, "--state-dir", str(tmp_path / "empty")])
    assert ran.exit_code == 1
    told = json.loads(ran.stdout)
    assert told["comparisons"][0]["days"][0]["billed_usd"] == 0.462
