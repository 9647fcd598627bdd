from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx
import pytest
from starlette.testclient import TestClient

from console import bodies
from console.api import uploads as server
from console.security.access import Access
from console.server import application
from local.backend.files import staged
from shared.errors import StoreUnavailable
from shared.flow import forget
from shared.flow import request as router
from shared.state import uploads
from shared.topology import REQUESTS
from tests import event_loop

DATA = bytes(range(250)) * 100
LENGTH = len(DATA)


def place(client, size=LENGTH, name="calls/monday.wav", **options):
    answer = client.post("/api/v1/uploads", json={"name": name, "size": size, "options": options})
    assert answer.status_code == 200, answer.text
    return answer.json()["upload_url"]


def span(first, last, size=LENGTH):
    return {"Content-Range": f"bytes {first}-{last}/{size}"}


def test_a_file_becomes_an_object_with_its_options_fixed(client, world):
    answer = client.put(place(client, language="de"), content=DATA)
    assert answer.status_code == 201
    stored = world.ports.store.stat("audio", "calls/monday.wav")
    assert world.ports.store.read(stored, 0, 10**6) == DATA
    assert uploads.fix(stored, world.ports.records).options.language == "de"


def test_a_broken_upload_goes_on_where_it_stopped(client, world):
    url = place(client)
    assert client.put(url, headers={"Content-Range": f"bytes */{len(DATA)}"}).headers.get("range") is None
    broken = client.put(url, content=DATA[:1000], headers=span(0, 24_999))
    assert (broken.status_code, broken.headers["range"]) == (308, "bytes=0-999")
    asked = client.put(url, headers={"Content-Range": f"bytes */{len(DATA)}"})
    assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-999")
    gap = client.put(url, content=DATA[2000:], headers=span(2000, 24_999))
    assert (gap.status_code, gap.headers["range"]) == (308, "bytes=0-999")
    assert client.put(url, content=DATA[1000:], headers=span(1000, 24_999)).status_code == 201
    assert world.ports.store.load("audio", "calls/monday.wav") == DATA


def test_another_file_of_that_name_gets_another_name(client, world):
    client.put(place(client), content=DATA)
    client.put(place(client, size=3), content=b"two")
    assert world.ports.store.load("audio", "calls/monday.wav") == DATA
    assert world.ports.store.load("audio", "calls/monday (2).wav") == b"two"


def test_more_than_was_promised_is_refused(client, world):
    answer = client.put(place(client, size=10), content=b"x" * 11)
    assert answer.status_code == 400
    assert "10 bytes" in answer.json()["error"]["message"]
    assert world.ports.store.stat("audio", "calls/monday.wav") is None


@pytest.mark.parametrize(
    "name",
    ["", "/", "../x.wav", "a/../b.wav", ".hidden", "a\nb.wav", "a\x7f.wav", "x" * 1000 + ".wav", "a//b.wav"],
)
def test_a_name_that_cannot_be_is_refused_with_what_to_do(client, name):
    answer = client.post("/api/v1/uploads", json={"name": name, "size": 3})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(" name.")


@pytest.mark.parametrize(
    "body", [{"name": "a.wav", "size": 0}, {"name": "a.wav", "size": 3, "options": {"odd": 1}}]
)
def test_an_empty_file_or_an_unknown_option_is_refused(client, body):
    assert client.post("/api/v1/uploads", json=body).status_code == 400


@pytest.mark.parametrize("given", ["bytes 0-3/9", "bytes", "bytes 1-2/x", "bytes 5-1/-1"])
def test_a_span_that_makes_no_sense_is_refused(client, given):
    assert client.put(place(client), content=b"x", headers={"Content-Range": given}).status_code == 400


def test_hostile_names_stay_text(client, world):
    name = "<img src=x onerror=alert(1)>.wav"
    client.put(place(client, size=1, name=name), content=b"x")
    assert world.ports.store.stat("audio", name) is not None


