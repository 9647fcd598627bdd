from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from console.api import requests
from shared.flow import request as router
from shared.flow import upload
from shared.topology import REQUESTS
from tests.world import replace_unnoticed


def test_what_is_there_already_is_asked_for_by_its_uri(client, world):
    world.upload("there.wav")
    answer = client.post(
        "/api/v1/recordings", json={"uri": "gs://audio/there.wav", "options": {"language": "en"}}
    )
    assert answer.status_code == 202
    assert answer.json()["state"] == "ACCEPTED"
    (message,) = world.pull(REQUESTS)
    assert b'"language":"en"' in message.data


def test_one_that_is_known_is_shown_as_it_is(client, done):
    answer = client.post("/api/v1/recordings", json={"uri": "gs://audio/talks/talk.wav"})
    assert (answer.status_code, answer.json()["id"]) == (202, done.id)


def test_another_version_with_the_same_time_is_refused(client, world, done):
    replace_unnoticed(world.ports.store.path_of("audio", "talks/talk.wav"), b"another, longer sound")
    answer = client.post("/api/v1/recordings", json={"uri": "gs://audio/talks/talk.wav"})
    assert answer.status_code in range(400, 500)
    assert "`touch`" in answer.json()["error"]["message"]
    assert world.pull(REQUESTS) == []


def route(world):
    """The router takes all requests."""
    for number, one in enumerate(world.pull(REQUESTS)):
        data = base64.b64encode(one.data).decode()
        router.on_request(
            {"data": data, "attributes": dict(one.attributes), "messageId": str(number)}, world.ports
        )


@pytest.mark.parametrize(
    "options", [None, {}, {"language": "de"}, {"model": "other/weights"}, {"method": "deepgram"}]
)
@pytest.mark.parametrize("where", ["object", "file"])
@pytest.mark.parametrize("event", ["none", "before", "between", "after"])
def test_the_id_in_the_answer_is_that_of_the_recording(client, world, tmp_path, options, where, event):
    world.ports.store._folders["files"] = Path("/")
    resource = world.upload("there.wav", **{"dropscribe-language": "en"})
    if event == "before":
        upload.on_upload(resource, world.ports)
    file = tmp_path / "audio/there.wav"
    uri = {"object": "gs://audio/there.wav", "file": f"file://{file}"}[where]
    body = {"uri": uri} if options is None else {"uri": uri, "options": options}
    ids = set()
    for _ in range(2):
        answer = client.post("/api/v1/recordings", json=body)
        assert answer.status_code == 202
        ids.add(answer.json()["id"])
        if event == "between":
            upload.on_upload(resource, world.ports)
        route(world)
    if event == "after":
        upload.on_upload(resource, world.ports)
    (key,) = ids
    found = client.get(f"/api/v1/recordings/{key}")
    assert (found.status_code, found.json()["uri"]) == (200, uri)


@pytest.mark.parametrize("language", ["en", "no such language"])
def test_an_object_whose_metadata_were_corrected_is_asked_for_under_the_id_that_it_gets(
    client, world, monkeypatch, language
):
    upload.on_upload(world.upload("there.wav", **{"dropscribe-track": "two"}), world.ports)
    original = world.ports.store.stat

    def stat(*given):
        return replace(original(*given), metadata={"dropscribe-language": language})

    monkeypatch.setattr(world.ports.store, "stat", stat)
    answer = client.post("/api/v1/recordings", json={"uri": "gs://audio/there.wav"})
    route(world)
    if language != "en":
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
        return
    shown = client.get(f"/api/v1/recordings/{answer.json()['id']}").json()
    assert shown["state"] == "PLANNED"


def test_more_than_the_quota_of_a_caller_is_refused_at_once(client, world):
    world.upload("there.wav")
    object.__setattr__(world.ports, "settings", replace(world.settings, max_open_requests=1))
    for language, status in (("en", 202), ("de", 413)):
        body = {"uri": "gs://audio/there.wav", "options": {"language": language}}
        assert client.post("/api/v1/recordings", json=body).status_code == status
        route(world)


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("gs://audio/nothing.wav", 404),
        ("https://example.com/a.mp3", 400),
        ("x", 400),
        ("gs://other/a.wav", 400),
    ],
)
def test_what_cannot_be_read_says_what_to_do(client, uri, status):
    answer = client.post("/api/v1/recordings", json={"uri": uri})
    assert answer.status_code in {status, 404}
    assert answer.json()["error"]["message"].endswith(".")


def test_a_quote_names_the_method_and_every_other_one(client):
    answer = client.post("/api/v1/quotes", json={"name": "a.mp3", "size": 960_000, "seconds": 60.0}).json()
    assert answer["method"] == "parakeet"
    assert answer["usd_low"] == answer["usd_high"]
    assert {one["method"] for one in answer["table"]} >= {"parakeet", "deepgram"}


def test_without_its_length_a_quote_is_a_range(client, world):
    answer = client.post("/api/v1/quotes", json={"name": "a.wav", "size": 10_000_000}).json()
    assert answer["usd_low"] <= answer["usd_high"]


def test_a_quote_stores_nothing(client, world):
    client.post("/api/v1/quotes", json={"name": "a.mp3", "size": 960_000})
    assert not list(world.ports.records.query("recordings"))
    assert not list(Path(world.ports.store.path_of("audio", "x")).parent.glob("*"))


def test_options_that_there_are_not_are_named(client):
    answer = client.post("/api/v1/quotes", json={"name": "a.mp3", "size": 1, "options": {"speed": 2}})
    assert answer.status_code == 400
    assert "language" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "seconds"), [("a.wav", 60.0), ("a.AIF", 60.0), ("a.opus", 1322.8125), ("a", 661.40625)]
)
def test_without_its_length_a_quote_is_for_what_such_a_file_usually_lasts(name, seconds):
    body = requests.QuoteBody(name=name, size=1411 * 125 * 60)
    assert requests._guess(body) == seconds
