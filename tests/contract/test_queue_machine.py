"""A queue against its model: messages that wait, are leased, or are done, by the clock of the implementation."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE
from shared.topology import Topology
from tests.contract.machines import COLUMNS, Machine, play
from tests.contract.pub_sub import QUICK

TOPICS = {"router": AUDIO_FINALIZED, "merger": CHUNKS_DONE}
LETTERS = QUICK.subscription("dead-letters").name

names = st.sampled_from(sorted(TOPICS))
leases = st.sampled_from([60.0, 300.0])


@dataclass
class Message:
    """One message for one subscription."""

    subscription: str
    data: bytes
    attributes: dict
    message_id: str = ""
    """Empty while it is not known."""
    attempt: int = 0
    """Of its last delivery."""
    counted: int = 0
    """Deliveries that count for the dead letters."""
    lease: str = ""
    """Empty while it waits."""
    due: float = 0.0
    """When it may come again, or when its lease ends."""
    done: bool = False


def renamed(topology, suffix):
    """The same with other names."""
    subscriptions = (
        replace(
            one,
            name=one.name + suffix,
            topic=one.topic + suffix,
            dead_letter_topic=one.dead_letter_topic and one.dead_letter_topic + suffix,
        )
        for one in topology.subscriptions
    )
    return Topology(topics=tuple(one + suffix for one in topology.topics), subscriptions=tuple(subscriptions))


class QueueMachine(Machine):
    """Time passes here by the hand of the test; on an emulator it is real, so there nothing waits for a lease to end.

    An emulator gives back at once what the service would let wait, so there a message that was given back may come at
    any time.
    """

    is_here = True

    def __init__(self, case):
        super().__init__(case)
        # Histories that fail leave messages behind: here each has subscriptions of its own.
        self.suffix = f"-{self.number}" if self.is_here else ""
        self.topology = renamed(QUICK, self.suffix)
        if self.is_here:
            case.real.topology = self.topology
        self.now = 0.0
        self.messages = {}
        """By subscription and data, which are different for every message."""
        self.spent = []
        """Leases that are worth nothing, with their subscriptions."""

    def gives_up(self, message):
        return self.topology.subscription(message.subscription).exhausted(message.counted)

    def made(self, name, attributes):
        data = b"%d.%d" % (self.number, len(self.messages))
        message = Message(subscription=name + self.suffix, data=data, attributes=attributes, due=self.now)
        self.messages[message.subscription, data] = message
        return message

    @rule(name=names, attributes=st.sampled_from([{}, {"recording": "été"}]))
    def publish(self, name, attributes):
        message = self.made(name, attributes)
        message.message_id = self.port.publish(TOPICS[name] + self.suffix, message.data, attributes)

    @rule(name=names, count=st.integers(0, 4))
    def publish_many(self, name, count):
        made = [self.made(name, {}) for _ in range(count)]
        ids = self.port.publish_many(TOPICS[name] + self.suffix, [(one.data, {}) for one in made])
        for one, message_id in zip(made, ids, strict=True):
            one.message_id = message_id

    def available(self, name):
        return [
            one
            for one in self.messages.values()
            if one.subscription == name and not one.done and not self.gives_up(one) and self.is_due(one)
        ]

    def is_due(self, message):
        return message.due <= self.now if self.is_here else not message.lease

    @rule(name=st.sampled_from([*TOPICS, LETTERS]), limit=st.integers(1, 5), lease=leases)
    def pull(self, name, limit, lease):
        self.pulled(name + self.suffix, limit, lease)

    def pulled(self, name, limit, lease):
        available = self.available(name)
        found = self.port.pull(name, limit, lease)
        assert len(found) <= limit
        for delivery in list(found):
            if not delivery.data.startswith(b"%d." % self.number):
                assert not self.is_here
                found.remove(delivery)
                continue
            message = self.messages.get((name, delivery.data))
            if name == self.letters and message is None:
                message = self.buried(delivery)
            else:
                assert message in available
            self.delivered(message, delivery, lease)
        if self.is_here and name != self.letters:
            assert len(found) == min(limit, len(available))
        return found

    def buried(self, delivery):
        """The new message that a dead letter is."""
        source = delivery.attributes["CloudPubSubDeadLetterSourceSubscription"]
        dead = self.messages[source, delivery.data]
        assert self.gives_up(dead)
        assert not dead.done
        assert dead.attributes.items() <= dict(delivery.attributes).items()
        assert delivery.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(dead.counted)
        dead.done = True
        letter = Message(subscription=self.letters, data=dead.data, attributes=dict(delivery.attributes))
        self.messages[self.letters, dead.data] = letter
        return letter

    def delivered(self, message, delivery, lease):
        if message.lease:
            self.spent.append((message.subscription, message.lease))
        assert delivery.message_id == (message.message_id or delivery.message_id)
        assert dict(delivery.attributes) == message.attributes
        message.attempt += 1
        message.counted += 1
        assert delivery.attempt == message.attempt or message.subscription == self.letters
        message.message_id, message.lease = delivery.message_id, delivery.lease
        message.due = self.now + lease

    @property
    def letters(self):
        return LETTERS + self.suffix

    @property
    def leased(self):
        return sorted(key for key, one in self.messages.items() if one.lease and not one.done)

    def ends(self, data):
        """A leased message, and whether its lease still holds."""
        message = self.messages[data.draw(st.sampled_from(self.leased))]
        return message, not self.is_here or message.due > self.now

    def set_free(self, message, due):
        self.spent.append((message.subscription, message.lease))
        message.lease, message.due = "", due

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), lease=leases)
    def extend(self, data, lease):
        message, holds = self.ends(data)
        assert self.port.extend(message.subscription, message.lease, lease) == holds
        if holds:
            message.due = self.now + lease

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def ack(self, data):
        message, holds = self.ends(data)
        assert self.port.ack(message.subscription, message.lease) == holds
        if holds:
            message.done = True
            self.set_free(message, self.now)

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def nack(self, data):
        message, holds = self.ends(data)
        assert self.port.nack(message.subscription, message.lease, "it failed") == holds
        if holds:
            self.set_free(
                message, self.now + self.topology.subscription(message.subscription).backoff(message.attempt)
            )

    @precondition(lambda self: self.leased)
    @rule(data=st.data(), seconds=st.sampled_from([0.0, 5.0]))
    def postpone(self, data, seconds):
        message, holds = self.ends(data)
        assert self.port.postpone(message.subscription, message.lease, seconds) == holds
        if holds:
            self.set_free(message, self.now + seconds)
            message.message_id = ""
            message.attempt -= 1
            # Pub/Sub is given a new message, and counts from one.
            message.counted = message.attempt if self.is_here else 0

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def use_a_lease_that_has_ended(self, data):
        name, lease = data.draw(st.sampled_from(self.spent))
        assert not self.port.extend(name, lease, 60.0)
        assert not self.port.nack(name, lease)
        assert not self.port.postpone(name, lease, 0.0)
        assert not self.port.ack(name, lease)

    @precondition(lambda self: self.is_here)
    @rule(seconds=st.sampled_from([0.0625, 0.5, 1.0, 5.0, 60.0, 300.0]))
    def elapse(self, seconds):
        self.case.elapse(seconds)
        self.now += seconds

    def teardown(self):
        """Whatever is neither done nor given up comes once more, and the rest is among the dead letters."""
        for key in self.leased:
            message = self.messages[key]
            if self.port.ack(message.subscription, message.lease):
                message.done = True
        if self.is_here:
            self.case.elapse(1000.0)
            self.now += 1000.0
        until = time.monotonic() + self.case.patience
        while True:
            for name in [*(one + self.suffix for one in TOPICS), self.letters]:
                while found := self.pulled(name, 5, 600.0):
                    for one in found:
                        assert self.port.ack(name, one.lease)
                        self.messages[name, one.data].done = True
            if all(one.done for one in self.messages.values()) or time.monotonic() > until:
                break
        assert [one for one in self.messages.values() if not one.done] == []


class OnAnEmulator(QueueMachine):
    is_here = False


@pytest.mark.parametrize("queue", COLUMNS, indirect=True)
def test_a_queue_is_a_set_of_messages(queue, request):
    is_here = "local" in request.node.name
    case = SimpleNamespace(port=queue.port, real=queue.port, elapse=queue.elapse, patience=queue.patience)
    play(QueueMachine if is_here else OnAnEmulator, case, is_here=is_here)