class Full:
    """A file whose disk is full for a moment: it takes half of what it is given, and says so."""

    def __init__(self, file):
        self._file, self._full = file, True

    def write(self, data):
        if self._full:
            self._full = False
            self._file.write(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_what_was_half_written_on_a_full_disk_is_written_again_at_its_place(client, world, monkeypatch):
    original = world.ports.store.stage
    monkeypatch.setattr(world.ports.store, "stage", lambda bucket: Full(original(bucket)))
    url = place(client)
    failed = client.put(url, content=DATA)
    assert (failed.status_code, failed.json()["error"]["code"]) == (507, "no_space")
    assert client.put(url, headers={"Content-Range": f"bytes */{LENGTH}"}).headers.get("range") is None
    assert client.put(url, content=DATA, headers=span(0, LENGTH - 1)).status_code == 201
    assert world.ports.store.load("audio", "calls/monday.wav") == DATA


def test_an_upload_that_could_not_be_stored_at_its_end_is_stored_when_it_is_asked_for(
    client, world, monkeypatch
):
    original, fails = world.ports.store.create_from, [True]

    def create_from(*given, **more):
        if fails:
            fails.clear()
            raise StoreUnavailable("the store does not answer")
        return original(*given, **more)

    monkeypatch.setattr(world.ports.store, "create_from", create_from)
    url = place(client)
    assert client.put(url, content=DATA).status_code == 503
    assert client.put(url, headers={"Content-Range": f"bytes */{LENGTH}"}).status_code == 201
    assert world.ports.store.load("audio", "calls/monday.wav") == DATA


def test_a_file_that_does_not_fit_on_the_disk_is_refused_at_the_start(client, monkeypatch):
    monkeypatch.setattr(server, "free_space", lambda file: 1_000_000)
    place(client, size=400_000, name="first.wav")
    answer = client.post("/api/v1/uploads", json={"name": "second.wav", "size": 700_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "no_space")
    said = "second.wav has 700 kB, and the disk of the server has 600 kB for it. Make room, or send a smaller file."
    assert answer.json()["error"]["message"] == said
    place(client, size=600_000, name="third.wav")


def test_what_is_given_up_or_forgotten_leaves_its_room_to_others(client, monkeypatch):
    monkeypatch.setattr(server, "free_space", lambda file: 1_000_000)
    url = place(client, size=900_000)
    client.put(url, content=b"x", headers=span(0, 0, 900_000))
    body = {"name": "right.wav", "size": 900_000}
    assert client.post("/api/v1/uploads", json=body).status_code == 507
    assert client.delete(url).status_code == 204
    assert client.delete(url).status_code == 404
    place(client, size=900_000, name="right.wav")
    assert client.post("/api/v1/uploads", json=body).status_code == 507
    monkeypatch.setattr(server, "FORGOTTEN", -1.0)
    assert client.post("/api/v1/uploads", json=body).status_code == 200


def test_an_upload_may_end_while_the_room_for_another_one_is_counted(monkeypatch):
    places, ended = server.Places(), []
    monkeypatch.setattr(server, "free_space", lambda file: 1_000_000)

    class Other(server.Place):
        def __getattribute__(self, name):
            if name == "there" and ended:
                places.drop(ended.pop())
            return super().__getattribute__(name)

    def add(kind):
        return places.add(kind(name="one.wav", size=300_000, metadata={}, file=BytesIO()))

    add(Other)
    ended.append(add(server.Place))
    key = add(server.Place)
    assert not ended
    assert places.find(key).size == 300_000


def test_an_upload_that_was_refused_is_over(client):
    url = place(client, size=10)
    assert client.put(url, content=b"x" * 11).status_code == 400
    assert client.put(url, content=b"x" * 10).status_code == 404


def again(world):
    """The server, started again."""
    app = application(world.ports, Access(token="another"))
    return TestClient(app, base_url="http://127.0.0.1:8610", headers={"Authorization": "Bearer another"})


def whole(size=LENGTH):
    """Headers of the question how much is there."""
    return {"Content-Range": f"bytes */{size}"}


def route(world):
    """The router takes all requests."""
    for number, one in enumerate(world.pull(REQUESTS)):
        data = base64.b64encode(one.data).decode()
        message = {"data": data, "attributes": dict(one.attributes), "messageId": str(number)}
        router.on_request(message, world.ports)


def names(world):
    return [one.name for one in world.ports.store.list("audio")]


def test_an_answer_that_was_lost_is_given_again(client, world):
    url = place(client, label="sales")
    first = client.put(url, content=DATA)
    route(world)
    # Somebody has it transcribed with other options, too.
    client.post("/api/v1/recordings", json={"uri": "gs://audio/calls/monday.wav", "options": {"label": "x"}})
    client.post("/api/v1/recordings", json={"uri": "gs://audio/calls/monday.wav", "options": {"track": 1}})
    route(world)
    for server_now in (client, again(world)):
        for headers, content in ((whole(), b""), ({}, DATA), (span(1000, LENGTH - 1), DATA[1000:])):
            answer = server_now.put(url, headers=headers, content=content)
            assert (answer.status_code, answer.json()) == (201, first.json())
        assert server_now.put(url, headers=whole(LENGTH + 1)).status_code == 400
    assert names(world) == ["calls/monday.wav"]
    assert client.get(f"/api/v1/recordings/{first.json()['id']}").json()["state"] == "PLANNED"
    assert world.pull(REQUESTS) == []


def test_each_of_several_files_of_one_name_has_its_own_answer_again(client, world):
    urls = [place(client) for _ in range(3)]
    given = [client.put(url, content=DATA).json() for url in urls]
    assert [one["uri"][-7:] for one in given] == ["day.wav", "(2).wav", "(3).wav"]
    now = again(world)
    assert [now.put(url, headers=whole()).json() for url in urls] == given


def test_two_files_of_one_name_and_one_time_keep_their_own_options_and_answers(client, world, monkeypatch):
    settle, name_it, given = staged.settle, staged.name_it, {}

    def at_that_time(file):
        file.flush()
        os.utime(file.fileno(), (1.8e9, 1.8e9))
        return settle(file)

    def after_another(*file):
        monkeypatch.setattr(staged, "name_it", name_it)
        given[second] = client.put(second, content=DATA[::-1]).json()
        return name_it(*file)

    monkeypatch.setattr(staged, "settle", at_that_time)
    monkeypatch.setattr(staged, "name_it", after_another)
    first, second = place(client, language="de"), place(client, language="fr")
    given[first] = client.put(first, content=DATA).json()
    for url, content, language in ((first, DATA, "de"), (second, DATA[::-1], "fr")):
        assert client.put(url, headers=whole()).json() == given[url]
        name = given[url]["uri"].removeprefix("gs://audio/")
        assert world.ports.store.load("audio", name) == content
        stored = world.ports.store.stat("audio", name)
        assert uploads.fix(stored, world.ports.records).options.language == language
    assert names(world) == ["calls/monday (2).wav", "calls/monday.wav"]


def test_an_answer_is_not_given_for_another_file_or_one_that_was_deleted(client, world):
    url = place(client)
    key = client.put(url, content=DATA).json()["id"]
    for other in (url[:-20], url[:-1], "/api/v1/uploads/x", f"/api/v1/uploads/{'x' * 22}"):
        assert client.put(other, headers=whole()).status_code == 404
    assert client.delete(url).status_code == 404
    route(world)
    forget.forget(key, world.ports)
    assert client.put(url, headers=whole()).status_code == 404
    assert names(world) == ["calls/monday.wav"]


def test_whoever_asks_while_a_file_is_stored_is_told_when_it_is(client, world, monkeypatch):
    original, begun, go_on = world.ports.store.create_from, threading.Event(), threading.Event()

    def create_from(*given, **more):
        begun.set()
        assert go_on.wait(20)
        return original(*given, **more)

    monkeypatch.setattr(world.ports.store, "create_from", create_from)
    url = place(client)
    with ThreadPoolExecutor(2) as pool:
        sent = pool.submit(client.put, url, content=DATA)
        assert begun.wait(20)
        asked = pool.submit(client.put, url, headers=whole())
        go_on.set()
        assert (sent.result().status_code, asked.result().status_code) == (201, 201)
    assert sent.result().json() == asked.result().json()
    assert names(world) == ["calls/monday.wav"]


class KilledError(Exception):
    """Nobody catches it, and nothing is tidied up."""


class Breaks:
    """Lets one of the calls fail by which an upload is stored, before or after it is made."""

    def __init__(self, world, monkeypatch):
        self._left, self._after, self._error = -1, False, None
        ports = world.ports
        for owner, name, error in (
            (os, "fsync", OSError(5, "Input/output error")),
            (os, "link", OSError(5, "Input/output error")),
            (ports.records, "create", StoreUnavailable("Locked.")),
            (ports.records, "get", StoreUnavailable("Locked.")),
            (ports.records, "update", StoreUnavailable("Locked.")),
            (ports.queue, "publish", StoreUnavailable("Locked.")),
            (ports.store, "create_from", StoreUnavailable("Locked.")),
        ):
            monkeypatch.setattr(owner, name, self._breaking(getattr(owner, name), error))

    def _breaking(self, original, error):
        def call(*given, **more):
            self._left -= 1
            breaks = self._left == 0
            if breaks and not self._after:
                raise self._error or error
            found = original(*given, **more)
            if breaks:
                raise self._error or error
            return found

        return call

    def each(self, error=None):
        """Names of files, one for each call that fails, before or after it is made, and what lets it."""
        for after in (False, True):
            number, failed = 0, True
            while failed:
                number += 1

                @contextlib.contextmanager
                def here(number=number, after=after):
                    nonlocal failed
                    self._left, self._after, self._error = number, after, error
                    yield
                    failed, self._left = self._left <= 0, -1

                yield f"{number}-{after}.xyz", here
            assert number > 8


def test_an_error_at_any_call_leaves_one_file_of_its_name_and_one_recording(client, world, monkeypatch):
    keys, files, failures = [], [], 0
    for name, breaking in Breaks(world, monkeypatch).each():
        client.put(place(client, size=1, name=name), content=b"x")
        url = place(client, name=name, language="de")
        with breaking():
            answer = client.put(url, content=DATA)
        if answer.status_code != 201:
            failures += 1
            assert answer.status_code == 503
            answer = client.put(url, headers=whole())
        assert answer.status_code == 201, name
        keys.append(answer.json()["id"])
        files += [name, name.replace(".", " (2).")]
    assert failures > 30
    route(world)
    assert sorted(names(world)) == sorted(files)
    found = {one["id"]: one for one in client.get("/api/v1/recordings?limit=100").json()["recordings"]}
    assert len(found) == len(files)
    assert {found[key]["uri"][-8:] for key in keys} == {" (2).xyz"}
    assert {found[key]["language"] for key in keys} == {"de"}


def test_a_server_that_is_killed_at_any_call_leaves_one_file_of_its_name_and_one_recording(
    client, world, monkeypatch
):
    files, lost = [], 0
    for name, breaking in Breaks(world, monkeypatch).each(KilledError()):
        url = place(client, name=name)
        with breaking(), contextlib.suppress(KilledError):
            client.put(url, content=DATA)
        with again(world) as now:
            answer = now.put(url, headers=whole())
            if answer.status_code == 404:
                lost += 1
                answer = now.put(place(now, name=name), content=DATA)
        assert answer.status_code == 201, name
        files.append(name)
    assert 0 < lost < len(files)
    route(world)
    assert sorted(names(world)) == sorted(files)
    assert len(client.get("/api/v1/recordings?limit=100").json()["recordings"]) == len(files)


@pytest.fixture
def cut_off(world, monkeypatch):
    """Gives `cut_off(scenario)`: what happens when a connection is cut on its way, which nobody tells the server."""
    monkeypatch.setattr(server, "PIECE", 100)

    def run(scenario):
        async def main():
            app = application(world.ports, Access(token="another"))
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://127.0.0.1:8610",
                headers={"Authorization": "Bearer another"},
                timeout=20,
            ) as client:
                body = {"name": "a.wav", "size": LENGTH}
                url = (await client.post("/api/v1/uploads", json=body)).json()["upload_url"]
                written = asyncio.Event()

                async def half():
                    yield DATA[:1000]
                    written.set()
                    await asyncio.Event().wait()

                first = asyncio.create_task(client.put(url, content=half()))
                await written.wait()
                await asyncio.wait_for(scenario(client, url, first), 20)

        event_loop.run(main())

    return run


def test_whoever_comes_again_goes_on_although_the_old_connection_seems_to_send(cut_off, world):
    async def scenario(client, url, first):
        asked = await client.put(url, headers=whole())
        assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-999")
        assert (await first).status_code == 308
        sent = await client.put(url, content=DATA[1000:], headers=span(1000, LENGTH - 1))
        assert sent.status_code == 201

    cut_off(scenario)
    assert world.ports.store.load("audio", "a.wav") == DATA


def test_of_several_who_come_again_the_newest_goes_on(cut_off, world):
    async def scenario(client, url, first):
        async def half():
            yield DATA[1000:2000]
            await asyncio.Event().wait()

        several = [
            asyncio.create_task(client.put(url, content=half(), headers=span(1000, LENGTH - 1)))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        asked = await client.put(url, headers=whole())
        there = int(asked.headers["range"].rpartition("-")[2]) + 1
        sent = await client.put(url, content=DATA[there:], headers=span(there, LENGTH - 1))
        assert sent.status_code == 201
        assert {one.status_code for one in await asyncio.gather(first, *several)} == {308}

    cut_off(scenario)
    assert world.ports.store.load("audio", "a.wav") == DATA


def test_an_upload_whose_connection_was_cut_can_be_given_up(cut_off, world):
    async def scenario(client, url, first):
        assert (await client.delete(url)).status_code == 204
        assert (await first).status_code == 308
        assert (await client.put(url, headers=whole())).status_code == 404

    cut_off(scenario)
    assert names(world) == []


def test_a_connection_that_was_cut_is_given_up_after_a_while(cut_off, monkeypatch):
    monkeypatch.setattr(bodies, "QUIET", 0.1)

    async def scenario(client, url, first):
        assert (await first).status_code == 308
        monkeypatch.setattr(server, "FORGOTTEN", -1.0)
        other = (await client.post("/api/v1/uploads", json={"name": "b.wav", "size": 1})).json()["upload_url"]
        await client.delete(other)
        assert (await client.put(url, headers=whole())).status_code == 404

    cut_off(scenario)
