"""The Pub/Sub column for the contract tests: a project of its own for each test, in real time."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from functools import partial
from unittest import mock

from test_utils.prefixer import Prefixer

from shared.adapters.pubsub import PubSubQueue
from shared.topology import Topology, topology
from tests.pubsub_topology import AT_ONCE, ensure

NAMES = Prefixer("dropscribe", "contract", separator="-")


def _quick(one):
    wait = 1.0 if one.name == "router" else 0.1
    return replace(one, min_backoff=wait, max_backoff=wait, max_attempts=one.max_attempts and 5)


QUICK = Topology(
    topics=topology().topics, subscriptions=tuple(_quick(one) for one in topology().subscriptions)
)
"""Tests wait for back-offs as long as the service does."""


def column(request, _folder):
    """How to open the port on a project of its own, and how to let time pass."""
    address = request.getfixturevalue("pubsub_address")
    project = NAMES.create_prefix()
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": address}):
        ensure(project, QUICK)
    return partial(reopen, address, project), time.sleep


@contextlib.contextmanager
def reopen(address, project):
    """Open the port on a project."""
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": address}):
        opened = PubSubQueue(project, pull_seconds=AT_ONCE)
        try:
            yield opened
        finally:
            opened.close()
