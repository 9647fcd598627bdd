"""Serve with `functions-framework --source functions/router/main.py --target on_upload` (or `on_request`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import acknowledged, not_done, pubsub_message, uploaded_object
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.flow import request, upload
from shared.topology import REQUESTS, ROUTER

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.cloud_event
def on_upload(event: CloudEvent) -> None:
    """An object was finalized in the audio bucket (Eventarc, or the bucket's own notifications)."""
    with acknowledged(event, connect, ROUTER):
        resource = uploaded_object(event)
        if resource is not None:
            upload.on_upload(resource, connect())


@functions_framework.cloud_event
def on_request(event: CloudEvent) -> None:
    """Another service asks for a transcript (Pub/Sub, topic `transcribe-requests`)."""
    with acknowledged(event, connect, REQUESTS):
        request.on_request(pubsub_message(event), connect())
