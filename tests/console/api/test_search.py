from __future__ import annotations

import pytest


def test_a_hit_names_the_recording_and_its_moment(client, done):
    (hit, *_) = client.get("/api/v1/search", params={"q": "everybody"}).json()["hits"]
    assert (hit["recording"], hit["name"]) == (done.id, "talks/talk.wav")
    assert isinstance(hit["start"], int)
    assert ["everybody", True] in hit["snippet"]


def test_what_nobody_said_is_found_nowhere(client, done):
    assert client.get("/api/v1/search", params={"q": "xylophone"}).json() == {"hits": [], "next": None}


def test_a_correction_is_found_and_what_was_deleted_is_not(client, done):
    edit = {"from": 1, "to": 2, "text": "zanzibar"}
    client.post(f"/api/v1/recordings/{done.id}/revisions", json={"based_on": 0, "edits": [edit]})
    assert client.get("/api/v1/search", params={"q": "zanzibar"}).json()["hits"]
    client.delete(f"/api/v1/recordings/{done.id}")
    assert client.get("/api/v1/search", params={"q": "zanzibar"}).json()["hits"] == []


@pytest.mark.parametrize(
    "query", [{}, {"q": "  "}, {"q": "x" * 1001}, {"q": "x", "cursor": "odd"}, {"q": "x", "limit": "y"}]
)
def test_what_cannot_be_searched_for_is_refused_with_what_can(client, query):
    answer = client.get("/api/v1/search", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(".")
