"""One fixture for each port; a further implementation is one more entry in its table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.contract import cloud_storage, embedded


@dataclass(frozen=True, kw_only=True)
class Case:
    """One implementation of a port, open."""

    port: Any
    """The implementation under test."""
    reopen: Callable[[], Any]
    """Opens the same data again; may be sent to another process, which gets a context manager."""
    elapse: Callable[[float], None]
    """Lets that many seconds pass, in whatever time the implementation goes by."""


# Each entry takes the test's request and folder, and gives `reopen` and `elapse` of a Case.
STORES = {"local": partial(embedded.column, "store"), "google": cloud_storage.column}
RECORDS = {"local": partial(embedded.column, "records")}
QUEUES = {"local": partial(embedded.column, "queue")}


@contextlib.contextmanager
def _opened(column, request, folder):
    reopen, elapse = column(request, folder)
    with reopen() as port:
        yield Case(port=port, reopen=reopen, elapse=elapse)


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    with _opened(STORES[request.param], request, tmp_path) as case:
        yield case


@pytest.fixture(params=sorted(RECORDS))
def records(request, tmp_path):
    with _opened(RECORDS[request.param], request, tmp_path) as case:
        yield case


@pytest.fixture(params=sorted(QUEUES))
def queue(request, tmp_path):
    with _opened(QUEUES[request.param], request, tmp_path) as case:
        yield case
