from __future__ import annotations

import httpx
import pytest
from starlette.responses import Response

import dropscribe
from console.security.access import Access
from console.server import application
from dropscribe import Client
from dropscribe.over_http import Console
from shared.model import Options, recording_id
from shared.state import documents
from tests.console.page.fake import serving
from tests.dropscribe.conftest import TEXT

TOKEN = "a token for tests"
DATA = bytes(range(256)) * 10_000


@pytest.fixture
def address(world):
    """Of a console that is served."""
    with serving(application(world.ports, Access(token=TOKEN))) as address:
        yield address


@pytest.fixture
def client(address):
    with Client(f"{address}/?token={TOKEN}") as client:
        yield client


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "monday.wav"
    path.write_bytes(DATA)
    return path


def test_a_file_is_uploaded_waited_for_and_read(world, client, address, recording, take_in, transcribe):
    job = client.submit(recording, language="en", formats="docx")
    assert client.status(job) == dropscribe.Status(job=job, state="ACCEPTED")
    [stored] = world.ports.store.list("audio")
    assert (stored.name, stored.size) == ("monday.wav", len(DATA))
    take_in()
    assert (client.status(job).state, client.status(job).source) == ("PLANNED", "gs://audio/monday.wav")
    transcribe()
    found = client.wait(job, timeout=5)
    assert (found.text, found.recording) == (TEXT, job)
    assert found.outputs["transcript.srt"] == f"{address}/api/v1/recordings/{job}/outputs/transcript.srt"
    assert client.download(job, "transcript.txt").decode().strip() == TEXT
    with pytest.raises(dropscribe.NotFound, match="no file 'x'"):
        client.download(job, "x")
    (one,) = documents.recordings(world.ports.records)
    assert one.options == Options(language="en", formats="docx")
    # What is there already is not sent.
    assert client.submit("gs://audio/monday.wav") == job


def test_a_file_whose_last_answer_was_lost_is_uploaded_once(world, recording, monkeypatch):
    monkeypatch.setattr("dropscribe.over_http.time.sleep", lambda _: None)
    app, lost = application(world.ports, Access(token=TOKEN)), []

    async def proxied(scope, receive, send):
        if scope.get("method") != "PUT" or lost:
            await app(scope, receive, send)
            return

        async def lose(message):
            lost.append(message.get("status"))

        await app(scope, receive, lose)
        await Response(status_code=502)(scope, receive, send)

    with serving(proxied) as address, Client(address, token=TOKEN) as client:
        job = client.submit(recording)
    assert lost[0] == 201
    [stored] = world.ports.store.list("audio")
    assert (stored.name, job) == ("monday.wav", recording_id(stored, Options()))


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ({"source": "none.mp3"}, dropscribe.NotFound, "spelling"),
        ({"source": "https://x.y/a.mp3"}, dropscribe.BadRequest, "gs://bucket/name"),
        ({"source": "gs://elsewhere/a.mp3"}, dropscribe.Permanent, "elsewhere"),
        ({"request_id": "mine"}, dropscribe.BadRequest, "no request_id"),
        ({"metadata": {"a": "b"}}, dropscribe.BadRequest, "no request_id and no metadata"),
    ],
)
def test_what_is_wrong_is_said(client, given, kind, says):
    given = {"source": "gs://audio/a.mp3", **given}
    with pytest.raises(kind, match=says):
        client.submit(given.pop("source"), **given)


def test_an_empty_file_is_refused(client, tmp_path):
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(dropscribe.BadRequest, match="is empty"):
        client.submit(tmp_path / "empty.mp3")


def test_a_wrong_token_says_where_the_right_one_is(address, monkeypatch):
    with (
        Client(address, token="wrong") as client,
        pytest.raises(dropscribe.ConfigurationError, match="`dropscribe up`"),
    ):
        client.submit("gs://audio/a.mp3")
    monkeypatch.setenv("DROPSCRIBE_CONSOLE_TOKEN", TOKEN)
    with Client(address) as client, pytest.raises(dropscribe.NotFound, match=r"a\.mp3"):
        client.submit("gs://audio/a.mp3")


