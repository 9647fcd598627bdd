from __future__ import annotations

from pathlib import Path

import pytest

from console.api import requests
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
