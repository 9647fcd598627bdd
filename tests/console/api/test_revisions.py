from __future__ import annotations

import pytest


def test_a_correction_is_a_revision_which_is_shown_from_then_on(client, done):
    path = f"/api/v1/recordings/{done.id}"
    edit = {"from": 1, "to": 2, "text": "evening"}
    made = client.post(f"{path}/revisions", json={"based_on": 0, "edits": [edit], "note": "typo"})
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert client.get(f"{path}/words").json()["words"]["text"][1] == "evening"
    assert client.get(f"{path}/words", params={"revision": "0"}).json()["words"]["text"][1] == "evning"
    (listed,) = client.get(f"{path}/revisions").json()
    assert (listed["number"], listed["note"]) == (1, "typo")
    text = client.get(f"{path}/outputs/transcript.txt", params={"revision": "1"}).text
    assert "Good evening everybody" in text


def test_the_second_of_two_editors_gets_both_texts(client, done):
    path = f"/api/v1/recordings/{done.id}/revisions"
    client.post(path, json={"based_on": 0, "edits": [{"from": 0, "to": 1, "text": "Bad"}]})
    answer = client.post(path, json={"based_on": 0, "edits": [{"from": 0, "to": 1, "text": "Fair"}]})
    assert answer.status_code == 409
    found = answer.json()
    assert found["error"]["code"] == "stale"
    assert found["theirs"]["number"] == 1
    assert found["theirs"]["words"]["words"]["text"][0] == "Bad"
    assert found["yours"]["words"]["words"]["text"][0] == "Fair"


@pytest.mark.parametrize(
    "body",
    [
        {"based_on": 0, "edits": [{"from": 5, "to": 4, "text": "x"}]},
        {"based_on": 0, "edits": [{"from": 0, "to": 10_000, "text": "x"}]},
        {"based_on": 3, "edits": []},
        {"based_on": 0, "speakers": {"0": "Ann"}},
        {"based_on": 0, "speakers": {"x": "Ann"}},
        {"based_on": "x"},
        {"odd": 1},
    ],
)
def test_a_correction_that_does_not_fit_says_so_and_leaves_nothing(client, done, body):
    path = f"/api/v1/recordings/{done.id}/revisions"
    assert client.post(path, json=body).status_code == 400
    assert client.get(path).json() == []
