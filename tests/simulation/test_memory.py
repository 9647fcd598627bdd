"""The ports in memory pass the contract tests of the real ones, but for those that need a second process."""

from __future__ import annotations

import inspect

import pytest

from shared.topology import topology
from tests.contract import test_queue as queues
from tests.contract import test_records as records
from tests.contract import test_store as stores
from tests.contract.conftest import Case, QueueCase
from tests.contract.test_store import NAMES
from tests.simulation.memory import MemoryQueue, MemoryRecords, MemoryStore


def contract(module):
    """The tests of a contract that need one process and one argument, by their names."""
    return [
        test
        for name, test in vars(module).items()
        if name.startswith("test_")
        and len(inspect.signature(test).parameters) == 1
        and "reopen" not in inspect.getsource(test)
    ]


class Clock:
    def __init__(self):
        self.time = 1_700_000_000.0

    def now(self):
        return self.time

    def advance(self, seconds):
        self.time += seconds


def name_of(test):
    return test.__name__


@pytest.mark.parametrize("test", contract(stores), ids=name_of)
def test_store(test):
    test(Case(port=MemoryStore(Clock()), reopen=None, elapse=None))


@pytest.mark.parametrize("name", NAMES)
def test_store_takes_any_name(name):
    port = MemoryStore(Clock())
    assert port.create("work", name, b"content", "text/plain")
    assert [one.name for one in port.list("work")] == [name]


@pytest.mark.parametrize("test", contract(records), ids=name_of)
def test_records(test):
    test(Case(port=MemoryRecords(), reopen=None, elapse=None))


@pytest.mark.parametrize("test", contract(queues), ids=name_of)
def test_queue(test):
    clock, every = Clock(), topology()
    case = QueueCase(
        port=MemoryQueue(clock),
        reopen=None,
        elapse=clock.advance,
        lease=60.0,
        router=every.subscription("router"),
        merger=every.subscription("merger"),
        patience=0.0,
    )
    test(case)


def test_enough_of_each_contract_is_tested():
    assert min(len(contract(one)) for one in (stores, records, queues)) >= 10
