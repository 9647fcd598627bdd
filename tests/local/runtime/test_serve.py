"""The server of the functions on one machine: nobody who sends half a request, or a huge one, is in others' way."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest

from functions.caller import MOST_BYTES
from local.runtime import serve
from local.runtime.processes import port_of, reserved


@pytest.fixture
def served(monkeypatch):
    """Serves a WSGI application that answers with the size of the body; gives its port."""
    monkeypatch.setattr(serve, "REQUEST_SECONDS", 1)
    made = []

    def run(calls=2):
        ended = threading.Event()

        def app(environ, start_response):
            body = environ["wsgi.input"].read()
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(len(body)).encode()]

        listener = reserved()
        server = serve.server(app, listener, calls)
        server.adj.asyncore_loop_timeout = 0.02

        def loop():
            while not ended.is_set():
                server.asyncore.loop(timeout=0.02, map=server._map, use_poll=True, count=1)

        thread = threading.Thread(target=loop)
        thread.start()
        made.append((ended, thread, server))
        return port_of(listener)

    yield run
    for ended, thread, server in made:
        ended.set()
        thread.join()
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)


def half_sent(port):
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
    return one


def post(port, data):
    return httpx.post(f"http://127.0.0.1:{port}/", content=data, timeout=20.0, trust_env=False)


def test_half_sent_headers_stop_nobody_else(served):
    port = served()
    slow = [half_sent(port) for _ in range(40)]
    assert post(port, b"12345").text == "5"
    for one in slow:
        one.close()


def test_a_connection_that_sends_a_byte_now_and_then_is_closed_as_well(served):
    port = served()
    with half_sent(port) as slow:
        deadline = time.monotonic() + 20
        slow.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                slow.sendall(b"n")
                if not slow.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            raise AssertionError("it is still open")


def test_a_body_larger_than_any_message_is_refused_by_its_headers(served):
    port = served()
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n".encode())
        one.settimeout(10)
        assert one.recv(100).startswith(b"HTTP/1.1 413 ")


def test_headers_without_end_are_refused(served):
    port = served()
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(10)
        one.sendall(b"POST / HTTP/1.1\r\nX: " + b"y" * (serve.HEADER_BYTES + 1))
        assert one.recv(100).startswith(b"HTTP/1.0 431 ")


def test_a_large_message_is_taken_whole(served):
    port = served()
    assert post(port, bytes(13_400_000)).text == "13400000"
