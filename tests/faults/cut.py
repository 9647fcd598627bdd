"""A line between a client and a server that can be cut for a while: what Pub/Sub's emulator holds would not survive a restart."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import contextmanager


class Line:
    """Passes bytes between connections to its `address` and a server at `host:port`."""

    def __init__(self, server):
        host, port = server.split(":")
        self._server = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends = set()
        self._lock = threading.Lock()
        self._whole = True
        self.refused = 0
        """Connections that were tried while it was cut."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Break every connection, and each new one at once."""
        with self._lock:
            self._whole = False
            for one in self._ends:
                _end(one)

    def mend(self):
        with self._lock:
            self._whole = True

    def close(self):
        self.cut()
        _end(self._listener)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                whole = self._whole
                self.refused += not whole
            if not whole:
                _end(client)
                continue
            try:
                server = socket.create_connection(self._server, timeout=10)
            except OSError:
                _end(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._ends |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
        for end in (one, other):
            _end(end)
        with self._lock:
            self._ends -= {one, other}


def _end(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def line_to(server):
    """A line to `host:port`."""
    line = Line(server)
    try:
        yield line
    finally:
        line.close()
