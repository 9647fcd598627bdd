"""A queue over a relay to the Pub/Sub emulator, through which a test sees and disturbs every call."""

from __future__ import annotations

import os
from unittest import mock

import pytest
from test_utils.prefixer import Prefixer

from shared.adapters.pubsub import PubSubQueue
from shared.topology import topology
from tests import pubsub_topology
from tests.adapters.relay import relay_to

NAMES = Prefixer("dropscribe", "pubsub", separator="-")


@pytest.fixture
def relay(pubsub_address):
    with relay_to(pubsub_address) as relay:
        yield relay


@pytest.fixture
def queue(relay):
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": relay.address}):
        opened = PubSubQueue(NAMES.create_prefix(), pull_seconds=pubsub_topology.AT_ONCE)
        pubsub_topology.ensure(opened.project, topology())
        relay.calls.clear()
        yield opened
        opened.close()
