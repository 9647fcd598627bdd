"""Connections that send half a request."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from console import impatient
from console.impatient import Impatient


async def length(request):
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def connect(monkeypatch):
    """Gives connections to a server that is patient for a moment."""
    monkeypatch.setattr(impatient, "SECONDS", 0.3)
    app = Starlette(routes=[Route("/", length, methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=Impatient, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    @contextmanager
    def connected():
        with socket.create_connection(listener.getsockname(), timeout=20) as one:
            yield one

    yield connected
    server.should_exit = True
    thread.join()
    listener.close()


def is_closed(connection):
    """True as soon as the server has closed it; fails if it does not."""
    try:
        while connection.recv(1000):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x"])
def test_half_a_request_is_not_waited_for(connect, sent):
    with connect() as one:
        one.sendall(sent)
        assert is_closed(one)


def test_a_byte_now_and_then_does_not_keep_a_connection(connect):
    with connect() as one:
        one.settimeout(0.05)
        closed = False
        for _ in range(400):
            try:
                one.sendall(b"G")
                closed = one.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            if closed:
                break
        assert closed


def test_a_body_may_take_its_time(connect):
    with connect() as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n")
        for byte in (b"a", b"b", b"c", b"d"):
            time.sleep(0.2)
            one.sendall(byte)
        answer = b""
        while more := one.recv(1000):
            answer += more
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"4")


def test_half_of_a_second_request_is_not_waited_for_either(connect):
    with connect() as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(1000).startswith(b"HTTP/1.1 200")
        one.sendall(b"GET / HT")
        assert is_closed(one)
