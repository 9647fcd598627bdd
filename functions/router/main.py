"""Serve with `functions-framework --source functions/router/main.py --target on_upload`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import acknowledged
from shared.flow import upload
from shared.platform import connect

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def on_upload(event: CloudEvent) -> None:
    """An object was finalized in the audio bucket (Eventarc)."""
    with acknowledged():
        upload.on_upload(event.data, connect())
