"""The router's entrypoints: an upload, or a request of another service.

Serve with `functions-framework --source functions/router/main.py --target on_upload` (or `on_request`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import answered, not_done, uploaded_object
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.flow import request as requests
from shared.flow import upload
from shared.topology import REQUESTS, ROUTER

if TYPE_CHECKING:
    from flask import Request

    from functions.push import Push
    from shared.ports import Ports

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_upload(request: Request) -> tuple[str, int]:
    """An object was finalized in the audio bucket (Eventarc, or the bucket's own notifications)."""

    def step(posted: Push, ports: Ports) -> None:
        resource = uploaded_object(posted, ports.store)
        if resource is not None:
            upload.on_upload(resource, ports)

    return answered(request, connect, ROUTER, step)


@functions_framework.http
def on_request(request: Request) -> tuple[str, int]:
    """Another service asks for a transcript (Pub/Sub, topic `transcribe-requests`)."""
    return answered(
        request, connect, REQUESTS, lambda posted, ports: requests.on_request(posted.message, ports)
    )
