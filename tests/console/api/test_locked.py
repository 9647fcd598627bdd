"""Another process keeps the database locked: what reads is answered, what writes says what happened and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import pytest


@contextmanager
def locked(world):
    other = sqlite3.connect(world.database._path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


@pytest.fixture
def impatient(world, monkeypatch):
    """Nobody waits half a minute in a test."""
    monkeypatch.setattr(world.database, "_busy_seconds", 0.2)
    # Those that are open wait as long as they were told when they were opened.
    world.database.close()


CHANGES = {
    "cancel": ("POST", "/recordings/{id}/cancel", None),
    "retry": ("POST", "/retries", {"ids": ["{id}"], "dry_run": False}),
    "delete": ("DELETE", "/recordings/{id}", None),
    "request": ("POST", "/recordings", {"uri": "gs://audio/talks/talk.wav"}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.usefixtures("impatient")
def test_a_change_is_refused_with_what_to_do_and_nothing_is_changed(client, world, planned, change):
    method, path, body = CHANGES[change]
    if change == "retry":
        client.post(f"/api/v1/recordings/{planned.id}/cancel")
        body = body | {"ids": [planned.id]}
    before = client.get(f"/api/v1/recordings/{planned.id}").json()
    with locked(world):
        answer = client.request(method, f"/api/v1{path.format(id=planned.id)}", json=body)
    assert answer.status_code == 503, answer.text
    error = answer.json()["error"]
    assert error["code"] == "unavailable"
    assert "locked" in error["message"]
    assert error["message"].endswith("Try again in a moment.")
    assert client.get(f"/api/v1/recordings/{planned.id}").json() == before


@pytest.mark.parametrize(
    "path", ["/recordings", "/recordings/{id}", "/recordings/{id}/words", "/costs", "/trouble", "/about"]
)
@pytest.mark.usefixtures("impatient")
def test_what_is_read_is_answered_all_the_same(client, world, planned, path):
    with locked(world):
        assert client.get(f"/api/v1{path.format(id=planned.id)}").status_code == 200


@pytest.mark.usefixtures("impatient")
def test_an_upload_that_meets_it_is_stored_when_the_lock_is_gone(client, world):
    given = client.post("/api/v1/uploads", json={"name": "a.wav", "size": 5}).json()
    with locked(world):
        failed = client.put(given["upload_url"], content=b"sound")
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "unavailable")
    asked = client.put(given["upload_url"], headers={"Content-Range": "bytes */5"})
    assert asked.status_code == 201
    assert world.ports.store.load("audio", "a.wav") == b"sound"
