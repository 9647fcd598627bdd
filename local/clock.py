"""The time of day, as the port that the flow and the queue take it from."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The computer's clock. Implements `shared.ports.Clock`."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as Google's APIs write a time: `2026-01-31T12:00:00.123456Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
