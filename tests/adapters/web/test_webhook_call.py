"""Calls against receivers on this machine that answer as nobody should; and addresses that are never called."""

import socket
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest

from shared.adapters.web import connection
from shared.adapters.web.webhook_call import Sender
from shared.errors import Transient

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def receiver(answer):
    """A server on this machine; gives its address and the requests that it took. `answer` gets the connection."""
    taken = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with closing(connection):
                        data = b""
                        while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                            if not (more := connection.recv(65536)):
                                break
                            data += more
                        else:
                            taken.append(data)
                            with suppress(OSError):
                                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook?a=b", taken
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def call(url, *, seconds=5.0, public_only=False):
    return Sender(public_only=public_only, seconds=seconds)(url, {"webhook-id": "msg_1"}, b'{"a": 1}')


def test_a_call_is_one_post_with_its_headers():
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        assert call(url) == 204
    head, body = taken[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert b"webhook-id: msg_1" in head
    assert b"Content-Length: 8" in head
    assert b"Host: 127.0.0.1:" in head
    assert body == b'{"a": 1}'


def test_a_redirect_is_not_followed():
    with receiver(lambda it: it.sendall(OK)) as (elsewhere, reached):
        answer = f"HTTP/1.1 307 T\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n".encode()
        with receiver(lambda it: it.sendall(answer)) as (url, _):
            assert call(url) == 307
        assert reached == []


def test_a_large_answer_is_not_read():
    sent = []

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 100_000)
            sent.append(1)

    with receiver(answer) as (url, _):
        assert call(url) == 200
    assert len(sent) < 100


@pytest.mark.parametrize(
    "answer",
    [
        lambda it: it.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1_000_000),
        lambda it: it.sendall(b"x" * 200_000),
        lambda it: it.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000),
        lambda it: it.close(),
        lambda it: None,
    ],
    ids=["endless headers", "no http", "endless 100", "closed", "nothing"],
)
def test_what_is_no_answer_is_a_failure_that_names_the_host_alone(answer):
    with (
        receiver(answer) as (url, _),
        pytest.raises(Transient, match=r"^127\.0\.0\.1 did not answer \(\w+\)\.$"),
    ):
        call(url)


def test_a_receiver_that_hangs_and_one_that_drips_end_at_the_deadline():
    def drip(connection):
        for byte in b"HTTP/1.1 200 OK":
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    for answer in (lambda _: time.sleep(0.6), drip):
        with receiver(answer) as (url, _), pytest.raises(Transient, match="did not answer"):
            call(url, seconds=0.2)


def test_nobody_listening_is_a_failure():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Transient, match="did not answer"):
        call(f"http://127.0.0.1:{port}/")


def test_a_certificate_that_does_not_prove_the_name_is_refused():
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        with pytest.raises(Transient, match="did not answer"):
            call(url.replace("http://", "https://"), seconds=0.5)
        assert taken == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "localhost", "LOCALHOST.",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "169.254.169.254", "2852039166",
        "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "[fe80::1]", "[fd20:ce::254]", "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
        "[2001:0:7f00:1::]", "[::127.0.0.1]", "[64:ff9b:1::1]",
    ],
)  # fmt: skip
def test_a_project_calls_no_private_address_however_it_is_spelt(host):
    with pytest.raises(Transient, match=r"not a public address|did not answer \(ConnectError\)"):
        call(f"https://{host}/", public_only=True, seconds=1.0)


def names(monkeypatch, *answers):
    """Let a name have other addresses each time it is asked for."""
    left = list(answers)

    def getaddrinfo(host, port, **_):
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(connection.socket, "getaddrinfo", getaddrinfo)


def test_a_name_with_one_private_address_among_public_ones_is_not_called(monkeypatch):
    names(monkeypatch, ["8.8.8.8", "169.254.169.254"])
    with pytest.raises(Transient, match=r"hook\.example is 169\.254\.169\.254"):
        call("https://hook.example/", public_only=True)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    tried = []

    def connect(self, host, port, *_):
        tried.append(host)
        raise connection.httpcore.ConnectError("no")

    names(monkeypatch, ["8.8.8.8", "8.8.4.4"], ["127.0.0.1"])
    monkeypatch.setattr(connection.httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(Transient, match="did not answer"):
        call("https://hook.example/", public_only=True)
    assert tried == ["8.8.8.8", "8.8.4.4"]
