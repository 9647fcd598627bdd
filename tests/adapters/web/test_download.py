"""Recordings from web addresses: what is fetched, and what never is."""

import io
import re
import socket
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from shared.adapters.web import connection
from shared.adapters.web.connection import resolve
from shared.adapters.web.download import Download, checked, name_of, shown
from shared.errors import BadRequest, NotFound, OverLimit, StoreUnavailable, Unreachable
from tests.https_server import ADDRESS, HOST, https_server, ok, status

BODY = bytes(range(256)) * 1000


@pytest.fixture
def server(tmp_path):
    with https_server(tmp_path) as one:
        yield one


@pytest.fixture
def fetch(server):
    def fetch(url, **changed):
        given = {"most_bytes": 10**6, **server.way}
        into, heard = io.BytesIO(), []
        Download(**given | changed)(url, into, lambda done, total: heard.append((done, total)))
        return into.getvalue(), heard

    return fetch


def test_a_recording_comes_whole_with_its_progress(server, fetch):
    server.answers["/a%20b/talk.mp3"] = ok(BODY, "Content-Type: audio/mpeg")
    data, heard = fetch(server.url("/a b/talk.mp3?signed=1#t=3"))
    assert data == BODY
    assert heard[-1] == (len(BODY), len(BODY))
    (request,) = server.taken
    assert request.startswith("GET /a%20b/talk.mp3?signed=1 HTTP/1.1\r\n")
    assert f"Host: {HOST}" in request
    assert "accept-encoding: identity" in request


def test_a_recording_of_unknown_length_comes_whole(server, fetch):
    server.answers["/x"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n wo\r\n0\r\n\r\n"
    )
    data, heard = fetch(server.url("/x"))
    assert data == b"hello wo"
    assert heard[-1] == (8, None)


def test_a_recording_for_which_the_disk_has_no_room_is_not_begun(server, tmp_path, monkeypatch):
    server.answers["/x"] = ok(BODY, "Content-Type: audio/mpeg")
    monkeypatch.setattr("shutil.disk_usage", lambda file: SimpleNamespace(free=40_960))
    with (tmp_path / "x").open("wb") as into, pytest.raises(StoreUnavailable, match=r"256 kB.* 41 kB.*room"):
        Download(most_bytes=10**6, **server.way)(server.url("/x"), into, lambda done, total: None)
    assert not (tmp_path / "x").read_bytes()


def test_redirects_are_followed_a_few_times(server, fetch):
    server.answers["/a"] = status(302, "Location: /b")
    server.answers["/b"] = status(307, f"Location: {server.url('/c')}")
    server.answers["/c"] = ok(b"sound")
    assert fetch(server.url("/a"))[0] == b"sound"
    server.answers["/loop"] = status(301, "Location: /loop")
    with pytest.raises(BadRequest, match="redirects more than 5 times"):
        fetch(server.url("/loop"))


@pytest.mark.parametrize("headers", [(), ("Location: ",)])
def test_a_redirect_that_names_no_address_is_refused_at_once(server, fetch, headers):
    server.answers["/nowhere"] = status(302, *headers)
    with pytest.raises(BadRequest, match="/nowhere redirects, but names no address"):
        fetch(server.url("/nowhere"))
    assert len(server.taken) == 1


@pytest.mark.parametrize("target", ["https://[", "https://evil.test\x1b[2J/", "//[", "https://a:99999/"])
def test_a_redirect_to_what_is_no_address_is_refused(server, fetch, target):
    server.answers["/out"] = status(302, f"Location: {target}")
    with pytest.raises((BadRequest, Unreachable)):
        fetch(server.url("/out"))


@pytest.mark.parametrize("target", ["localhost", "127.0.0.1", "[::1]", "2130706433"])
def test_a_public_address_leads_to_no_private_one(server, monkeypatch, target):
    public = connection.is_public
    monkeypatch.setattr(connection, "is_public", lambda one: one == ADDRESS or public(one))
    with closing(socket.create_server(("127.0.0.1", 0))) as inside:
        inside.settimeout(0.2)
        server.answers["/out"] = status(302, f"Location: https://{target}:{inside.getsockname()[1]}/")

        def resolver(host, port):
            return [ADDRESS] if host == HOST else resolve(host, port)

        download = Download(most_bytes=1000, resolver=resolver, tls=server.tls)
        with pytest.raises(BadRequest, match="not a public address"):
            download(server.url("/out"), io.BytesIO(), lambda *_: None)
        assert len(server.taken) == 1
        with pytest.raises(TimeoutError):
            inside.accept()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "169.254.169.254", "10.0.0.1", "[fd00::1]"]
)
def test_private_addresses_are_refused_with_what_to_do(host):
    with pytest.raises(BadRequest, match=r"not a public address.*download it yourself, and name the file"):
        Download(most_bytes=1)(f"https://{host}/a.mp3", io.BytesIO(), lambda *_: None)


