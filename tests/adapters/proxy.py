"""A proxy before a server that notes every request and, where told to, spoils some."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWN = {"transfer-encoding", "connection", "content-length", "date", "server"}
"""Headers that each connection has for itself."""


class Proxy:
    """Requests seen so far, and the faults that wait for the next ones."""

    def __init__(self, server):
        self.seen = []
        self.faults = []
        self._server = server
        self._lock = threading.Lock()

    def count(self, part):
        """How many requests had this text in their method or address."""
        return sum(part in one for one in self.seen)

    def note(self, request):
        with self._lock:
            self.seen.append(request)
            for index, (part, fault) in enumerate(self.faults):
                if part in request:
                    del self.faults[index]
                    return fault
        return None

    def forward(self, method, path, headers, body):
        """The server's (status, headers, body)."""
        connection = http.client.HTTPConnection(self._server, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def lost_answer(_, forward):
    """The server does what it is asked to, but nobody hears of it."""
    forward()


def lost_request(*_):
    """The connection breaks before the server hears anything."""


def status(code, text="told to fail", then=lambda: None):
    """The answer is an error, and the server hears nothing; `then` happens meanwhile."""

    def fault(answer, _):
        then()
        answer(code, [("Content-Type", "text/plain")], text.encode())

    return fault


def cut_short(answer, forward):
    """The connection breaks in the middle of the body."""
    code, headers, body = forward()
    answer(code, headers, body[: len(body) // 2], promised=len(body))


def too_little(answer, forward):
    """Half of the body, as if it were all."""
    code, headers, body = forward()
    answer(code, headers, body[: len(body) // 2])


@contextmanager
def before(server):
    """A Proxy and its `host:port`, before the server at `host:port`."""
    proxy = Proxy(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def forward():
                return proxy.forward(self.command, self.path, dict(self.headers), body)

            fault = proxy.note(f"{self.command} {self.path}")
            if fault is None:
                self._answer(*forward())
            else:
                self._answered = False
                fault(self._answer, forward)
                if not self._answered:
                    self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - names of the base class

        def _answer(self, code, headers, body, promised=None):
            self._answered = True
            self.send_response(code)
            for name, value in headers:
                if name.lower() not in OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if promised is None else promised))
            self.end_headers()
            self.wfile.write(body)
            if promised is not None:
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        web.daemon_threads = True
        thread = threading.Thread(target=web.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield proxy, f"127.0.0.1:{web.server_port}"
        finally:
            web.shutdown()
            thread.join()
