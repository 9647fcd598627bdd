"""Connections that do not send a whole request are closed: half of one would otherwise be kept for ever.

Strangers need no token to connect: other accounts of the machine can, and every web page that a browser shows. A request
counts as sent with its headers; a body may take as long as it takes, because only those with a token send one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

SECONDS = 20.0
"""For the headers of a request, from the first byte on, or from the beginning of the connection."""


class Impatient(H11Protocol):
    """uvicorn's own protocol with that limit."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A connection begins."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Something came: a part of a request, or of its body."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection ends."""
        self._stop()
        super().connection_lost(exc)

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
