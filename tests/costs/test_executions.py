"""The rows of the ledger against the bill of a provider that is simulated, down to the micro-dollar."""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.costs import attempt_rows, executions
from shared.costs.executions import Meter, Place
from shared.costs.prices import TABLE
from shared.errors import StoreUnavailable
from shared.messages import ChunkMessage, from_fields
from shared.model import Chunk, Options, StoredObject
from shared.ports import TaskRun
from shared.results import LedgerRow
from shared.settings import Settings
from shared.state import ledger
from tests.world import ScriptedMedia, SetClock

RATE = 0.0002907
"""US dollars for a second of the smallest task with an L4."""

GOOGLE = Settings(platform="google", project="some-project", engines="parakeet-gpu")


POOLS = ("main",)


class Memory:
    """Records in a dictionary that lose replies when they are told to."""

    def __init__(self):
        self.documents = {}
        self.troubles = iter(())

    def create(self, collection, key, fields):
        trouble = next(self.troubles, "")
        if trouble == "refused":
            raise StoreUnavailable("not now")
        new = (collection, key) not in self.documents
        self.documents.setdefault((collection, key), dict(fields))
        if trouble == "lost":
            raise StoreUnavailable("the reply was lost")
        return new

    def get(self, collection, key):
        return self.documents.get((collection, key))

    def update(self, collection, key, change):
        if (collection, key) in self.documents:
            self.documents[collection, key] = dict(change(dict(self.documents[collection, key])))
        return self.documents.get((collection, key))

    def sum(self, collection, field, where=None):
        found = [fields for (one, _), fields in self.documents.items() if one == collection]
        return math.fsum(
            fields[field]
            for fields in found
            if all(fields[name] == value for name, value in (where or {}).items())
        )

    def rows(self):
        return [
            from_fields(fields, LedgerRow) for (one, _), fields in self.documents.items() if one == "ledger"
        ]


class Provider:
    """Cloud Run, which knows when each task ran, and bills for it."""

    def __init__(self):
        self.tasks = []

    def ended(self, since):
        return [one for one in self.tasks if one.completed >= since]

    def bill(self):
        return math.fsum(
            max(60.0, math.ceil(round((one.ended - one.started) * 10, 6)) / 10) * RATE for one in self.tasks
        )


@pytest.fixture
def ports():
    return simulated()


def simulated():
    return SimpleNamespace(
        records=Memory(),
        clock=SetClock(),
        settings=GOOGLE,
        gpu_jobs=Provider(),
        engines=GOOGLE.engine_set,
    )


def chunk_message(recording="r", index=0):
    return ChunkMessage(
        recording=recording,
        source=StoredObject(bucket="audio", name="a/b.mp3", generation=1, size=1),
        options=Options(),
        audio=ScriptedMedia().info,
        chunk=Chunk(index=index, start=0.0, end=60.0, lead=0.0, tail=0.0, engine="parakeet-gpu"),
        model="tiny",
    )


def meter_of(ports, task=0, attempt=0):
    place = Place(execution="gpu-x", task=task, attempt=attempt)
    return Meter(ports, place, "parakeet-gpu", ports.clock.now())


def settle(ports):
    """A sweep some minutes later."""
    ports.clock.time += 300
    executions.reconcile(ports, POOLS)


def test_a_worker_knows_its_place_on_cloud_run_and_has_none_elsewhere():
    told = {"CLOUD_RUN_EXECUTION": "gpu-x", "CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_ATTEMPT": "1"}
    assert Place.from_environment(told) == Place(execution="gpu-x", task=2, attempt=1)
    assert Place.from_environment(told).worker == "gpu-x.2"
    assert Place.from_environment({}) is None


def test_idle_time_is_the_time_in_which_the_engine_made_nothing(ports):
    meter = meter_of(ports)
    ports.clock.time += 60
    meter.spent(45.0)
    meter.write()
    ports.clock.time += 30
    meter.write()
    first, second = ports.records.rows()
    assert (first.kind, first.worker, first.billed_seconds, first.usd) == (
        "execution", "gpu-x.0", 15.0, pytest.approx(15 * RATE, abs=1e-12),
    )  # fmt: skip
    assert second.billed_seconds == 30.0
    assert [key for _, key in ports.records.documents] == [
        "execution.gpu-x.0.0-00000",
        "execution.gpu-x.0.0-00001",
    ]


