"""Queue over Pub/Sub: unary pull with explicit leases, publishing that waits for the server's answer.

Unary pull, not streaming pull: a stream gives a worker far more messages than it has room for, renews their
leases in the background and stops renewing after an hour. Here a worker holds only the messages that it asked
for, and their leases end when it does.

What the service guarantees, and the consequences for this adapter:

- An acknowledgement of an expired lease is accepted silently, unless the subscription delivers exactly once. So
  the adapter keeps the expiry of each lease it holds, and returns False after that.
- If a reply to `pull` is lost, its messages are unavailable until the subscription's own ack deadline, and the
  delivery counts. Keep that deadline short (Terraform: 10 s); leases are set independently of it.
- Attempts are counted only if the subscription has a dead letter policy; otherwise every attempt is the first.
- Every delivery counts, even if its receiver gives the message back unprocessed. So `postpone` publishes a new
  message with the number of deliveries that count, and acknowledges the old one.
- A nack cannot carry a reason. The reason goes to the log, with the id of the message.

Messages are published with the service's `Publish` call: the library's batching publisher waits 10 ms for more
messages in a thread of its own, which only delays a caller that must wait for the answer anyway.
"""

from __future__ import annotations

import math
import os
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import grpc  # type: ignore[import-untyped]  # grpcio publishes no types
from google.api_core import exceptions as google
from google.pubsub_v1 import PublisherClient, SubscriberClient

from shared.adapters import credentials
from shared.adapters.google_errors import RPC_SECONDS, is_transient, retrying, translated
from shared.adapters.pubsub_messages import MOST_MESSAGES, Held, LeasesInHand, again, batches, delivery
from shared.errors import BadRequest
from shared.telemetry import log
from shared.topology import topology

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from shared.ports import Delivery

API = "pubsub.googleapis.com"
LONGEST_LEASE = 600
"""Seconds (https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#modifyackdeadlinerequest)."""
SHORTEST_DEADLINE = 10.0
"""Shortest ack deadline of a subscription, seconds."""

Client = TypeVar("Client", PublisherClient, SubscriberClient)


