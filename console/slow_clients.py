"""Connections that do not send a whole request are closed: otherwise half a request would be kept for ever.

Connecting needs no token: other accounts of the machine can, and every website in a browser. A request
counts as sent with its headers; a body may take as long as it takes, because only those with a token send one. Others
may have so many connections, and a new one evicts the oldest: a client that has the token and sends at once is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

from console.security.access import KNOWN

if TYPE_CHECKING:
    import asyncio

SECONDS = 20.0
"""For the headers of a request, from the first byte on, or from the beginning of the connection."""


STRANGERS = 300
"""Connections of those who have not shown a token yet."""


class NoSlowClients(H11Protocol):
    """uvicorn's own protocol with these limits."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A connection begins."""
        super().connection_made(transport)
        self._watch()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Something came: a part of a request, or of its body."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection ends."""
        self._stop()
        vars(self.server_state).get("strangers", {}).pop(self, None)
        super().connection_lost(exc)

    @property
    def is_known(self) -> bool:
        """Whether its last request was allowed."""
        return bool(self.scope and self.scope.get(KNOWN))

    def _make_room(self) -> None:
        """Close the oldest connections of strangers if there are too many."""
        # In the order in which they began; uvicorn's own are a set.
        strangers: dict[NoSlowClients, None] = vars(self.server_state).setdefault("strangers", {})
        strangers[self] = None
        if len(strangers) <= STRANGERS:
            return
        for one in list(strangers):
            if one.is_known or one not in self.connections:
                del strangers[one]
        while len(strangers) > STRANGERS:
            oldest = next(iter(strangers))
            del strangers[oldest]
            # Not `close`: what it was sent, it may never read.
            oldest.transport.abort()

    def _watch(self) -> None:
        """Wait for the rest of the headers; a byte now and then does not lengthen the time."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