@pytest.mark.parametrize("url", ["127.0.0.1:8610", "ftp://x", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(dropscribe.BadRequest, match="must start with http://"):
        Client(url)


def test_a_job_that_nobody_knows_is_not_found(client, address):
    with pytest.raises(dropscribe.NotFound, match="knows no job " + "a" * 26):
        client.status("a" * 26)


def test_a_job_that_cannot_be_one_is_not_waited_for(client):
    with pytest.raises(dropscribe.NotFound, match="no recording"):
        client.wait("talk")


@pytest.fixture
def scripted(monkeypatch):
    """Gives `scripted(answer)`: a console whose answers a function gives; nobody waits between two tries."""
    monkeypatch.setattr("dropscribe.over_http.time.sleep", lambda _: None)

    def scripted(answer):
        console = Console("http://console", token=TOKEN, headers={})
        console._own = httpx.Client(
            base_url="http://console", headers=console._own.headers, transport=httpx.MockTransport(answer)
        )
        console._other = httpx.Client(transport=httpx.MockTransport(answer))
        return Client(console)

    return scripted


def test_a_broken_upload_goes_on_where_it_stopped_and_storage_never_sees_the_token(scripted, recording):
    seen, got = [], bytearray()

    def answer(request):
        path, span = request.url.path, request.headers.get("content-range", "")
        seen.append((request.url.host, path, span, "authorization" in request.headers))
        if path == "/api/v1/uploads":
            place = {
                "upload_url": "https://storage/u",
                "method": "PUT",
                "headers": {"x-a": "b"},
                "uri": "gs://a/m",
            }
            return httpx.Response(200, json={"id": "", **place})
        if path == "/api/v1/recordings":
            return httpx.Response(202, json={"id": "k"})
        if span == f"bytes */{len(DATA)}":
            return httpx.Response(308, headers={"range": f"bytes=0-{len(got) - 1}"} if got else {})
        if len(seen) == 2:
            raise httpx.ConnectError("broke")
        body = request.read()
        if not got:
            got.extend(body[:1000])
            raise httpx.ReadError("broke")
        got.extend(body)
        return httpx.Response(200)

    assert scripted(answer).submit(recording) == "k"
    assert bytes(got) == DATA
    total = len(DATA)
    spans = ["", f"bytes */{total}", "", f"bytes */{total}", f"bytes 1000-{total - 1}/{total}"]
    assert seen == [
        ("console", "/api/v1/uploads", "", True),
        *(("storage", "/u", span, False) for span in spans),
        ("console", "/api/v1/recordings", "", True),
    ]


def test_a_connection_that_breaks_again_and_again_is_given_up(scripted, recording):
    def answer(request):
        if request.url.path == "/api/v1/uploads":
            return httpx.Response(200, json={"upload_url": "/u", "method": "PUT", "headers": {}})
        raise httpx.ConnectError("broke")

    with pytest.raises(dropscribe.StoreUnavailable, match="again and again"):
        scripted(answer).submit(recording)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, dropscribe.BadRequest),
        (404, dropscribe.NotFound),
        (409, dropscribe.Permanent),
        (413, dropscribe.OverLimit),
        (401, dropscribe.ConfigurationError),
        (500, dropscribe.StoreUnavailable),
        (503, dropscribe.StoreUnavailable),
    ],
)
def test_an_error_of_the_api_keeps_its_sentence(scripted, status, kind):
    body = {"error": {"code": "x", "message": "Do this."}}
    with pytest.raises(kind, match="Do this"):
        scripted(lambda _: httpx.Response(status, json=body)).submit("gs://audio/a.mp3")


def test_a_proxy_that_wants_to_know_who_asks_is_told_from_a_console(scripted):
    with pytest.raises(dropscribe.ConfigurationError, match="`headers`"):
        scripted(lambda _: httpx.Response(302, headers={"location": "https://accounts/x"})).result("a" * 26)


def test_a_passing_failure_is_tried_again_and_another_server_is_told_from_a_console(scripted):
    answers = [httpx.Response(503), httpx.Response(502), httpx.Response(202, json={"id": "k"})]
    assert scripted(lambda _: answers.pop(0)).submit("gs://audio/a.mp3") == "k"
    with pytest.raises(dropscribe.ConfigurationError, match="not as a console"):
        scripted(lambda _: httpx.Response(200, text="<html>")).submit("gs://audio/a.mp3")

    def gone(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(dropscribe.StoreUnavailable, match="does not answer"):
        scripted(gone).submit("gs://audio/a.mp3")
