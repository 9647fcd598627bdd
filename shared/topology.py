"""Topics and subscriptions of a deployment, with the back-off of their retries: pure data.

    topic                subscription    delivery
    audio-finalized      router          push to functions/router
    transcribe-requests  requests        push to functions/router
    chunks-gpu           gpu-worker      pull by the workers with a GPU
    chunks-cpu           cpu-worker      pull by the workers without a GPU; if there are none, by those with one
    chunks-gpu-canary    gpu-worker-canary   pull by the next release's workers with a GPU, while it is rolled out
    chunks-ENGINE        ENGINE          push to functions/hosted, one for each hosted engine
    chunks-done          merger          push to functions/merger
    dead-letters         dead-letters    push to functions/sweeper
    transcripts-ready    webhooks        push to functions/webhooks, if there is a webhook URL
    budget-alerts        webhooks-budget the same

Without webhooks, `transcripts-ready` and `budget-alerts` have no subscription here. As in Pub/Sub, a message to a topic
without a subscription is discarded. Hosted engines and webhooks have a back-off of their own (`_of_engine`,
`_of_webhooks`), not that of `Subscription`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared import engines, messages
from shared.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A subscription to a topic, with its retry policy."""

    name: str
    """Name of the subscription."""
    topic: str
    """The topic of its messages."""
    min_backoff: float = 1.0
    """Seconds until a message is redelivered after its first nack."""
    max_backoff: float = 600.0
    """Longest back-off, seconds; it doubles with every nack up to here. The most that Pub/Sub allows."""
    max_attempts: int | None = 15
    """Deliveries until a message goes to the dead letter topic; None: it is redelivered for ever. Fifteen take about
    an hour, in which a wrong set-up can be fixed; Pub/Sub allows 5 to 100."""
    dead_letter_topic: str | None = messages.DEAD_LETTERS

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after the nack of delivery number `attempt`."""
        # Without a bound on the exponent the power would overflow, long after the cap is reached.
        return min(self.max_backoff, self.min_backoff * 2.0 ** min(attempt - 1, 60))

    def exhausted(self, attempt: int) -> bool:
        """True if delivery number `attempt` is the last one."""
        return self.dead_letter_topic is not None and (
            self.max_attempts is not None and attempt >= self.max_attempts
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """All topics and subscriptions of a deployment.

    Raises:
        ConfigurationError: a name is used twice, a topic is unknown, or dead letters would be lost.
    """

    topics: tuple[str, ...]
    """Names of the topics."""
    subscriptions: tuple[Subscription, ...]

    def __post_init__(self) -> None:
        names = [one.name for one in self.subscriptions]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"two subscriptions have the same name: {sorted(names)}")
        heard = {one.topic for one in self.subscriptions}
        for one in self.subscriptions:
            if one.topic not in self.topics:
                raise ConfigurationError(f"subscription {one.name} listens to unknown topic {one.topic}")
            if one.dead_letter_topic is not None and one.dead_letter_topic not in heard:
                raise ConfigurationError(
                    f"dead letters of {one.name} would be lost: {one.dead_letter_topic} has no subscription"
                )

    def subscription(self, name: str) -> Subscription:
        """One subscription by its name.

        Raises:
            ConfigurationError: there is none with that name.
        """
        for one in self.subscriptions:
            if one.name == name:
                return one
        raise ConfigurationError(f"there is no subscription {name}: add it to the topology")

    def hurried(self) -> Topology:
        """The same for a caller who waits for the end: at most five deliveries, which take a quarter of a minute.

        Hosted engines keep their retry policy: a call that they refuse now may succeed in some minutes.
        """
        hosted = {one.subscription for one in engines.hosted_specs()}
        return replace(
            self,
            subscriptions=tuple(
                one if one.name in hosted else replace(one, max_attempts=one.max_attempts and 5)
                for one in self.subscriptions
            ),
        )

    def of_topic(self, topic: str) -> tuple[Subscription, ...]:
        """The subscriptions of a topic; there may be none.

        Raises:
            ConfigurationError: there is no such topic.
        """
        if topic not in self.topics:
            raise ConfigurationError(f"there is no topic {topic}: add it to the topology")
        return tuple(one for one in self.subscriptions if one.topic == topic)


ROUTER = "router"
REQUESTS = "requests"
EXPORTER = "exporter"
"""Hands finished transcripts of the inbox to a person; only on one machine, and no part of `topology()`."""
MERGER = "merger"
DEAD_LETTERS = "dead-letters"
WEBHOOKS = "webhooks"
WEBHOOKS_BUDGET = "webhooks-budget"


def topology(*, webhooks: bool = False) -> Topology:
    """The topics and subscriptions of every deployment, those of all known engines included.

    Args:
        webhooks: whether there is a webhook URL.
    """
    return Topology(
        topics=(
            messages.AUDIO_FINALIZED,
            messages.TRANSCRIBE_REQUESTS,
            *(topic for one in engines.ENGINES.values() for topic in (one.topic, one.canary_topic) if topic),
            messages.CHUNKS_DONE,
            messages.TRANSCRIPTS_READY,
            messages.DEAD_LETTERS,
            messages.BUDGET_ALERTS,
        ),
        subscriptions=(
            Subscription(name=ROUTER, topic=messages.AUDIO_FINALIZED),
            Subscription(name=REQUESTS, topic=messages.TRANSCRIBE_REQUESTS),
            *(_of_engine(one) for one in engines.ENGINES.values()),
            *(
                _of_engine(replace(one, topic=one.canary_topic, subscription=one.canary_subscription))
                for one in engines.ENGINES.values()
                if one.canary_topic
            ),
            Subscription(name=MERGER, topic=messages.CHUNKS_DONE),
            Subscription(
                name=DEAD_LETTERS, topic=messages.DEAD_LETTERS, max_attempts=None, dead_letter_topic=None
            ),
            *(_of_webhooks() if webhooks else ()),
        ),
    )


def _of_webhooks() -> tuple[Subscription, ...]:
    # Their function gives up after a day and keeps the dead letter itself: a hundred deliveries, the most that Pub/Sub
    # counts, are sixteen hours.
    topics = {WEBHOOKS: messages.TRANSCRIPTS_READY, WEBHOOKS_BUDGET: messages.BUDGET_ALERTS}
    return tuple(
        Subscription(name=name, topic=topic, min_backoff=10.0, max_attempts=None, dead_letter_topic=None)
        for name, topic in topics.items()
    )


def _of_engine(spec: engines.EngineSpec) -> Subscription:
    if spec.hosted is None:
        # Nine minutes in total: a worker finds a missing requirement at its start, and a chunk that kills its
        # worker should not kill many.
        return Subscription(name=spec.subscription, topic=spec.topic, max_attempts=10)
    # Ten minutes in total: rate limits and failures of a service often last for minutes.
    return Subscription(
        name=spec.subscription, topic=spec.topic, min_backoff=5.0, max_backoff=300.0, max_attempts=8
    )
