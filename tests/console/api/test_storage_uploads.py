from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from console.api import storage_uploads
from console.api.storage_uploads import LASTS, Names
from console.security.access import Access
from console.server import application
from shared.errors import StoreUnavailable
from shared.messages import options_from_metadata
from tests.console.conftest import TOKEN
from tests.world import IN_A_PROJECT

ADDRESS = "https://storage.googleapis.com/upload/storage/v1/b/audio/o?uploadType=resumable&upload_id=1"


@pytest.fixture
def asked(world, monkeypatch):
    """What the store was asked for: addresses that it gives, as Cloud Storage does."""
    found = []

    def upload_url(bucket, name, **more):
        found.append({"bucket": bucket, "name": name, **more})
        return ADDRESS

    monkeypatch.setattr(world.ports.store, "upload_url", upload_url)
    return found


def begin(client, headers=None, **body):
    body = {"name": "calls/monday.wav", "size": 2**31} | body
    answer = client.post("/api/v1/uploads", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_file_goes_straight_to_the_store_with_its_options_as_metadata(client, asked):
    origin = "http://127.0.0.1:8610"
    options = {"language": "de", "diarize": True, "keyterms": "Anna Karenina, Dropscribe"}
    given = begin(client, {"Origin": origin}, media_type="audio/wav", options=options)
    assert (given["upload_url"], given["method"]) == (ADDRESS, "PUT")
    assert given["uri"] == "gs://audio/calls/monday.wav"
    [one] = asked
    assert (one["bucket"], one["name"], one["size"]) == ("audio", "calls/monday.wav", 2**31)
    assert (one["content_type"], one["origin"]) == ("audio/wav", origin)
    found = options_from_metadata(one["metadata"])
    assert (found.language, found.diarize, found.keyterms) == ("de", True, options["keyterms"])


def test_two_files_of_one_name_get_two_even_before_they_are_there(client, asked, world):
    world.upload("calls/monday.wav")
    for _ in range(2):
        begin(client)
    assert [one["name"] for one in asked] == ["calls/monday (2).wav", "calls/monday (3).wav"]


def test_a_name_under_which_nothing_began_stays_free(client, asked, world, monkeypatch):
    given = world.ports.store.upload_url

    def silent(*_, **__):
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(world.ports.store, "upload_url", silent)
    assert client.post("/api/v1/uploads", json={"name": "a.wav", "size": 3}).status_code == 503
    # On one machine there is no such address, and a file of this name may come a thousand times an hour.
    monkeypatch.setattr(world.ports.store, "upload_url", lambda *_, **__: None)
    assert client.post("/api/v1/uploads", json={"name": "a.wav", "size": 3}).status_code == 200
    monkeypatch.setattr(world.ports.store, "upload_url", given)
    begin(client, name="a.wav")
    assert [one["name"] for one in asked] == ["a.wav"]


@pytest.mark.parametrize("given", ["", "audio", "audio/wav\r\nX-Evil: 1", "a/b/c", "text/" + "x" * 100])
def test_a_media_type_that_is_none_is_not_passed_on(client, asked, given):
    begin(client, media_type=given)
    assert asked[0]["content_type"] == "application/octet-stream"


def test_what_is_refused_gets_no_address(client, asked):
    for body in ({"size": 0}, {"name": "../x.wav"}, {"options": {"odd": 1}}):
        answer = client.post("/api/v1/uploads", json={"name": "a.wav", "size": 3} | body)
        assert answer.status_code == 400
    assert asked == []


def test_the_page_of_a_project_may_send_to_cloud_storage_and_to_nothing_else(world, monkeypatch):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    there = replace(world.ports, settings=replace(world.settings, **IN_A_PROJECT))
    for ports, wanted in ((there, "'self' https://storage.googleapis.com;"), (world.ports, "'self';")):
        with TestClient(application(ports, Access(token=TOKEN)), base_url="http://127.0.0.1:8610") as one:
            policy = one.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).headers[
                "content-security-policy"
            ]
        assert f"connect-src {wanted}" in policy


def test_a_name_is_free_again_after_an_hour_and_few_are_remembered(monkeypatch):
    monkeypatch.setattr(storage_uploads, "MOST_NAMES", 3)
    now = [0.0]
    names = Names(lambda: now[0])
    assert names.take("a")
    assert not names.take("a")
    now[0] += LASTS + 1
    assert names.take("a")
    assert all(names.take(one) for one in "bcd")
    assert names.take("a"), "the oldest is forgotten when there are too many"
