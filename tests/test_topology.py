"""Topics, subscriptions and their policies."""

from __future__ import annotations

import pytest

from shared import messages
from shared.engines import DEEPGRAM, PARAKEET_CPU, PARAKEET_GPU, hosted_specs
from shared.errors import ConfigurationError
from shared.recovery.dead_letter import MOST_ROUNDS
from shared.recovery.fallback import MOST_FAILURES
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER, Subscription, Topology, topology
from tests.test_architecture import ROOT

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def test_back_off_doubles_up_to_its_cap():
    policy = Subscription(name="s", topic="t", min_backoff=1.0, max_backoff=10.0)
    assert [policy.backoff(attempt) for attempt in (1, 2, 3, 4, 5, 10_000)] == [1, 2, 4, 8, 10, 10]


def test_policy_is_exhausted_after_its_attempts_and_never_without_a_dead_letter_topic():
    policy = Subscription(name="s", topic="t", max_attempts=5)
    assert [policy.exhausted(n) for n in (4, 5, 6)] == [False, True, True]
    assert not Subscription(name="s", topic="t", dead_letter_topic=None).exhausted(99)
    assert not Subscription(name="s", topic="t", max_attempts=None).exhausted(99)


def test_every_topic_of_the_flow_can_be_published_to():
    for topic in (
        messages.AUDIO_FINALIZED,
        PARAKEET_GPU.topic,
        PARAKEET_CPU.topic,
        DEEPGRAM.topic,
        messages.CHUNKS_DONE,
        messages.TRANSCRIPTS_READY,
        messages.DEAD_LETTERS,
    ):
        topology().of_topic(topic)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigurationError, match="no topic"):
        topology().of_topic("typo")
    with pytest.raises(ConfigurationError, match="no subscription"):
        topology().subscription("typo")


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


def waits(policy):
    return sum(policy.backoff(attempt) for attempt in range(1, policy.max_attempts))


def test_there_is_about_an_hour_to_mend_what_is_set_up_wrongly():
    for name in (ROUTER, REQUESTS, MERGER):
        assert 50 * 60 <= waits(topology().subscription(name)) <= 70 * 60
    for name in (PARAKEET_GPU.subscription, PARAKEET_CPU.subscription):
        assert 8 * 60 <= waits(topology().subscription(name)) <= 10 * 60


@pytest.mark.parametrize(
    ("name", "page", "sentence"),
    [
        (ROUTER, "google-cloud.md", "with growing pauses, for about {} ("),
        (ROUTER, "runbook.md", "are tried again for about {} before"),
        (PARAKEET_GPU.subscription, "google-cloud.md", "(a chunk that its engine fails: {})"),
        (DEEPGRAM.subscription, "fallback.md", "(about {}; `dropscribe transcribe` gives up"),
        (DEEPGRAM.subscription, "deepgram.md", "the chunk is delivered again for {}, so that"),
        (DEEPGRAM.subscription, "deepgram.md", "after {} it goes to another engine"),
    ],
)
def test_guides_say_how_long_retries_last(name, page, sentence):
    minutes = round(waits(topology().subscription(name)) / 60)
    said = sentence.format("an hour" if 55 <= minutes <= 65 else f"{NUMBERS[minutes]} minutes")
    assert said in (ROOT / "docs" / page).read_text("utf-8")


def test_the_guide_of_fallback_says_after_how_many_failures_an_engine_is_given_up():
    text = (ROOT / "docs" / "fallback.md").read_text("utf-8")
    most = NUMBERS[topology().subscription(DEEPGRAM.subscription).max_attempts]
    assert f"the next engine after {most} failures" in text
    assert f"({NUMBERS[MOST_FAILURES]}; of Deepgram {most})" in text
    assert f"published again, up to {NUMBERS[MOST_ROUNDS]} times" in text


def test_policies_are_such_as_pubsub_takes():
    # https://cloud.google.com/pubsub/docs/handling-failures, https://cloud.google.com/pubsub/docs/handling-failures#exponential_backoff
    for one in topology(webhooks=True).subscriptions:
        assert 0 <= one.min_backoff <= one.max_backoff <= 600
        assert one.max_attempts is None or 5 <= one.max_attempts <= 100


def test_somebody_who_waits_hears_of_a_failure_within_half_a_minute():
    hurried = topology().hurried()
    hosted = {one.subscription for one in hosted_specs()}
    ours = [one for one in hurried.subscriptions if one.max_attempts and one.name not in hosted]
    assert all(waits(one) <= 30 for one in ours)
    assert hurried.subscription(DEEPGRAM.subscription) == topology().subscription(DEEPGRAM.subscription)
    assert hurried.subscription(DEAD_LETTERS).max_attempts is None
    assert hurried.topics == topology().topics
