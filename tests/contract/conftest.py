"""One fixture for each port; a further implementation is one more entry in a table below."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.contract import embedded


@dataclass(frozen=True, kw_only=True)
class Case:
    """One implementation of a port, open."""

    port: Any
    """The implementation under test."""
    reopen: Callable[[], Any]
    """Opens the same data again; may be sent to another process, which gets a context manager."""
    elapse: Callable[[float], None]
    """Lets that many seconds pass, in whatever time the implementation goes by."""


OPEN = {"local": embedded.reopen}


@pytest.fixture(params=sorted(OPEN))
def open_port(request, tmp_path):
    """Gives a Case for the name of a port."""
    with contextlib.ExitStack() as stack:

        def opened(port):
            reopen = partial(OPEN[request.param], port, tmp_path)
            elapse = partial(embedded.elapse, tmp_path)
            return Case(port=stack.enter_context(reopen()), reopen=reopen, elapse=elapse)

        yield opened


@pytest.fixture
def store(open_port):
    return open_port("store")


@pytest.fixture
def records(open_port):
    return open_port("records")


@pytest.fixture
def queue(open_port):
    return open_port("queue")
