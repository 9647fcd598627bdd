"""The system's time, as an adapter of the port `Clock`."""

from __future__ import annotations

import time


class SystemClock:
    """The computer's clock. Implements `shared.ports.Clock`."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()
