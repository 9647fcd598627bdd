"""Clients of Pub/Sub, and which of its errors are retried."""

from __future__ import annotations

import os
from typing import TypeVar

import grpc  # type: ignore[import-untyped]  # grpcio publishes no types
from google.api_core import exceptions as google
from google.pubsub_v1 import PublisherClient, SubscriberClient

from shared.adapters import credentials
from shared.adapters.google_errors import is_transient

API = "pubsub.googleapis.com"
Client = TypeVar("Client", PublisherClient, SubscriberClient)


def client_of(kind: type[Client]) -> Client:
    """A client of the service, or of the emulator at PUBSUB_EMULATOR_HOST."""
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return kind(credentials=credentials.default())
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(host, unlimited)))


def is_broken(error: BaseException) -> bool:
    """Whether to retry a pull; one that reached its own deadline has found nothing and is not retried."""
    return is_transient(error) and not isinstance(error, google.DeadlineExceeded)


def is_unsettled(error: BaseException) -> bool:
    """Whether to retry a call about leases.

    Exactly-once subscriptions name the leases for which a call failed, and whether the failure is permanent
    (https://cloud.google.com/pubsub/docs/exactly-once-delivery).
    """
    said = said_of(error).values() if isinstance(error, google.GoogleAPICallError) else ()
    return any(one.startswith("TRANSIENT_FAILURE") for one in said) or (is_transient(error) and not said)


def said_of(error: google.GoogleAPICallError) -> dict[str, str]:
    """The answer of an exactly-once subscription for each lease for which a call failed."""
    return dict(error.metadata or {})
