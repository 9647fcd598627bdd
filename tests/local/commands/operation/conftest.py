"""The command line of an operator."""

from __future__ import annotations

import fcntl

import pytest


@pytest.fixture
def up_runs(tmp_path):
    """Whatever is asked for, a `dropscribe up` would do it."""
    (tmp_path / "state").mkdir(exist_ok=True)
    with (tmp_path / "state" / "up.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


@pytest.fixture
def call(ask):
    return ask