def test_a_name_is_looked_up_once_so_that_it_cannot_change(server):
    asked = []

    def resolver(host, port):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else [ADDRESS]

    with pytest.raises(Unreachable):
        Download(most_bytes=1, resolver=resolver, tls=server.tls, seconds=0.3)(
            server.url("/"), io.BytesIO(), lambda *_: None
        )
    assert asked == [HOST]
    assert server.taken == []


def test_what_is_too_large_is_refused_by_its_length_and_by_its_bytes(server, fetch):
    server.answers["/said"] = ok(b"x" * 2000)
    with pytest.raises(OverLimit, match=r"has 2 kB; at most 1 kB are fetched \(DROPSCRIBE_MAX_FILE_GB\)"):
        fetch(server.url("/said"), most_bytes=1000)

    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    server.answers["/endless"] = endless
    with pytest.raises(OverLimit, match="is larger"):
        fetch(server.url("/endless"), most_bytes=100_000)


def test_what_breaks_off_is_no_recording(server, fetch):
    server.answers["/cut"] = ok(BODY)[:1000]
    with pytest.raises(Unreachable, match=r"/cut broke off .*Run the same command again"):
        fetch(server.url("/cut"))


def test_a_server_that_is_silent_and_one_that_drips_are_given_up(server, fetch):
    def silent(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        time.sleep(1)

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.02)

    server.answers |= {"/silent": silent, "/drip": drip}
    with pytest.raises(Unreachable):
        fetch(server.url("/silent"), silence=0.2)
    with pytest.raises(Unreachable):
        fetch(server.url("/drip"), seconds=0.3)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (status(404), NotFound, r"There is nothing at .*/x \(HTTP 404\)"),
        (status(403), NotFound, r"is not public \(HTTP 403\)"),
        (status(503), Unreachable, r"answered HTTP 503\. Try again later"),
        (
            ok(b"<html>", "Content-Type: text/html; charset=utf-8"),
            BadRequest,
            "is a web page, not a recording",
        ),
        (ok(b"x", "Content-Encoding: gzip"), BadRequest, r"comes compressed \(gzip\)"),
        (status(302, "Location: http://recordings.example/a"), BadRequest, "is not encrypted on its way"),
        (status(302, "Location: file:///etc/passwd"), BadRequest, "is not encrypted on its way"),
        (b"no http\r\n\r\n", Unreachable, "broke off"),
    ],
)
def test_each_refusal_says_what_is_wrong_and_never_quotes_the_query(server, fetch, answer, kind, said):
    server.answers["/x"] = answer
    with pytest.raises(kind, match=said) as error:
        fetch(server.url("/x?token=secret"))
    assert "secret" not in str(error.value)


def test_a_certificate_of_somebody_else_is_refused(server, fetch):
    with pytest.raises(Unreachable, match="certificate verify failed"):
        fetch(server.url("/x"), tls=None)
    assert server.taken == []


def test_a_name_that_nobody_knows_cannot_be_reached(fetch):
    with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be reached \(the name is not known\)"):
        fetch("https://nowhere.invalid/a.mp3", resolver=None)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://recordings.example/a.mp3", "is not encrypted"),
        ("https:///a.mp3", "names no server"),
        ("https://anna:secret@recordings.example/a.mp3", "has a password in it"),
        ("https://[::1/a.mp3", "not a valid address"),
        ("https://recordings.example:99999/a.mp3", "not a valid address"),
        ("https://anna:secret@recordings.example:99999/a.mp3#secret", "not a valid address"),
        ("https://anna:secret@[bad?secret", "not a valid address"),
        ("https://" + "a" * 64 + ".example/", "not a valid address"),
    ],
)
def test_addresses_that_are_not_fetched(url, said):
    with pytest.raises(BadRequest, match=said) as error:
        checked(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "sent", "name"),
    [
        ("https://a.example/x/talk.mp3?k=1#s", "https://a.example/x/talk.mp3?k=1", "talk.mp3"),
        ("HTTPS://A.example:8443/Gr%C3%BC%C3%9Fe.ogg", "https://a.example:8443/Gr%C3%BC%C3%9Fe.ogg", "Grüße.ogg"),
        ("https://bücher.example/a b", "https://xn--bcher-kva.example/a%20b", "a b"),
        ("https://a.example", "https://a.example/", "a.example"),
        ("https://a.example/x/", "https://a.example/x/", "x"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a", "a"),
    ],
)  # fmt: skip
def test_an_address_is_sent_encoded_and_gives_its_recording_a_name(url, sent, name):
    assert checked(url) == sent
    assert name_of(url) == name


def test_an_address_is_shown_without_what_makes_it_work():
    assert shown("https://u:p@a.example/x.mp3?sig=1") == "https://a.example/x.mp3"
    assert re.match("https://", shown("https://[::1/x?sig=1"))
    assert "sig" not in shown("https://[::1/x?sig=1")


@pytest.mark.parametrize("url", ["https://[bad", "https://[bad/talk.mp3"])
def test_what_is_no_address_gives_its_recording_some_name(url):
    assert name_of(url) == "recording"
