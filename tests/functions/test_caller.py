"""Outside Cloud Run a function answers only to whoever knows its token, and to no web page."""

from __future__ import annotations

import json

import pytest

from functions import caller
from local.runtime import processes
from shared.messages import FINALIZED_EVENT
from shared.state import dead_letters, documents
from tests.functions.conftest import JSON, TOKEN
from tests.functions.test_entrypoints import finalized

EVERY = sorted({*processes.FUNCTIONS.values(), processes.HOSTED, processes.SWEEPER})
"""Source and target of all functions of a deployment."""

STRANGERS = {
    "without a token": ({"authorization": ""}, 401),
    "with another token": ({"authorization": f"Bearer {TOKEN}x"}, 401),
    "with the beginning of the token": ({"authorization": f"Bearer {TOKEN[:-1]}"}, 401),
    "with letters that no token has": ({"authorization": "Bearer Ünï"}, 401),
    "with a token of another kind": ({"authorization": f"Basic {TOKEN}"}, 401),
    "from a web page": ({"origin": "https://evil.example"}, 403),
    "from a web page that hides where it is from": ({"origin": "null"}, 403),
    "by another name": ({"host": "rebind.evil.example"}, 403),
    "by a name that begins like ours": ({"host": "127.0.0.1.evil.example:8080"}, 403),
}


@pytest.mark.parametrize(("source", "target"), EVERY)
@pytest.mark.parametrize("who", STRANGERS)
def test_no_function_does_anything_for_a_stranger(world, serve, source, target, who, monkeypatch):
    touched = []
    monkeypatch.setattr(type(world.ports.records), "create", lambda *_: touched.append("create"))
    headers, status = STRANGERS[who]
    client = serve(source.split("/")[1], target)
    answer = client.post("/", headers=JSON | headers, data=json.dumps({"message": {"data": "eA=="}}))
    assert answer.status_code == status
    assert TOKEN not in answer.text
    assert touched == []


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
def test_whoever_knows_the_token_is_served_by_any_name_of_this_machine(world, serve, host):
    answer = serve("router", "on_upload").post("/", headers={"host": host}, data=b"hello")
    assert answer.status_code == 200
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


@pytest.mark.parametrize(("source", "target"), EVERY)
def test_a_function_that_was_given_no_token_answers_nobody_and_says_what_to_set(
    serve, source, target, monkeypatch
):
    client = serve(source.split("/")[1], target)
    monkeypatch.delenv("DROPSCRIBE_FUNCTION_TOKEN")
    answer = client.post("/", headers={"authorization": "Bearer "}, data=b"hello")
    assert (answer.status_code, "DROPSCRIBE_FUNCTION_TOKEN" in answer.text) == (403, True)


def test_on_cloud_run_the_role_to_invoke_it_is_what_counts(world, serve, monkeypatch):
    monkeypatch.setenv("K_SERVICE", "router")
    monkeypatch.delenv("DROPSCRIBE_FUNCTION_TOKEN")
    finalized(world)
    [one] = world.ports.queue.pull("router", 1, 60.0)
    headers = {
        "host": "router-xyz.a.run.app",
        "authorization": "Bearer of Google",
        "ce-type": FINALIZED_EVENT,
    }
    assert serve("router", "on_upload").post("/", headers=headers, data=one.data).status_code == 200
    assert [one.state for one in documents.recordings(world.ports.records)] == ["PLANNED"]


@pytest.mark.parametrize("cloud_run", [False, True])
def test_a_body_larger_than_any_message_is_refused_before_it_is_read(world, serve, cloud_run, monkeypatch):
    if cloud_run:
        monkeypatch.setenv("K_SERVICE", "router")

    class Endless:
        def read(self, size=-1):
            raise AssertionError(f"{size} bytes were read")

    given = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(400_000_000)}
    answer = serve("router", "on_upload").post("/", environ_overrides=given)
    assert answer.status_code == 413
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 0


def test_who_tries_again_and_again_is_logged_once(serve, caplog):
    caller._told.cache_clear()
    client = serve("router", "on_upload")
    for _ in range(3):
        client.post("/", headers={"authorization": "Bearer guess"}, data=b"hello")
    assert caplog.text.count("refused a call with 401") == 1
    assert "guess" not in caplog.text
