"""Budgets, idle time and the report on the records of Google: the emulator stands for Firestore."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from test_utils.prefixer import Prefixer

from shared.adapters.firestore import FirestoreRecords
from shared.costs import budget, executions, rows, summary
from shared.ports import TaskRun
from shared.settings import Settings
from shared.state import ledger
from tests.costs.accounts import DAY, NOON, attempt
from tests.world import SetClock

NAMES = Prefixer("dropscribe", "budget", separator="-")


@pytest.fixture
def ports(firestore_address, monkeypatch):
    project = NAMES.create_prefix()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_address)
    records = FirestoreRecords(project)
    settings = Settings(
        platform="google",
        project=project,
        engines="parakeet-gpu",
        budget_daily_usd=1.0,
        budget_monthly_usd=20.0,
    )
    jobs = SimpleNamespace(ended=lambda _: [])
    yield SimpleNamespace(
        records=records, clock=SetClock(NOON), settings=settings, gpu_jobs=jobs, engines=settings.engine_set
    )
    records.close()


def test_a_budget_is_kept(ports):
    assert [budget.commit(f"r{number}", 0.3, ports).action for number in range(5)] == ["go"] * 3 + [
        "hold"
    ] * 2
    ledger.write(attempt("r0", usd=0.2), ports)
    budget.ended("r0", ports, life=0)
    ports.clock.time += 60
    assert budget.sum_up(ports).of("month", NOON) == pytest.approx(0.2)
    # 0.2 spent and 0.6 committed.
    assert budget.commit("r5", 0.2, ports).action == "go"
    assert budget.commit("r6", 0.01, ports).action == "hold"


def test_an_ended_task_is_accounted_once_and_the_report_has_it(ports):
    executions.reconcile(ports, ["main"])
    ledger.write(attempt(usd=0.001, worker="gpu-a.0"), ports)
    task = TaskRun(execution="gpu-a", index=0, started=NOON, ended=NOON + 90, completed=NOON + 90)
    ports.gpu_jobs.ended = lambda _: [task]
    ports.clock.time += 300
    assert executions.reconcile(ports, ["main"]) == 1
    assert executions.reconcile(ports, ["main"]) == 0
    sums = summary.total(rows.read(ports, DAY, DAY))
    assert sums.usd == pytest.approx(90 * 0.0002907, abs=1e-9)
    assert sums.fates["idle"] == pytest.approx(90 * 0.0002907 - 0.001, abs=1e-9)