class PubSubQueue:
    """Topics with subscriptions, delivered at least once. Thread-safe.

    Implements `shared.ports.Queue`. Clients are built on first use, after any fork. Needs roles/pubsub.publisher on the
    topics it publishes to and roles/pubsub.subscriber on the subscriptions it pulls from. If PUBSUB_EMULATOR_HOST is
    set it connects to that address, without credentials. A pull waits `pull_seconds` for the first message. The service
    answers sooner if there is one; if asked to answer immediately, it misses messages that it has.

    Raises:
        BadRequest: a message is larger than Pub/Sub allows, or a number is not positive.
        ConfigurationError: every method: the topic or subscription does not exist, or a permission is missing.
        StoreUnavailable: every method: no answer in time. What was published may have been anyway; a lease keeps its old
            expiry, and a message whose lease expires is redelivered, which counts.
    """

    def __init__(self, project: str, *, pull_seconds: float = 3.0) -> None:
        self.project = project
        self._topology = topology()
        self._pull_seconds = pull_seconds
        self._lock = threading.Lock()
        self._publisher: PublisherClient | None = None
        self._subscriber: SubscriberClient | None = None
        self._leases = LeasesInHand()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Publish a message, durable when this returns. Returns its id."""
        return self.publish_many(topic, [(data, attributes or {})])[0]

    def publish_many(self, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> list[str]:
        """Publish many messages in few requests; all are durable when this returns.

        Returns their ids in order. If it raises, some of the messages may have been published.
        """
        path = PublisherClient.topic_path(self.project, topic)
        ids: list[str] = []
        with translated(
            f"publishing to topic {topic} of project {self.project}",
            api=API,
            missing=f"Create it: terraform apply, or gcloud pubsub topics create {topic} "
            f"--project={self.project}",
            role=f"roles/pubsub.publisher on topic {topic}",
        ):
            client = self._publishing()
            for batch in batches(messages):
                response = client.publish(topic=path, messages=batch, retry=retrying(), timeout=RPC_SECONDS)
                ids += response.message_ids
        return ids

    def pull(self, subscription: str, limit: int, lease_seconds: float) -> list[Delivery]:
        """Up to `limit` messages, each under a lease, in no particular order.

        Waits for at most `pull_seconds`, and only for the first message. Leases have whole seconds, at most 600:
        a longer one is shortened, any other rounded up.
        """
        if limit < 1 or lease_seconds <= 0:
            raise BadRequest("a pull needs a limit of 1 or more and a lease of more than 0 seconds")
        with self._translated("pulling", subscription):
            try:
                response = self._subscribing().pull(
                    subscription=self._path(subscription),
                    max_messages=min(limit, MOST_MESSAGES),
                    retry=retrying(again=_is_broken, seconds=self._pull_seconds),
                    timeout=self._pull_seconds,
                )
            except google.DeadlineExceeded:
                return []
        deliveries = [delivery(one) for one in response.received_messages]
        if not deliveries:
            return []
        until = self._lease(subscription, [one.lease for one in deliveries], lease_seconds)
        for one in deliveries:
            self._leases.hold(subscription, one.lease, Held(delivery=one, until=until))
        return deliveries

    def extend(self, subscription: str, lease: str, lease_seconds: float) -> bool:
        """Renew a lease from now; False if it has expired, so that the message may be delivered elsewhere."""
        held = self._leases.get(subscription, lease)
        if held is None:
            return False
        seconds, now = _whole(lease_seconds), time.monotonic()
        if not self._modify(subscription, lease, seconds):
            return False
        self._leases.hold(subscription, lease, replace(held, until=now + seconds))
        return True

    def ack(self, subscription: str, lease: str) -> bool:
        """Acknowledge a message; False if the lease had expired (the message may be redelivered).

        True means that the service accepted it before the lease expired. Only a subscription with exactly-once
        delivery guarantees that the message is never redelivered then; on others it rarely is.
        """
        held = self._leases.get(subscription, lease)
        with self._translated("acknowledging a message of", subscription):
            call = partial(self._subscribing().acknowledge, ack_ids=[lease])
            # Sent even if the lease has expired: if the message was not redelivered yet, it never will be.
            taken = self._settled(call, subscription, lease)
        self._leases.forget(subscription, lease)
        return held is not None and taken

    def nack(self, subscription: str, lease: str, error: str = "") -> bool:
        """Give a message back; it is redelivered after the back-off, or goes to the dead letter topic."""
        held = self._leases.get(subscription, lease)
        if held is None:
            return False
        taken = self._modify(subscription, lease, 0)
        self._leases.forget(subscription, lease)
        if error:
            log.warning("%s: gave message %s back: %s", subscription, held.delivery.message_id, error)
        return taken

    def postpone(self, subscription: str, lease: str, seconds: float) -> bool:  # noqa: ARG002 - Pub/Sub cannot wait
        """Give a message back as if it had never been delivered; it is redelivered at once, with another id.

        If the process dies half-way, the message exists twice, as after any repeated publish.
        """
        held = self._leases.get(subscription, lease)
        if held is None:
            return False
        self.publish(self._topology.subscription(subscription).topic, *again(held.delivery))
        return self.ack(subscription, lease)

    def close(self) -> None:
        """Close the connections; the held leases expire."""
        for client in (self._publisher, self._subscriber):
            if client is not None:
                client.transport.close()  # type: ignore[no-untyped-call]  # the library left it untyped

    def _lease(self, subscription: str, leases: list[str], lease_seconds: float) -> float:
        """Set the duration of new leases; returns when they expire, on the monotonic clock."""
        seconds, now = _whole(lease_seconds), time.monotonic()
        try:
            with self._translated("leasing messages of", subscription):
                self._subscribing().modify_ack_deadline(
                    subscription=self._path(subscription),
                    ack_ids=leases,
                    ack_deadline_seconds=seconds,
                    retry=retrying(seconds=SHORTEST_DEADLINE / 2),
                    timeout=SHORTEST_DEADLINE / 2,
                )
        except Exception as error:  # noqa: BLE001 - the messages are here: losing them would count as a delivery
            log.warning("%s: the leases have the subscription's own ack deadline: %s", subscription, error)
            return now + min(seconds, SHORTEST_DEADLINE)
        return now + seconds

    def _modify(self, subscription: str, lease: str, seconds: int) -> bool:
        with self._translated("changing a lease of", subscription):
            call = partial(
                self._subscribing().modify_ack_deadline, ack_ids=[lease], ack_deadline_seconds=seconds
            )
            return self._settled(call, subscription, lease)

    def _settled(self, call: partial[None], subscription: str, lease: str) -> bool:
        """Make a call about one lease; False if the service says that it has expired."""
        try:
            call(
                subscription=self._path(subscription),
                retry=retrying(again=_is_unsettled),
                timeout=RPC_SECONDS,
            )
        except google.InvalidArgument:
            return False
        except google.GoogleAPICallError as error:
            if _said_of(error).get(lease, "").startswith("PERMANENT_FAILURE"):
                return False
            raise
        return True

    def _path(self, subscription: str) -> str:
        return SubscriberClient.subscription_path(self.project, subscription)

    def _translated(self, doing: str, subscription: str) -> AbstractContextManager[None]:
        return translated(
            f"{doing} subscription {subscription} of project {self.project}",
            api=API,
            missing=f"Create it: terraform apply, or gcloud pubsub subscriptions create {subscription} "
            f"--topic=… --project={self.project}",
            role=f"roles/pubsub.subscriber on subscription {subscription}",
        )

    def _publishing(self) -> PublisherClient:
        with self._lock:
            if self._publisher is None:
                self._publisher = client_of(PublisherClient)
            return self._publisher

    def _subscribing(self) -> SubscriberClient:
        with self._lock:
            if self._subscriber is None:
                self._subscriber = client_of(SubscriberClient)
            return self._subscriber


def _whole(seconds: float) -> int:
    return min(LONGEST_LEASE, max(1, math.ceil(seconds)))


def client_of(kind: type[Client]) -> Client:
    """A client of the service, or of the emulator at PUBSUB_EMULATOR_HOST."""
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return kind(credentials=credentials.default())
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(host, unlimited)))


def _is_broken(error: BaseException) -> bool:
    """Whether to retry a pull; one that reached its own deadline has found nothing and is not retried."""
    return is_transient(error) and not isinstance(error, google.DeadlineExceeded)


def _is_unsettled(error: BaseException) -> bool:
    """Whether to retry a call about leases.

    Exactly-once subscriptions name the leases for which a call failed, and whether the failure is permanent
    (https://cloud.google.com/pubsub/docs/exactly-once-delivery).
    """
    said = _said_of(error).values() if isinstance(error, google.GoogleAPICallError) else ()
    return any(one.startswith("TRANSIENT_FAILURE") for one in said) or (is_transient(error) and not said)


def _said_of(error: google.GoogleAPICallError) -> dict[str, str]:
    """The answer of an exactly-once subscription for each lease for which a call failed."""
    return dict(error.metadata or {})
