"""Serve a function on a port of this machine, for `dropscribe up`: `python -m local.runtime.serve SOURCE TARGET PORT CALLS`.

Waitress instead of functions-framework's own gunicorn, which waits for the rest of a request in one of its few threads:
some connections that send half a request stop it. Waitress reads all connections in one thread, hands over what is
complete, and refuses what is too large by its headers.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import functions_framework
from waitress import create_server
from waitress.channel import HTTPChannel

from functions.caller import MOST_BYTES
from local.runtime.processes import reserved

if TYPE_CHECKING:
    import socket
    from types import FrameType

REQUEST_SECONDS = 30
"""For a connection to send its whole request."""
HEADER_BYTES = 16 * 1024
"""Of all headers of a request."""
CONNECTIONS = 1000
"""At one time; later ones wait."""


class Channel(HTTPChannel):  # type: ignore[misc]  # publishes no types
    """A connection whose time counts from its beginning, so that a byte now and then does not keep it open."""

    @property
    def last_activity(self) -> float:
        """When waitress takes something to have happened last, seconds since 1970."""
        return float(getattr(self, "creation_time", 0.0))

    @last_activity.setter
    def last_activity(self, now: float) -> None:
        """Nothing: waitress notes each byte here."""


def server(app: Any, listener: socket.socket, calls: int) -> Any:
    """A server that runs with `run()` until SystemExit.

    Args:
        app: a WSGI application.
        listener: has the port.
        calls: requests that are answered at one time.
    """
    made = create_server(
        app,
        sockets=[listener],
        threads=calls,
        ident=None,
        channel_timeout=REQUEST_SECONDS,
        cleanup_interval=REQUEST_SECONDS // 3,
        connection_limit=CONNECTIONS,
        max_request_header_size=HEADER_BYTES,
        max_request_body_size=MOST_BYTES,
        # select() knows only descriptors below 1024.
        asyncore_use_poll=True,
    )
    made.channel_class = Channel
    return made


def main() -> None:
    """Serve until SIGTERM."""
    source, target, port, calls = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end)
    app = functions_framework.create_app(target, source)  # type: ignore[no-untyped-call]  # publishes no types
    # One more, so that a caller who is refused does not wait for those who are served.
    server(app, reserved(int(port)), int(calls) + 1).run()


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
    raise SystemExit(0)


if __name__ == "__main__":
    main()
