from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import StoreUnavailable
from shared.flow import upload
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.sweep import release_held, stuck, sweep

NOON = 1_795_176_000.0
"""2026-11-20T12:00:00Z."""

MINUTE = 0.0077
"""US dollars that a minute costs at Deepgram, and the recordings of these tests are a minute long."""


@pytest.fixture
def ports(world):
    """A deployment with Deepgram only, that may spend the price of ten recordings in a day."""
    world.clock.time = NOON
    world.media.info = replace(world.media.info, duration=60.0)
    settings = replace(world.settings, budget_daily_usd=10.5 * MINUTE, method="deepgram", chunk_minutes=10)
    return replace(world.ports, settings=settings, engines=frozenset({"deepgram", "parakeet-cpu"}))


def drop(world, ports, count, start=0, **metadata):
    return [
        upload.on_upload(world.upload(f"{n}.wav", **metadata), ports) for n in range(start, start + count)
    ]


def pay(ports, recording):
    row = LedgerRow(
        recording=recording.id, chunk=0, engine="deepgram", attempt="a", audio_seconds=60.0, busy_seconds=0.0,
        usd=MINUTE, prices="v",
    )  # fmt: skip
    ledger.write(row, ports)


@pytest.fixture
def heard_alerts(ports, monkeypatch):
    told = []
    publish = ports.queue.publish

    def noting(topic, data, attributes=None):
        if topic == "budget-alerts":
            told.append(json.loads(data))
        return publish(topic, data, attributes)

    monkeypatch.setattr(ports.queue, "publish", noting)
    return told


def test_of_forty_files_dropped_at_once_as_many_go_on_as_the_budget_pays(world, ports):
    done = drop(world, ports, 40)
    assert [one.state for one in done] == ["PLANNED"] * 10 + ["ACCEPTED"] * 30
    (reason,) = {one.held for one in done[10:]}
    assert reason == (
        "Held: it did not fit into the daily budget. It continues when a new day begins (UTC), or once you "
        "raise DROPSCRIBE_BUDGET_DAILY_USD."
    )
    assert len(world.pull("deepgram")) == 10


def test_what_is_held_goes_on_when_a_new_day_begins(world, ports):
    drop(world, ports, 15)
    assert release_held.keep_budgets(ports) == 0
    for recording in documents.recordings(ports.records, {"state": "PLANNED"}):
        pay(ports, recording)
        budget.ended(recording.id, ports, life=0)
    ports.clock.time += 60
    assert release_held.keep_budgets(ports) == 0
    ports.clock.time += 12 * 3600
    assert release_held.keep_budgets(ports) == 5
    states = {one.state: one.held for one in documents.recordings(ports.records)}
    assert states == {"PLANNED": ""}


def test_what_is_held_without_its_commitment_goes_on_too(world, ports):
    *_, damaged, lost = (one.id for one in drop(world, ports, 12))
    raised = replace(ports, settings=replace(ports.settings, budget_daily_usd=20.5 * MINUTE))
    ports.records.update("commitments", damaged, lambda _: {})
    ports.records.delete("commitments", lost)
    assert release_held.keep_budgets(raised) == 2
    assert ports.records.count(documents.RECORDINGS, {"state": "PLANNED"}) == 12
    assert ports.records.count("commitments", {"counts": True}) == 12


def test_what_is_held_goes_on_when_the_budget_is_raised_or_taken_away(world, ports):
    drop(world, ports, 13)
    raised = replace(ports, settings=replace(ports.settings, budget_daily_usd=12.5 * MINUTE))
    assert release_held.keep_budgets(raised) == 2
    without = replace(ports, settings=replace(ports.settings, budget_daily_usd=0.0))
    assert release_held.keep_budgets(without) == 1
    assert ports.records.count(documents.RECORDINGS, {"state": "PLANNED"}) == 13


def test_why_one_is_held_is_told_by_the_sums_and_budgets_of_now(world, ports):
    *_, last = drop(world, ports, 13)
    release_held.keep_budgets(ports)
    asking = replace(ports, settings=world.settings)  # which knows of no budget
    assert "($0 spent and $0.0783 committed of $0.0809; this recording" in budget.why_held(last, asking)
    raised = replace(ports, settings=replace(ports.settings, budget_daily_usd=12.5 * MINUTE))
    for recording in documents.recordings(ports.records, {"state": "PLANNED"}):
        pay(ports, recording)
        budget.ended(recording.id, ports, life=0)
    ports.clock.time += 60
    release_held.keep_budgets(raised)
    (waits,) = (one for one in documents.recordings(ports.records) if one.held)
    assert "($0.0770 spent and $0.0157 committed of $0.0963; this recording" in budget.why_held(waits, asking)
    ports.clock.time += 600
    assert budget.why_held(waits, asking) == waits.held
    without = replace(ports, settings=replace(ports.settings, budget_daily_usd=0.0))
    budget.sum_up(without)
    assert budget.why_held(waits, asking).startswith("It was held, but fits into the budget now")
    release_held.keep_budgets(without)
    assert budget.why_held(documents.get_recording(ports.records, waits.id), asking) == ""


def test_what_is_held_is_not_taken_for_stuck(world, ports):
    drop(world, ports, 11)
    sweep.on_tick(ports)
    for _ in range(40):
        ports.clock.time += 600
        stuck.push_stuck(ports)
    held_ones = [one for one in documents.recordings(ports.records) if one.held]
    assert [one.state for one in held_ones] == ["ACCEPTED"]


