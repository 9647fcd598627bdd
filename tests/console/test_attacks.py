"""What strangers and their files may try against the whole console."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from console.security.access import Access
from console.server import application
from shared.flow import chunk, record, upload
from shared.in_words import printable
from shared.messages import ChunkDone
from tests import event_loop
from tests.world import World, heard

TOKEN = "t0ken-that-no-log-shows"
EVIL = "<img src=x onerror=alert(1)>\u202e.wav"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    yield world
    world.close()


@asynccontextmanager
async def client_of(world, **headers):
    app = application(world.ports, Access(token=TOKEN))

    async def with_state(scope, receive, send):
        # As uvicorn has it.
        scope.setdefault("state", {})
        await app(scope, receive, send)

    transport = httpx.ASGITransport(with_state, raise_app_exceptions=True)
    sent = {"authorization": f"Bearer {TOKEN}"} | headers
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8610", headers=sent
    ) as client:
        try:
            yield client
        finally:
            # As at the server's end.
            inner = app._app._as_it_is
            inner.state.uploads.close()
            inner.state.renditions.close()


def run(scenario):
    return event_loop.run(asyncio.wait_for(scenario, 30))


def ask(world, method, path, **more):
    async def asked():
        async with client_of(world) as client:
            return await client.request(method, path, **more)

    return run(asked())


def transcribed(world, name=EVIL, text="<script>alert(1)</script> spoken"):
    recording = upload.on_upload(world.upload(name), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one, text), world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def test_names_and_words_are_json_and_never_html(world):
    recording = transcribed(world)
    for path in (
        "/api/v1/recordings",
        f"/api/v1/recordings/{recording.id}",
        f"/api/v1/recordings/{recording.id}/words",
    ):
        response = ask(world, "GET", path)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        response.json()
    assert ask(world, "GET", f"/api/v1/recordings/{recording.id}").json()["name"] == printable(EVIL)


def test_a_download_is_one_whatever_the_recording_is_called(world):
    recording = transcribed(world, 'a"; filename="evil.html\r\nSet-Cookie: a=b <b>.wav'.replace("\r\n", " "))
    detail = ask(world, "GET", f"/api/v1/recordings/{recording.id}").json()
    assert detail["downloads"]
    for one in detail["downloads"]:
        response = ask(world, "GET", one["url"])
        assert response.status_code == 200
        assert response.headers["content-disposition"].startswith("attachment")
        assert 'evil.html"' not in response.headers["content-disposition"].replace('\\"', "")
        assert not response.headers["content-type"].startswith("text/html")
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "key", ["%2e%2e%2f%2e%2e", "a%00b", "x" * 3000, "%ff%fe", "'; drop table documents; --", "\u202e", "*"]
)  # fmt: skip
def test_keys_that_are_none_are_not_found(world, key):
    for path in (
        f"/api/v1/recordings/{key}",
        f"/api/v1/recordings/{key}/words",
        f"/api/v1/recordings/{key}/audio",
    ):
        response = ask(world, "GET", path)
        assert response.status_code in {400, 404}, (path, response.status_code, response.text)


@pytest.mark.parametrize("shape", ["json%2f..%2f..", "%00", "html", "x" * 2000])
def test_formats_that_are_none_are_refused(world, shape):
    recording = transcribed(world, "talk.wav")
    response = ask(world, "GET", f"/api/v1/recordings/{recording.id}/outputs/{shape}")
    assert response.status_code in {400, 404}


@pytest.mark.parametrize(
    "name",
    ["../evil.wav", "a/../../evil.wav", ".hidden.wav", "/etc/cron.d/evil", "a\0b.wav", "a\r\nb.wav", "n" * 1000, "", ".", "..",
     ".dropscribe-x", "\ud800.wav", "a//b.wav"],
)  # fmt: skip
def test_an_upload_lies_in_the_inbox_or_is_refused(world, name):
    body = json.dumps({"name": name, "size": 4, "media_type": "audio/wav", "options": {}})

    async def scenario():
        async with client_of(world) as client:
            placed = await client.post("/api/v1/uploads", content=body)
            if placed.status_code >= 400:
                assert placed.json()["error"]["message"]
                return None
            return await client.put(placed.json()["upload_url"], content=b"RIFF")

    before = set(world.ports.store.folder_of("audio").parent.rglob("*"))
    stored = run(scenario())
    inbox = world.ports.store.folder_of("audio")
    new = {path for path in inbox.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(inbox) or "sqlite" in path.name for path in new)
    assert stored is None or stored.status_code in {200, 201, 308, 400, 409}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/uploads", b"[" * 100_000),
        ("/api/v1/uploads", b'{"name": "a.wav", "size": -1}'),
        ("/api/v1/uploads", b'{"name": "a.wav", "size": 1e400}'),
        ("/api/v1/uploads", b'{"name": "a.wav", "size": 10, "options": {"language": "<script>"}}'),
        ("/api/v1/uploads", b"\xff\xfe"),
        ("/api/v1/recordings", b'{"uri": "http://169.254.169.254/latest"}'),
        ("/api/v1/recordings", b'{"uri": "gs://somebody-elses/x"}'),
        ("/api/v1/recordings", b'{"uri": ""}'),
        ("/api/v1/quotes", b'{"name": "a", "size": 99999999999999999999999}'),
        ("/api/v1/quotes", b'{"name": "a", "size": 1, "seconds": 1e300}'),
        ("/api/v1/retries", b'{"ids": "x"}'),
        ("/api/v1/recordings/x/revisions", b'{"based_on": -1}'),
    ],
)
def test_bodies_that_are_wrong_end_in_a_sentence(world, path, body):
    response = ask(world, "POST", path, content=body)
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    assert response.json()["error"]["message"].endswith((".", ":", ")"))


@pytest.mark.parametrize(
    "query",
    ["cursor=%00", "cursor=" + "x" * 5000, "limit=-1", "limit=1e9", "limit=x", "state=<script>", "label=%ff", "text=%00'\"*(", "limit=999999"],
)  # fmt: skip
def test_filters_that_make_no_sense_do_no_harm(world, query):
    transcribed(world, "talk.wav")
    response = ask(world, "GET", f"/api/v1/recordings?{query}")
    assert response.status_code in {200, 400}, (response.status_code, response.text)


@pytest.mark.parametrize(
    "given",
    ["bytes=5-1", "bytes=-0", "bytes=99999-", "bytes=a-b", "bytes=0-1,2-3", "x", "bytes=" + "9" * 30 + "-"],
)
def test_ranges_out_of_bounds_are_refused(world, given):
    recording = transcribed(world, "talk.wav")
    response = ask(world, "GET", f"/api/v1/recordings/{recording.id}/audio", headers={"range": given})
    assert response.status_code in {200, 404, 416}
    assert response.status_code != 200 or given == "x"


def test_audio_is_never_what_the_uploader_says(world):
    world.media.info = replace(world.media.info, format="wav")
    recording = transcribed(world, "evil.html")
    response = ask(world, "GET", f"/api/v1/recordings/{recording.id}/audio")
    assert response.headers["content-type"].startswith(("audio/", "video/"))
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/nothing"), ("PUT", "/api/v1/uploads/nothing"), ("DELETE", "/api/v1/recordings/nothing"),
     ("POST", "/api/v1/recordings/nothing/retry"), ("POST", "/api/v1/dead-letters/nothing/discard"), ("TRACE", "/api/v1/about"),
     ("PATCH", "/api/v1/recordings"), ("GET", "/.git/config"), ("GET", "/docs/..%2f..%2fetc/passwd")],
)  # fmt: skip
def test_addresses_without_anything_are_4xx(world, method, path):
    response = ask(world, method, path)
    assert 400 <= response.status_code < 500, (response.status_code, response.text)


def test_no_log_shows_the_token(world, caplog):
    with caplog.at_level(logging.DEBUG):
        for path in (f"/?token={TOKEN}", f"/api/v1/about?token={TOKEN}", "/api/v1/nothing", "/v1/models"):
            ask(world, "GET", path)
        ask(world, "POST", "/api/v1/uploads", content=b"[")
    assert TOKEN not in "\n".join(
        one.getMessage() for one in caplog.records if not one.name.startswith("http")
    )
