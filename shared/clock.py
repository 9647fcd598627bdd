"""The time of day, as the port that the flow takes it from."""

from __future__ import annotations

import time


class SystemClock:
    """The computer's clock. Implements `shared.ports.Clock`."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()
