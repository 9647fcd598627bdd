"""Call the sweeper every minute over HTTP, as Cloud Scheduler does."""

from __future__ import annotations

import httpx

from local.runtime.events import UNENCRYPTED, identified
from shared import concurrency
from shared.telemetry import log

FIRST = 5.0
"""Seconds until the first call, at most: work that the last run left need not wait for a minute."""
LONGEST = 300.0
"""Seconds that a call of the sweeper may take."""


class Scheduler:
    """Posts to an address again and again, one call after the other, in a thread of its own.

    A call that fails is logged and not repeated: the next one is due soon.

    Args:
        url: address of the function.
        token: what the function wants to see.
        every: seconds between the end of a call and the next.
    """

    def __init__(self, url: str, *, token: str = "", every: float = 60.0) -> None:
        self._url = url
        self._every = every
        # Proxy settings are for the internet, not for functions on this machine.
        self._client = httpx.Client(
            headers=identified(token),
            timeout=httpx.Timeout(LONGEST, connect=5.0),
            trust_env=False,
            verify=UNENCRYPTED,
        )
        self._stop = concurrency.Event()
        # A sweep in progress can be cut off anywhere, so nothing waits for its end.
        self._thread = concurrency.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes soon."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls."""
        self._stop.set()
        self._client.close()

    def _run(self) -> None:
        wait, first = min(FIRST, self._every), True
        while not self._stop.wait(wait):
            try:
                self._client.post(self._url).raise_for_status()
            except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: closed by `stop` meanwhile
                # At first the function may be about to start.
                if first and isinstance(error, httpx.ConnectError):
                    first = False
                    continue
                if not self._stop.is_set():
                    log.warning("the sweeper failed: %s", error)
            wait, first = self._every, False
