"""Topics, subscriptions and their policies."""

from __future__ import annotations

import pytest

from shared import messages
from shared.errors import ConfigurationError
from shared.topology import LOCAL, Subscription, Topology


def test_back_off_doubles_up_to_its_cap():
    policy = Subscription(name="s", topic="t", min_backoff=1.0, max_backoff=10.0)
    assert [policy.backoff(attempt) for attempt in (1, 2, 3, 4, 5, 10_000)] == [1, 2, 4, 8, 10, 10]


def test_policy_is_exhausted_after_its_attempts_and_never_without_a_dead_letter_topic():
    assert [Subscription(name="s", topic="t").exhausted(n) for n in (4, 5, 6)] == [False, True, True]
    assert not Subscription(name="s", topic="t", dead_letter_topic=None).exhausted(99)
    assert not Subscription(name="s", topic="t", max_attempts=None).exhausted(99)


def test_every_topic_of_the_flow_can_be_published_to():
    for topic in (
        messages.AUDIO_FINALIZED,
        messages.CHUNKS_GPU,
        messages.CHUNKS_DEEPGRAM,
        messages.CHUNKS_DONE,
        messages.TRANSCRIPTS_READY,
        messages.DEAD_LETTERS,
    ):
        LOCAL.of_topic(topic)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigurationError, match="no topic"):
        LOCAL.of_topic("typo")
    with pytest.raises(ConfigurationError, match="no subscription"):
        LOCAL.subscription("typo")


@pytest.mark.parametrize(
    ("subscriptions", "message"),
    [
        ([Subscription(name="s", topic="t")], "dead letters of s would be lost"),
        ([Subscription(name="s", topic="other", dead_letter_topic=None)], "unknown topic"),
        ([Subscription(name="s", topic="t", dead_letter_topic=None)] * 2, "same name"),
    ],
)
def test_topology_that_cannot_work_is_refused(subscriptions, message):
    with pytest.raises(ConfigurationError, match=message):
        Topology(topics=("t", messages.DEAD_LETTERS), subscriptions=tuple(subscriptions))