def test_a_call_that_lasts_longer_than_an_interval_makes_no_interval_negative(ports):
    meter = meter_of(ports)
    ports.clock.time += 60
    meter.spent(90.0)
    meter.write()
    assert ports.records.rows() == []
    ports.clock.time += 60
    meter.write()
    assert [row.billed_seconds for row in ports.records.rows()] == [30.0]


def test_what_was_spent_for_nothing_is_idle_time(ports):
    with meter_of(ports) as meter:
        ports.clock.time += 10
        meter.spent(4.0)
        meter.kept(3.0)
    (row,) = ports.records.rows()
    assert row.billed_seconds == pytest.approx(7.0)


def test_a_row_whose_reply_was_lost_is_written_once_and_as_it_was(ports):
    meter = meter_of(ports)
    ports.records.troubles = iter(["lost", "refused"])
    for _ in range(3):
        ports.clock.time += 60
        try:
            meter.write()
        except StoreUnavailable:
            continue
    assert [row.billed_seconds for row in ports.records.rows()] == [60.0, 60.0, 60.0]


def test_a_worker_that_cannot_write_its_last_row_ends_all_the_same(ports, caplog):
    ports.records.troubles = iter(["refused"] * 9)
    with meter_of(ports):
        ports.clock.time += 10
    assert "not in the ledger yet" in caplog.text


@pytest.mark.parametrize(
    ("place", "settings"), [(None, GOOGLE), (Place(execution="x", task=0), Settings(engines="parakeet-gpu"))]
)
def test_where_there_is_no_job_or_no_price_nothing_is_metered(ports, place, settings):
    ports.settings = settings
    with Meter(ports, place, "parakeet-gpu", ports.clock.now()) as meter:
        ports.clock.time += 60
        meter.spent(1.0)
    assert ports.records.documents == {}
    assert meter.worker == ("x.0" if place else "")


def test_a_meter_writes_by_itself_while_the_worker_works(ports, monkeypatch):
    monkeypatch.setattr(executions, "INTERVAL", 0.01)
    seen = []
    create = ports.records.create

    def noting(*arguments):
        seen.append(arguments)
        return create(*arguments)

    ports.records.create = noting
    deadline = time.monotonic() + 30
    with meter_of(ports):
        while not seen and time.monotonic() < deadline:
            ports.clock.time += 1
        assert seen


def test_an_ended_task_gets_one_row_for_what_its_rows_lack(ports):
    executions.reconcile(ports, POOLS)
    start = ports.clock.now()
    with meter_of(ports):
        ports.clock.time += 90.05
    end = ports.clock.now() + 1.0
    ports.gpu_jobs.tasks.append(
        TaskRun(execution="gpu-x", index=0, started=start - 3.0, ended=end, completed=end)
    )
    settle(ports)
    settle(ports)
    last = ports.records.rows()[-1]
    assert last.usd == pytest.approx((94.1 - 90.05) * RATE, abs=1e-9)
    assert last.billed_seconds == pytest.approx(4.05, abs=1e-3)
    assert len(ports.records.rows()) == 2


def test_a_task_is_accounted_only_when_its_last_rows_can_be_there(ports):
    executions.reconcile(ports, POOLS)
    now = ports.clock.now()
    ports.gpu_jobs.tasks.append(TaskRun(execution="x", index=0, started=now - 60, ended=now, completed=now))
    ports.clock.time += 60
    assert executions.reconcile(ports, POOLS) == 0
    ports.clock.time += 61
    assert executions.reconcile(ports, POOLS) == 1
    assert executions.reconcile(ports, POOLS) == 0


def test_a_task_that_shows_its_end_late_is_accounted_all_the_same(ports):
    executions.reconcile(ports, POOLS)
    end = ports.clock.now()
    settle(ports)
    ports.gpu_jobs.tasks.append(TaskRun(execution="x", index=0, started=end - 60, ended=end, completed=end))
    settle(ports)
    assert ledger.key_of(ports.records.rows()[0]) == "execution.x.0.end"


