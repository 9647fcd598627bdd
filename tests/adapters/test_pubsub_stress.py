"""A thousand messages, four pullers that fail in every way they can: each message ends somewhere."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from google.pubsub_v1 import SubscriberClient
from test_utils.prefixer import Prefixer

from shared.adapters.pubsub import PubSubQueue, client_of
from shared.topology import Subscription, Topology
from tests import pubsub_topology

NAMES = Prefixer("dropscribe", "stress", separator="-")
MESSAGES, PULLERS, PATIENCE = 1000, 4, 60.0
LEASE = 2.0
UNHURRIED = 60.0
"""Lease where none may run out, however busy the machine is: the emulator would lose messages, see below."""
QUICK = {"min_backoff": 0.1, "max_backoff": 0.1}
WORKER = Subscription(name="worker", topic="chunks", max_attempts=5, dead_letter_topic="letters", **QUICK)
TOPOLOGY = Topology(
    topics=("chunks", "letters"),
    subscriptions=(
        WORKER,
        # In the same project, with copies of the same messages: leases must not be confused between the two.
        Subscription(name="other", topic="chunks", max_attempts=None, dead_letter_topic=None, **QUICK),
        Subscription(name="letters", topic="letters", max_attempts=None, dead_letter_topic=None, **QUICK),
    ),
)


@pytest.fixture
def project(pubsub_address):
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": pubsub_address}):
        yield NAMES.create_prefix()


class Run:
    """What became of each message, as its pullers saw it."""

    def __init__(self, project, *, expiring):
        self.project = project
        self.expiring = expiring
        self.lease = LEASE if expiring else UNHURRIED
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.done = set()
        self.buried = set()
        self.deliveries = 0

    def pull(self, seed):
        """Acknowledge, give back, renew, repeat oneself, or keep a message too long, by chance."""
        chance, queue, kept = (
            random.Random(seed),
            PubSubQueue(self.project, pull_seconds=pubsub_topology.AT_ONCE),
            [],
        )
        try:
            while not self.stop.is_set():
                for one in queue.pull("worker", chance.randint(1, 50), self.lease):
                    with self.lock:
                        self.deliveries += 1
                    what = chance.random()
                    if what < 0.2:
                        queue.nack("worker", one.lease)
                        # A renewal that was on its way may come after that, and so may another of the same.
                        queue.extend("worker", one.lease, self.lease)
                        queue.nack("worker", one.lease)
                    elif what < 0.3:
                        queue.extend("worker", one.lease, 2 * self.lease)
                        self._finish(queue, one)
                    elif what < 0.4 and self.expiring:
                        kept.append((time.monotonic() + LEASE + 0.2, one))
                    else:
                        self._finish(queue, one)
                for one in [one for one in kept if one[0] <= time.monotonic()]:
                    kept.remove(one)
                    # Nothing that is said of a lease that has ended may touch the delivery after it.
                    queue.extend("worker", one[1].lease, LEASE)
                    queue.nack("worker", one[1].lease)
        finally:
            queue.close()

    def bury(self):
        """Take the dead letters."""
        queue = PubSubQueue(self.project, pull_seconds=pubsub_topology.AT_ONCE)
        try:
            while not self.stop.is_set():
                for one in queue.pull("letters", 100, 30.0):
                    with self.lock:
                        self.buried.add(one.data)
                    queue.ack("letters", one.lease)
        finally:
            queue.close()

    def ended(self):
        with self.lock:
            return self.done | self.buried

    def _finish(self, queue, one):
        assert queue.ack("worker", one.lease)
        queue.ack("worker", one.lease)
        with self.lock:
            self.done.add(one.data)


def without_back_off(project):
    """The worker's subscription without a retry policy.

    With one the emulator forgets messages whose leases have run out twice, where they were several: plain
    calls of its client show it (pull 10, wait for the end of the leases, three times).
    """
    wanted = pubsub_topology.subscription(project, WORKER)
    wanted.retry_policy = None
    with client_of(SubscriberClient) as subscribing:
        subscribing.delete_subscription(subscription=wanted.name)
        subscribing.create_subscription(request=wanted)


@pytest.mark.slow
@pytest.mark.parametrize("expiring", [False, True], ids=["with back-off", "with leases that run out"])
def test_no_message_is_lost_by_pullers_that_fail_in_every_way(project, expiring):
    pubsub_topology.ensure(project, TOPOLOGY)
    if expiring:
        without_back_off(project)
    run, publisher = (
        Run(project, expiring=expiring),
        PubSubQueue(project, pull_seconds=pubsub_topology.AT_ONCE),
    )
    with ThreadPoolExecutor(PULLERS + 1) as pool:
        working = [pool.submit(run.pull, seed) for seed in range(PULLERS)] + [pool.submit(run.bury)]
        try:
            wanted = {b"%d" % number for number in range(MESSAGES)}
            ids = publisher.publish_many("chunks", [(data, {}) for data in wanted])
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and run.ended() != wanted:
                time.sleep(0.1)
        finally:
            run.stop.set()
    for one in working:
        one.result()
    missing = wanted - run.ended()
    assert not missing, f"{len(missing)} of {MESSAGES} messages ended nowhere"
    assert run.deliveries > MESSAGES
    assert {one.message_id for one in drain(publisher, "other")} == set(ids)
    publisher.close()


def drain(queue, subscription):
    found = []
    while taken := queue.pull(subscription, 1000, 60.0):
        found += taken
    return found