def test_a_held_recording_that_is_gone_or_ended_otherwise_is_let_be(world, ports):
    *_, last = drop(world, ports, 11)
    documents.change_recording(ports, last.id, lambda stored: replace(stored, state="FAILED"))
    without = replace(ports, settings=replace(ports.settings, budget_daily_usd=0.0))
    assert release_held.keep_budgets(without) == 0
    assert ports.records.get(budget.COMMITMENTS, last.id)["state"] == "closed"


def test_what_is_held_for_months_is_not_forgotten(world, ports):
    *_, last = drop(world, ports, 11)
    for _ in range(4):
        ports.clock.time += 40 * 86_400
        release_held.keep_budgets(ports)
        assert ports.records.get(budget.COMMITMENTS, last.id)["changed"] == ports.clock.time


def test_one_that_was_planned_while_another_delivery_was_about_to_hold_it_counts_again(world, ports):
    (one,) = drop(world, ports, 1)
    commitment = budget.Commitment(usd=MINUTE, state="held", counts=False, changed=NOON)
    documents.put(budget.COMMITMENTS, one.id, commitment, ports)
    assert budget.committed(ports) == 0
    release_held.keep_budgets(ports)
    assert budget.committed(ports) == pytest.approx(MINUTE)


def test_one_that_cannot_go_on_now_does_not_stop_the_others(world, ports, monkeypatch):
    drop(world, ports, 12)
    take, failed = upload.take, []

    def failing_once(*arguments):
        if not failed:
            failed.append(1)
            raise StoreUnavailable("not now")
        return take(*arguments)

    monkeypatch.setattr(upload, "take", failing_once)
    ports.clock.time += 86400
    for key, _ in list(ports.records.query(budget.COMMITMENTS, {"counts": True})):
        budget.ended(key, ports, life=0)
    budget.sum_up(replace(ports, clock=type("Later", (), {"now": lambda _: NOON + 86460})()))
    assert release_held.keep_budgets(ports) == 1
    assert release_held.keep_budgets(ports) == 1


def test_somebody_is_told_once_when_half_and_eight_tenths_and_all_of_a_budget_are_reached(
    world, ports, heard_alerts
):
    for recording in drop(world, ports, 6):
        pay(ports, recording)
        budget.ended(recording.id, ports, life=0)
    for _ in range(3):
        ports.clock.time += 60
        release_held.keep_budgets(ports)
    assert [(one["period"], one["which"], one["percent"]) for one in heard_alerts] == [
        ("day", "2026-11-20", 50)
    ]
    for recording in drop(world, ports, 3, start=6):
        pay(ports, recording)
    release_held.keep_budgets(ports)
    assert [one["percent"] for one in heard_alerts] == [50, 80]
    assert not heard_alerts[-1]["held"]
    for recording in documents.recordings(ports.records):
        budget.ended(recording.id, ports, life=0)
    ports.clock.time += 60
    release_held.keep_budgets(ports)
    drop(world, ports, 3, start=9)
    for _ in range(3):
        release_held.keep_budgets(ports)
    assert [one["percent"] for one in heard_alerts] == [50, 80, 100]
    assert heard_alerts[-1]["held"]
    assert heard_alerts[-1]["spent_usd"] == pytest.approx(9 * MINUTE)
    assert heard_alerts[-1]["committed_usd"] == pytest.approx(MINUTE, rel=0.02)  # a second of overlap


def test_an_alert_that_could_not_be_published_is_given_by_the_next_tick(
    world, ports, heard_alerts, monkeypatch
):
    for recording in drop(world, ports, 6):
        pay(ports, recording)
    publish, failed = ports.queue.publish, []

    def failing_once(topic, *rest):
        if topic == "budget-alerts" and not failed:
            failed.append(1)
            raise StoreUnavailable("not now")
        return publish(topic, *rest)

    monkeypatch.setattr(ports.queue, "publish", failing_once)
    with pytest.raises(StoreUnavailable):
        release_held.keep_budgets(ports)
    release_held.keep_budgets(ports)
    assert [one["percent"] for one in heard_alerts] == [50]


def test_a_month_tells_its_forecast_when_a_day_has_passed(world, ports, heard_alerts):
    monthly = replace(
        ports, settings=replace(ports.settings, budget_daily_usd=0.0, budget_monthly_usd=12 * MINUTE)
    )
    done = drop(world, monthly, 10)
    for recording in done[:6]:
        pay(monthly, recording)
        budget.ended(recording.id, monthly, life=0)
    release_held.keep_budgets(monthly)
    ports.clock.time += 86400
    for recording in done[6:]:
        pay(monthly, recording)
        budget.ended(recording.id, monthly, life=0)
    release_held.keep_budgets(monthly)
    first, second = heard_alerts
    assert (first["period"], first["which"], first["percent"]) == ("month", "2026-11", 50)
    assert first["forecast_usd"] is None
    # Ten so far, and six a day, as the one day before, for nine days and a half more.
    assert (second["percent"], second["forecast_usd"]) == (
        80,
        pytest.approx((10 + 6 * 9.5) * MINUTE, abs=1e-6),
    )


def test_without_budgets_a_tick_costs_one_look(world):
    asked = []

    class Noting:
        def __getattr__(self, name):
            asked.append(name)
            return getattr(world.ports.records, name)

    assert release_held.keep_budgets(replace(world.ports, records=Noting())) == 0
    assert asked == ["query"]