def test_on_one_machine_and_without_a_price_there_is_nothing_to_account(ports):
    ports.gpu_jobs.ended = None
    ports.settings = Settings(engines="parakeet-gpu")
    assert executions.reconcile(ports, POOLS) == 0
    ports.settings = replace(GOOGLE, engines="parakeet-cpu")
    ports.engines = ports.settings.engine_set
    assert executions.reconcile(ports, POOLS) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happens_the_rows_add_up_to_the_bills(seed):
    dice = random.Random(seed)
    ports = simulated()
    executions.reconcile(ports, POOLS)
    ports.records.troubles = iter(lambda: dice.choices(["", "lost", "refused"], [8, 1, 1])[0], None)
    hosted_bill = sum(run_hosted(ports, dice, number) for number in range(dice.randrange(10)))
    for number in range(dice.randrange(1, 5)):
        run_task(ports, dice, number)
        for _ in range(dice.randrange(3)):
            sweep(ports, dice)
    ports.records.troubles = iter(())
    ports.clock.time += 1000
    executions.reconcile(ports, POOLS)
    ports.clock.time += 1000
    assert executions.reconcile(ports, POOLS) == 0
    assert math.fsum(row.usd for row in ports.records.rows()) == pytest.approx(
        ports.gpu_jobs.bill() + hosted_bill, abs=1e-6
    )


def sweep(ports, dice):
    ports.clock.time += dice.uniform(1, 300)
    try:
        executions.reconcile(ports, POOLS)
    except StoreUnavailable:
        return


def run_hosted(ports, dice, number):
    """Calls of a hosted engine until one answers; gives what its provider bills for them."""
    billed = 0.0
    for attempt in range(1, 9):
        fate = dice.choice(["answered", "no reply", "refused before it began"])
        if fate != "refused before it began":
            usd = TABLE.hosted("deepgram", 60.0)
            billed += usd
            row = attempt_rows.worker_row(
                chunk_message(f"d{number}"), ports, engine="deepgram", attempt=f"m-{attempt}", busy_seconds=0,
                decoded=60.0, outcome="heard" if fate == "answered" else "lost",
            )  # fmt: skip
            write_surely(replace(row, usd=usd), ports)
        if fate == "answered":
            break
    return billed


def write_surely(row, ports):
    """As a function does that is delivered again until it is through."""
    while True:
        try:
            ledger.write(row, ports)
        except StoreUnavailable:
            continue
        return


def run_task(ports, dice, number):
    """One task: its instance starts, chunks come, some twice, some fail, and it ends by itself or is killed."""
    billed_from = ports.clock.now()
    ports.clock.time += dice.uniform(0, 20)
    meter = meter_of(ports, task=number)
    killed = dice.random() < 0.4
    for turn in range(dice.randrange(8)):
        ports.clock.time += dice.uniform(0, 40)
        if dice.random() < 0.5:
            meter._try_to_write()
        busy = dice.uniform(0, 30)
        ports.clock.time += busy
        meter.spent(busy)
        if dice.random() < 0.2:
            meter.lost(busy)
            continue
        again = dice.random() < 0.3
        row = attempt_rows.worker_row(
            chunk_message(f"t{number}", 0 if again else turn), ports, engine="parakeet-gpu", attempt=f"m-{turn}",
            busy_seconds=busy, decoded=60.0, outcome=dice.choice(["heard", "heard", "failed"]), worker=meter.worker,
        )  # fmt: skip
        try:
            ledger.write(row, ports)
        except StoreUnavailable:
            meter.lost(busy)
        else:
            meter.kept(busy)
    if not killed:
        ports.clock.time += dice.uniform(0, 70)
        meter.__exit__(None, None, None)
    ports.clock.time += dice.uniform(0, 3)
    end = ports.clock.now()
    ports.gpu_jobs.tasks.append(
        TaskRun(execution="gpu-x", index=number, started=billed_from, ended=end, completed=end)
    )
