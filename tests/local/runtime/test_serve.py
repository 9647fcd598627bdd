"""The server of the functions on one machine: nobody who sends half a request, or a huge one, is in others' way."""

from __future__ import annotations

import contextlib
import resource
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
    monkeypatch.setattr(serve, "REQUEST_SECONDS", 3)
    monkeypatch.setattr(serve, "HEADER_SECONDS", 3)
    made = []

    def run(calls=2, **more):
        ended = threading.Event()

        def app(environ, start_response):
            body = environ["wsgi.input"].read()
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(len(body)).encode()]

        listener = reserved()
        server = serve.server(app, listener, calls, **more)
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


def post(port, data, **headers):
    return httpx.post(
        f"http://127.0.0.1:{port}/", content=data, headers=headers, timeout=20.0, trust_env=False
    )


def only_with_token(headers):
    if headers.get("authorization") == "Bearer token":
        return None
    return ("Send the token.", 401) if headers.get("host") == "x" else ("Another name.", 403)


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


@pytest.mark.parametrize("length", [1000, MOST_BYTES + 1])
@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"])
@pytest.mark.parametrize(("host", "status"), [("x", 401), ("evil", 403)])
def test_a_stranger_is_answered_before_a_byte_of_the_body(served, more, host, status, length):
    port = served(refusal=only_with_token)
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{more}\r\n".encode())
        one.settimeout(5)
        assert one.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())
        said = b""
        while more_said := one.recv(1000):
            said += more_said
        assert b"100 Continue" not in said


def test_a_stranger_with_a_body_in_pieces_is_answered_before_them(served):
    port = served(refusal=only_with_token)
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        one.settimeout(5)
        assert one.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_second_request_of_a_connection_is_looked_at_as_the_first_one_is(served):
    port = served(refusal=only_with_token)
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(5)
        for token, status in (("token", b"200"), ("other", b"401")):
            one.sendall(
                f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n\r\nab".encode()
            )
            said = b""
            while b"\r\n\r\n" not in said or said.endswith(b"\r\n\r\n"):
                said += one.recv(1000)
            assert said.startswith(b"HTTP/1.1 " + status)


def test_thousands_of_half_sent_requests_are_in_nobodys_way_who_may_call(served, monkeypatch):
    for name in ("REQUEST_SECONDS", "HEADER_SECONDS"):
        monkeypatch.setattr(serve, name, 600)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    port = served(refusal=only_with_token)
    with contextlib.ExitStack() as stack, httpx.Client(trust_env=False, timeout=20.0) as before:
        url, allowed = f"http://127.0.0.1:{port}/", {"authorization": "Bearer token"}
        assert before.post(url, content=b"1", headers=allowed).text == "1"
        for number in range(1500):
            stack.enter_context(half_sent(port))
            if number % 300 == 299:
                assert post(port, b"12345", authorization="Bearer token").text == "5"
                assert before.post(url, content=b"12", headers=allowed).text == "2"


def test_a_known_connection_has_the_whole_time_for_each_of_its_requests(served):
    port = served(refusal=only_with_token)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(5)
        for _ in range(3):
            one.sendall(head + b"a")
            time.sleep(1.5)
            one.sendall(b"b")
            said = b""
            while not said.endswith(b"\r\n\r\n2"):
                said += one.recv(1000)
            assert said.startswith(b"HTTP/1.1 200 ")
