"""Serve with `functions-framework --source functions/sweeper/main.py --target on_dead_letter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import acknowledged
from shared.flow import give_up
from shared.platform import connect

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def on_dead_letter(event: CloudEvent) -> None:
    """A message failed too often (Pub/Sub, topic `dead-letters`)."""
    with acknowledged():
        give_up.on_dead_letter(event.data["message"], connect())
