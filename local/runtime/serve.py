"""Serve a function on a port of this machine, for `dropscribe up`: `python -m local.runtime.serve SOURCE TARGET PORT CALLS`.

Waitress instead of functions-framework's own gunicorn, which waits for the rest of a request in one of its few threads:
some connections that send half a request stop it. Waitress reads all connections in one thread, hands over what is
complete, and refuses what is too large by its headers.

Who may not call is answered by the headers alone, before a byte of the body is read. Connections that have not shown yet
that they may call are few: a new one takes the place of the oldest, so that a caller who sends
a request at once is served, however many connections another one opens.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from functions.caller import MOST_BYTES, Headers, refusal_by
from local.runtime.processes import reserved
from shared import concurrency

if TYPE_CHECKING:
    import socket
    from types import FrameType

REQUEST_SECONDS = 30
"""For a connection to send its whole request."""
HEADER_SECONDS = 10
"""For a new connection to show that it may call."""
HEADER_BYTES = 16 * 1024
"""Most bytes of all headers of a request."""
PAUSE = 0.2
"""Seconds until a thread that serves sees that it is to stop."""
CONNECTIONS = 700
"""At one time; later ones wait. A process may have 1024 files open."""
STRANGERS = 300
"""Connections among them that have not shown yet that they may call; the oldest makes room for a new one."""

Refusal = Callable[[Headers], tuple[str, int] | None]
"""Says why the sender of some headers may not call, and with which status to answer; None: it may."""


class _RefusedError(Error):  # type: ignore[misc]  # publishes no types
    """An answer to a caller who may not call."""

    def __init__(self, body: str, code: int) -> None:
        super().__init__(body)
        self.code, self.reason = code, HTTPStatus(code).phrase


class _Parsed:
    """Headers as waitress has parsed them."""

    def __init__(self, parsed: Mapping[str, str]) -> None:
        self._parsed = parsed

    def get(self, name: str, /) -> str | None:
        """See `Headers`."""
        return self._parsed.get(name.upper().replace("-", "_"))


class _Request(HTTPRequestParser):  # type: ignore[misc]  # the same
    """A request that is refused by its headers."""

    def __init__(self, adj: Any, channel: Channel) -> None:
        super().__init__(adj)
        self._channel = channel

    def received(self, data: bytes) -> int:
        """Take what came; gives how much of it belongs to this request."""
        had_headers = self.headers_finished
        taken = super().received(data)
        if self.headers_finished and not had_headers and not self.empty:
            self._check()
        return int(taken)

    def _check(self) -> None:
        """Look at the headers, which are complete."""
        wrong: Error | None = getattr(self, "error", None)
        refusal = self._channel.server.refusal(_Parsed(self.headers))
        if refusal is None:
            self._channel.known = True
        elif not isinstance(wrong, BadRequest) or isinstance(wrong, RequestEntityTooLarge):
            wrong = _RefusedError(*refusal)
        if wrong is not None:
            # Else waitress asks for the body (Expect: 100-continue), and takes it.
            self.error, self.completed, self.expect_continue = wrong, True, False


class Channel(HTTPChannel):  # type: ignore[misc]  # the same
    """A connection.

    Its time counts from its beginning, or from that of its present request once it has shown that it may call: a byte
    now and then does not keep it open.
    """

    known = False
    """Whether it has sent a request that is answered."""
    _since: float | None = None

    def parser_class(self, adj: Any) -> _Request:
        """What parses a new request, of which the first bytes are here."""
        if self.known:
            self._since = time.time()
        return _Request(adj, self)

    def __init__(self, server: Any, *rest: Any, **more: Any) -> None:
        super().__init__(server, *rest, **more)
        strangers = [one for one in server.active_channels.values() if one.is_idle_stranger()]
        if len(strangers) > STRANGERS:
            strangers[0].will_close = True

    def is_idle_stranger(self) -> bool:
        """Whether it has not shown yet that it may call, and is neither being answered nor about to be closed."""
        return not (self.known or self.requests or self.will_close or self.close_when_flushed)

    @property
    def last_activity(self) -> float:
        """When waitress takes something to have happened last, seconds since 1970."""
        since = float(getattr(self, "creation_time", 0.0) if self._since is None else self._since)
        return since if self.known else since - (REQUEST_SECONDS - HEADER_SECONDS)

    @last_activity.setter
    def last_activity(self, now: float) -> None:
        """Nothing: waitress notes each byte here."""


def server(app: Any, listener: socket.socket, calls: int, refusal: Refusal = lambda _: None) -> Any:
    """A server that runs with `run()` until SystemExit.

    Args:
        app: a WSGI application.
        listener: has the port.
        calls: requests that are answered at one time.
        refusal: who may not call; by default everybody may.
    """
    made = create_server(
        app,
        sockets=[listener],
        threads=calls,
        ident=None,
        channel_timeout=REQUEST_SECONDS,
        cleanup_interval=HEADER_SECONDS // 3,
        connection_limit=CONNECTIONS,
        max_request_header_size=HEADER_BYTES,
        max_request_body_size=MOST_BYTES,
        # select() knows only descriptors below 1024.
        asyncore_use_poll=True,
    )
    made.channel_class = Channel
    made.refusal = refusal
    return made


@contextmanager
def serving(app: Any, listener: socket.socket, refusal: Refusal) -> Iterator[None]:
    """Serve in a thread of this process, as long as the body runs.

    Args:
        app: a WSGI application.
        listener: has the port; is closed at the end.
        refusal: who may not call.
    """
    stop = concurrency.Event()
    made = server(app, listener, 1, refusal)

    def work() -> None:
        while not stop.is_set():
            made.asyncore.loop(timeout=PAUSE, map=made._map, use_poll=True, count=1)  # noqa: SLF001 - what `run` does

    thread = concurrency.Thread(target=work, name="server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        made.task_dispatcher.shutdown()
        made.asyncore.close_all(made._map)  # noqa: SLF001 - the same


def main() -> None:
    """Serve until SIGTERM."""
    import functions_framework  # noqa: PLC0415 - the other servers have no need of it

    source, target, port, calls = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end)
    app = functions_framework.create_app(target, source)  # type: ignore[no-untyped-call]  # publishes no types
    # One more, so that a caller who is refused does not wait for those who are served.
    server(app, reserved(int(port)), int(calls) + 1, refusal_by).run()


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
    raise SystemExit(0)


if __name__ == "__main__":
    main()
