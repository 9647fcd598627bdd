"""One fixture for each port; a further implementation is one more entry in its table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from shared.topology import Subscription, topology
from tests.contract import cloud_storage, embedded, fire_store, pub_sub, shards


@dataclass(frozen=True, kw_only=True)
class Case:
    """One implementation of a port, open."""

    port: Any
    """The implementation under test."""
    reopen: Callable[[], Any]
    """Opens the same data again; may be sent to another process, which gets a context manager."""
    elapse: Callable[[float], None]
    """Lets that many seconds pass, in whatever time the implementation goes by."""


@dataclass(frozen=True, kw_only=True)
class QueueCase(Case):
    """One implementation of the queue, and how long its tests must wait."""

    lease: float
    """Seconds: a lease whose end a test waits for."""
    router: Subscription
    """The subscription most tests pull."""
    merger: Subscription
    """One whose back-offs are as short as can be."""
    patience: float
    """Real seconds within which something that is due must come."""


# Each entry takes the test's request and folder, and gives `reopen` and `elapse` of a Case.
STORES = {"local": partial(embedded.column, "store"), "google": cloud_storage.column}
RECORDS = {"local": partial(embedded.column, "records"), "google": fire_store.column}
SEARCHES = {"local": partial(embedded.column, "search"), "google": shards.column}
QUEUES = {"local": partial(embedded.column, "queue"), "google": pub_sub.column}
WAITS = {
    "local": {"topology": topology(), "lease": 60.0, "patience": 0.0},
    "google": {"topology": pub_sub.QUICK, "lease": 2.0, "patience": 10.0},
}


@contextlib.contextmanager
def _opened(column, request, folder, kind=Case, **more):
    reopen, elapse = column(request, folder)
    with reopen() as port:
        yield kind(port=port, reopen=reopen, elapse=elapse, **more)


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    with _opened(STORES[request.param], request, tmp_path) as case:
        yield case


@pytest.fixture(params=sorted(RECORDS))
def records(request, tmp_path):
    with _opened(RECORDS[request.param], request, tmp_path) as case:
        yield case


@pytest.fixture(params=sorted(SEARCHES))
def search(request, tmp_path):
    with _opened(SEARCHES[request.param], request, tmp_path) as case:
        yield case


@pytest.fixture(params=sorted(QUEUES))
def queue(request, tmp_path):
    waits = dict(WAITS[request.param])
    topology = waits.pop("topology")
    waits |= {name: topology.subscription(name) for name in ("router", "merger")}
    with _opened(QUEUES[request.param], request, tmp_path, QueueCase, **waits) as case:
        yield case
