"""Connections that send half a request."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from console import slow_clients
from console.__main__ import CONNECTIONS
from console.api.feed import MOST_VIEWERS
from console.security.access import Access, Guard
from console.slow_clients import NoSlowClients


async def length(request):
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def connect(monkeypatch):
    """Gives connections to a server that is patient for a moment."""
    monkeypatch.setattr(slow_clients, "SECONDS", 0.3)
    app = Starlette(routes=[Route("/", length, methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=NoSlowClients, log_level="error", ws="none", lifespan="off")
    )
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


TOKEN = "t" * 32


async def stream(request):
    async def forever():
        yield b"open"
        await asyncio.sleep(600)

    return StreamingResponse(forever())


@pytest.fixture
def guarded():
    """The address of a server that a token guards, as the console is."""
    routes = [Route("/", length, methods=["GET", "POST"]), Route("/health", length), Route("/events", stream)]
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        Guard(Starlette(routes=routes), Access(token=TOKEN)),
        http=NoSlowClients,
        log_level="critical",
        ws="none",
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()
    listener.close()


def ask(where, path="/", method="GET", more="", token=TOKEN):
    one = socket.create_connection(where, timeout=20)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
    one.sendall(head.encode())
    return one


def test_streams_and_half_sent_requests_leave_room_for_those_who_may_ask(guarded):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(ask(guarded, "/events")) for _ in range(MOST_VIEWERS)]
        assert all(one.recv(15).startswith(b"HTTP/1.1 200") for one in streams)
        for _ in range(1200):
            half = stack.enter_context(socket.create_connection(guarded, timeout=20))
            half.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        with ask(guarded) as one:
            assert one.recv(15).startswith(b"HTTP/1.1 200")
        for one in streams:
            one.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                assert one.recv(10_000), "a stream was closed"
                assert one.recv(10_000), "a stream was closed"


@pytest.mark.parametrize("path", ["/", "/health"])
def test_those_who_were_refused_or_asked_for_what_all_may_see_are_strangers(guarded, path, monkeypatch):
    monkeypatch.setattr(slow_clients, "STRANGERS", 3)
    with ask(guarded) as known, ask(guarded, path, token="wrong") as stranger:
        assert known.recv(15).startswith(b"HTTP/1.1 200")
        assert stranger.recv(15).startswith(b"HTTP/1.1 200" if path == "/health" else b"HTTP/1.1 401")
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(socket.create_connection(guarded, timeout=20))
            assert is_closed(stranger)
        known.settimeout(20)
        while b"0" not in known.recv(1000):
            pass
        known.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert known.recv(15).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"])
def test_a_stranger_is_refused_before_a_byte_of_the_body(guarded, more):
    with ask(guarded, "/", "POST", f"Content-Length: 1000000\r\n{more}", token="wrong") as one:
        assert one.recv(15).startswith(b"HTTP/1.1 401")
