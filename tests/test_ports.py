"""Test processes that start servers at the same time do not take each other's ports."""

from __future__ import annotations

from tests.contract.processes import killed
from tests.ports import PORTS, free_port


def _choose(say):
    say([free_port() for _ in range(300)])


def test_no_two_processes_choose_the_same_port():
    ours = {free_port() for _ in range(300)}
    theirs = killed(_choose)
    assert len(ours | set(theirs)) == 600
    assert all(port in PORTS for port in theirs)
