from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import budget, limits
from shared.costs.budget import Commitment
from shared.errors import BadMedia
from shared.flow import record, upload
from shared.results import LedgerRow
from shared.state import ledger

NOON = 1_795_176_000.0
"""2026-11-20T12:00:00Z, a Friday."""


@pytest.fixture
def ports(world):
    world.clock.time = NOON
    return replace(
        world.ports, settings=replace(world.settings, budget_daily_usd=5.0, budget_monthly_usd=20.0)
    )


def pay(ports, usd, number=0):
    row = LedgerRow(
        recording=f"r{number}", chunk=0, engine="deepgram", attempt="a", audio_seconds=1.0, busy_seconds=0.0, usd=usd,
        prices="v",
    )  # fmt: skip
    assert ledger.write(row, ports)


def state_of(ports, key):
    fields = ports.records.get(budget.COMMITMENTS, key)
    return fields and (fields["state"], fields["counts"])


def test_without_a_budget_everything_goes_and_nothing_is_written(world):
    assert budget.commit("r", 1e9, world.ports) == limits.GO
    assert list(world.ports.records.query(budget.COMMITMENTS)) == []


def test_of_many_that_come_at_once_each_counts_those_before_it(ports):
    actions = [budget.commit(f"r{number}", 0.3, ports).action for number in range(40)]
    # 16 x 0.30 = 4.80, and a seventeenth would make 5.10.
    assert actions == ["go"] * 16 + ["hold"] * 24


def test_a_recording_counts_once_however_often_its_event_comes(ports):
    for _ in range(9):
        assert budget.commit("r", 3.0, ports).action == "go"


def test_a_recording_counts_from_its_estimate_to_its_rows_without_a_gap(ports):
    budget.commit("r0", 4.0, ports)
    pay(ports, 3.5)
    budget.ended("r0", ports, life=0)
    # Its rows are there, but nobody has summed them up: the estimate still stands for them.
    assert budget.commit("r1", 2.0, ports).action == "hold"
    ports.clock.time += 60
    assert budget.sum_up(ports).of("day", NOON) == 3.5
    assert state_of(ports, "r0") == ("closed", False)
    assert budget.commit("r1", 1.5, ports).action == "go"
    assert budget.commit("r2", 0.1, ports).action == "hold"


def test_what_ended_while_the_rows_were_summed_up_is_closed_by_the_next_sum(ports):
    budget.commit("r0", 4.0, ports)
    budget.ended("r0", ports, life=0)
    budget.sum_up(ports)
    assert state_of(ports, "r0") == ("ended", True)
    ports.clock.time += 60
    budget.sum_up(ports)
    assert state_of(ports, "r0") == ("closed", False)


def test_what_ended_without_going_on_counts_no_more(ports):
    assert budget.commit("r0", 6.0, ports).action == "hold"
    budget.ended("r0", ports, life=0)
    assert state_of(ports, "r0") == ("closed", False)
    budget.ended("nobody", ports, life=0)


def test_where_nobody_sweeps_the_sums_are_made_when_they_are_needed(ports):
    assert budget.commit("r0", 4.0, ports).action == "go"
    pay(ports, 4.0)
    budget.ended("r0", ports, life=0)
    ports.clock.time += 86400
    assert budget.commit("r1", 4.0, ports).action == "go"
    assert state_of(ports, "r0") == ("closed", False)


def test_a_budget_that_changed_is_looked_at_with_new_sums(ports):
    budget.commit("r0", 1.0, ports)
    assert budget.read(ports).limits == {"day": 5.0, "month": 20.0}
    raised = replace(ports, settings=replace(ports.settings, budget_daily_usd=7.0))
    budget.commit("r1", 1.0, raised)
    assert budget.read(ports).limits == {"day": 7.0, "month": 20.0}


def test_a_day_is_summed_up_until_it_is_over_and_never_again(ports, monkeypatch):
    pay(ports, 1.0, 1)
    assert budget.sum_up(ports).days["2026-11-20"] == 1.0
    ports.clock.time += 11.9 * 3600
    pay(ports, 2.0, 2)
    ports.clock.time += 0.2 * 3600
    assert budget.sum_up(ports).days["2026-11-20"] == 3.0
    ports.clock.time += 3600
    budget.sum_up(ports)
    asked = []
    sums = ports.records.sum

    def noting(collection, field, where=None):
        asked.append(where)
        return sums(collection, field, where)

    monkeypatch.setattr(ports.records, "sum", noting)
    ports.clock.time += 60
    found = budget.sum_up(ports)
    assert asked == [{"day": "2026-11-21"}]
    assert found.of("month", ports.clock.now()) == 3.0
    assert found.of("day", ports.clock.now()) == 0.0


def test_a_sweeper_that_was_away_for_days_sums_up_what_it_missed(ports):
    pay(ports, 1.0, 1)
    budget.sum_up(ports)
    ports.clock.time += 3600
    pay(ports, 2.0, 2)
    ports.clock.time += 4 * 86400
    assert budget.sum_up(ports).days["2026-11-20"] == 3.0


def test_an_end_that_is_announced_ends_the_commitment(world):

    recording = upload.on_upload(world.upload(), world.ports)
    open_one = Commitment(usd=1.0, state="open", counts=True, changed=0.0)
    world.ports.records.create(budget.COMMITMENTS, recording.id, documents_of(open_one))
    record.fail(recording.id, BadMedia("empty", "nothing there"), world.ports)
    assert state_of(world.ports, recording.id) == ("ended", True)


def documents_of(commitment):
    return {name: getattr(commitment, name) for name in ("usd", "state", "counts", "changed")}
