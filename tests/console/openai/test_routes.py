"""What is answered where, while a recording goes its way."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette

from console.openai import receiving, routes
from console.results import Results
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from shared.model import Options
from shared.state import documents
from tests.console.openai.asking import URL, client_of, form, run
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    world.media.info = replace(world.media.info, duration=90.0)
    yield world
    world.close()


async def stored(world):
    """The only upload, as soon as it is there."""
    while not (found := list(world.ports.store.list("audio"))):  # noqa: ASYNC110 - what is waited for is under test
        await asyncio.sleep(0.01)
    return found[0]


async def planned(world):
    """Its recording, with its plan."""
    return upload.on_object(await stored(world), world.ports)


def finish(world, recording, only=None):
    for one in recording.chunks:
        if only is None or one.index in only:
            result, row = heard(recording, one, f"part {one.index} of the talk")
            chunk.commit_result(result, row, world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def test_the_answer_comes_when_the_transcript_is_there(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form()))
            recording = await planned(world)
            finish(world, recording)
            return recording, await asking

    recording, response = run(scenario())
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == recording.id
    assert response.json()["text"].startswith("part 0 of the talk part 1")


@pytest.mark.parametrize(
    ("shape", "kind", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "part 0"),
        ("srt", "application/x-subrip; charset=utf-8", "1\n"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT"),
    ],
)
def test_texts_have_their_media_types(world, shape, kind, begins):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form(response_format=shape)))
            finish(world, await planned(world))
            return await asking

    response = run(scenario())
    assert response.headers["content-type"] == kind
    assert response.text.startswith(begins)


def test_the_words_of_a_chunk_are_sent_before_the_next_one_is_done(world):
    """The events of a stream, taken from the application itself: a client would see them together in memory."""

    async def scenario():
        app = Starlette(routes=routes.routes())
        app.state.ports, app.state.results = world.ports, Results()
        request = httpx.Request("POST", f"http://console{URL}", **form(stream="true"))
        sent, changed, gone = [], asyncio.Event(), asyncio.Event()
        bodies = [{"type": "http.request", "body": request.read()}]

        async def receive():
            if bodies:
                return bodies.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message.get("body", b""))
            changed.set()

        async def until(text):
            while text not in b"".join(sent):
                changed.clear()
                await changed.wait()

        scope = {
            "type": "http", "method": "POST", "path": URL, "query_string": b"", "root_path": "", "http_version": "1.1",
            "scheme": "http", "server": ("console", 80), "client": ("x", 1), "state": {},
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }  # fmt: skip
        serving = asyncio.create_task(app(scope, receive, send))
        recording = await planned(world)
        finish(world, recording, only={0})
        await until(b'"delta":"part 0 of the talk"')
        assert b"part 1" not in b"".join(sent)
        finish(world, recording, only={1, 2})
        await until(b"transcript.text.done")
        await serving
        return b"".join(sent).decode()

    told = run(scenario())
    events = [
        json.loads(line.removeprefix("data: ")) for line in told.splitlines() if line.startswith("data: ")
    ]
    deltas = [one["delta"] for one in events if one["type"] == "transcript.text.delta"]
    assert len(deltas) >= 2
    assert "".join(deltas) == events[-1]["text"]


def test_a_recording_that_ends_without_a_transcript_is_an_error(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form()))
            record.cancel((await planned(world)).id, world.ports)
            return await asking

    response = run(scenario())
    assert (response.status_code, response.json()["error"]["code"]) == (400, "cancelled")
    assert response.headers["x-should-retry"] == "false"


def test_an_error_is_the_last_event_of_a_stream(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form(stream="true")))
            record.cancel((await planned(world)).id, world.ports)
            return await asking

    lines = run(scenario()).text.strip().splitlines()
    assert lines[0] == "event: error"
    assert json.loads(lines[1].removeprefix("data: "))["error"]["code"] == "cancelled"


def test_a_held_recording_is_not_waited_for(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form()))
            recording = upload.accept(await stored(world), Options(), world.ports)
            documents.change_recording(
                world.ports, recording.id, lambda one: replace(one, held="The day's budget is used up.")
            )
            return await asking

    response = run(scenario())
    assert (response.status_code, response.json()["error"]["code"]) == (429, "insufficient_quota")
    assert "budget" in response.json()["error"]["message"]


def test_who_hangs_up_cancels_nothing(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form()))
            recording = await planned(world)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            finish(world, recording)
            return recording, await client.post(URL, **form())

    recording, response = run(scenario())
    assert (response.status_code, response.headers["x-request-id"]) == (200, recording.id)
    assert world.ports.records.count(documents.RECORDINGS) == 1


def test_whenever_somebody_hangs_up_the_file_of_the_request_is_closed(world, monkeypatch):
    files, stage = [], world.ports.store.stage

    async def at_once(function, *given):
        await asyncio.sleep(0)
        return function(*given)

    def noted(bucket):
        files.append(stage(bucket))
        return files[-1]

    for module in (receiving, routes):
        monkeypatch.setattr(module, "to_thread", SimpleNamespace(run_sync=at_once))
    monkeypatch.setattr(world.ports.store, "stage", noted)

    async def scenario():
        async with client_of(world) as client:
            for steps in range(30):
                asking = asyncio.create_task(client.post(URL, **form()))
                for _ in range(steps):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    run(scenario())
    assert files
    assert [file.closed for file in files] == [True] * len(files)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/audio/translations", 400, "unsupported_endpoint"),
        ("POST", "/v1/chat/completions", 404, "unknown_url"),
        ("GET", "/v1/models/gpt-nothing/x", 200, None),
        ("GET", "/v1/models/nothing", 404, "model_not_found"),
        ("DELETE", "/v1/models/tiny", 404, "unknown_url"),
        ("GET", "/v1/audio/transcriptions", 404, "unknown_url"),
        ("GET", "/v1/../etc/passwd", 404, None),
    ],
)
def test_everything_else_is_an_error_in_openais_form(world, method, path, status, code):
    async def scenario():
        async with client_of(world) as client:
            return await client.request(method, path)

    response = run(scenario())
    assert response.status_code == status
    if code:
        assert response.json()["error"]["code"] == code


def test_where_nothing_runs_it_is_said_at_once_what_to_start(world, monkeypatch):
    monkeypatch.setattr(type(world.ports), "nothing_runs", lambda self: True)

    async def scenario():
        async with client_of(world) as client:
            plain = await client.post(URL, **form())
            streamed = await client.post(URL, **form(stream="true"))
        return plain, streamed

    plain, streamed = run(scenario())
    assert plain.status_code == 503
    error = plain.json()["error"]
    assert error["code"] == "no_worker"
    assert "start `dropscribe up`, then send the same request again" in error["message"]
    assert plain.headers["x-should-retry"] == "false"
    assert "event: error" in streamed.text
    assert "start `dropscribe up`" in streamed.text
    assert len(list(world.ports.store.list("audio"))) == 1


def test_what_has_its_transcript_is_answered_although_nothing_runs(world, monkeypatch):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form()))
            finish(world, await planned(world))
            await asking
            monkeypatch.setattr(type(world.ports), "nothing_runs", lambda self: True)
            return await client.post(URL, **form())

    assert run(scenario()).status_code == 200


@pytest.mark.parametrize("more", [{}, {"stream": "true"}])
def test_a_request_waits_no_longer_than_the_platform_lets_it(world, monkeypatch, more):
    monkeypatch.setattr(routes, "LONGEST", 0.3)

    async def scenario():
        async with client_of(world) as client:
            return await client.post(URL, **form(**more))

    answer = run(scenario())
    assert answer.status_code == (200 if more else 503)
    assert "There is no transcript yet after" in answer.text
    assert "not_yet" in answer.text


def test_a_stream_waits_no_longer_than_that_from_its_beginning_on(world, monkeypatch):
    """However late its recording begins."""
    monkeypatch.setattr(routes, "LONGEST", 2.0)
    began = []

    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form(stream="true")))
            await stored(world)
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(1.2)
            await planned(world)
            answer = await asking
            return answer, asyncio.get_running_loop().time() - began[0]

    answer, took = run(scenario())
    assert "not_yet" in answer.text
    assert took < 3.0


def test_a_file_that_was_deleted_from_the_bucket_is_written_again(world):
    async def scenario():
        async with client_of(world) as client:
            asking = asyncio.create_task(client.post(URL, **form(response_format="srt")))
            recording = finish(world, await planned(world))
            before = (await asking).text
            store = world.ports.store
            name = next(one for one in recording.outputs if one.endswith("transcript.srt"))
            store.delete("transcripts", name, store.stat("transcripts", name).generation)
            return before, await client.post(URL, **form(response_format="srt"))

    before, again = run(scenario())
    assert (again.status_code, again.text) == (200, before)
