from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import forget, record, upload
from shared.formats import FILES
from shared.state import documents, ledger
from tests.world import heard


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["recordings"]]


@pytest.fixture
def several(world):
    """Five, a second apart."""
    found = []
    for number in range(5):
        world.clock.time += 1
        found.append(upload.on_upload(world.upload(f"Talk {number}.wav"), world.ports).id)
    return found[::-1]


def test_pages_follow_one_another_the_newest_first(client, several):
    first = client.get("/api/v1/recordings", params={"limit": "2"})
    second = client.get("/api/v1/recordings", params={"limit": "2", "cursor": first.json()["next"]})
    third = client.get("/api/v1/recordings", params={"limit": "2", "cursor": second.json()["next"]})
    assert ids(first) + ids(second) + ids(third) == several
    assert third.json()["next"] is None


def test_what_comes_between_two_pages_moves_nothing(client, several, world):
    first = client.get("/api/v1/recordings", params={"limit": "2"})
    world.clock.time += 1
    upload.on_upload(world.upload("new.wav"), world.ports)
    second = client.get("/api/v1/recordings", params={"limit": "2", "cursor": first.json()["next"]})
    assert ids(second) == several[2:4]


def test_a_part_of_the_name_finds_them_over_all_pages(client, several):
    found, cursor = [], ""
    for _ in range(3):
        answer = client.get("/api/v1/recordings", params={"text": "tALK", "limit": "2", "cursor": cursor})
        found += ids(answer)
        cursor = answer.json()["next"]
    assert found == several
    assert cursor is None
    assert ids(client.get("/api/v1/recordings", params={"text": "talk 3"})) == [several[1]]


def test_filters_are_state_label_and_trouble(client, planned, several, world):
    record.cancel(several[0], world.ports)
    assert ids(client.get("/api/v1/recordings", params={"state": "CANCELLED"})) == [several[0]]
    assert ids(client.get("/api/v1/recordings", params={"state": "working"})) == [*several[1:], planned.id]
    assert ids(client.get("/api/v1/recordings", params={"label": "sales"})) == [planned.id]
    assert ids(client.get("/api/v1/recordings", params={"trouble": "1"})) == []
    assert ids(client.get("/api/v1/recordings", params={"held": "1"})) == []


def test_what_was_deleted_is_listed_only_for_those_who_ask_for_it(client, several, world):
    """A page that is told of the deletion before its list arrives would show it for good."""
    forget.forget(several[1], world.ports)
    assert ids(client.get("/api/v1/recordings")) == [several[0], *several[2:]]
    assert ids(client.get("/api/v1/recordings", params={"state": "DELETED"})) == [several[1]]


def test_a_page_of_what_is_on_the_way_goes_on_where_the_last_one_ended(client, planned, several):
    first = client.get("/api/v1/recordings", params={"state": "working", "limit": "4"})
    second = client.get(
        "/api/v1/recordings", params={"state": "working", "limit": "4", "cursor": first.json()["next"]}
    )
    assert ids(first) + ids(second) == [*several, planned.id]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"state": "ODD"}, "There is no state"),
        ({"limit": "x"}, "is not a number"),
        ({"cursor": "x"}, "Begin again"),
    ],
)
def test_a_query_that_makes_no_sense_says_what_would(client, query, said):
    answer = client.get("/api/v1/recordings", params=query)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_one_recording_says_why_and_what_each_attempt_cost(client, done, world):
    found = client.get(f"/api/v1/recordings/{done.id}").json()
    assert (found["name"], found["state"], found["label"]) == ("talks/talk.wav", "DONE", "sales")
    assert found["why"] == done.decision.reason
    assert found["considered"][0]["method"] == done.decision.method
    assert len(found["attempts"]) == len(done.chunks)
    assert sum(one["usd"] for one in found["attempts"]) == pytest.approx(record.cost(done.id, world.ports))
    assert found["usd"] == pytest.approx(record.cost(done.id, world.ports))
    assert [one["format"] for one in found["downloads"]] == [one.name for one in FILES]


def test_a_second_result_of_a_chunk_is_shown_as_wasted(client, done, world):
    _, row = heard(done, done.chunks[0], attempt="late")
    ledger.write(row, world.ports)
    attempts = client.get(f"/api/v1/recordings/{done.id}").json()["attempts"]
    assert sorted(one["wasted"] for one in attempts if one["chunk"] == 0) == [False, True]


def test_an_attempt_at_an_earlier_plan_has_no_number_of_this_one(client, done, world):
    later = tuple(replace(one, index=one.index + 1) for one in done.chunks)
    documents.change_recording(world.ports, done.id, lambda stored: replace(stored, chunks=later))
    attempts = client.get(f"/api/v1/recordings/{done.id}").json()["attempts"]
    assert [one["chunk"] for one in attempts] == [None, *range(len(later) - 1)]
    assert [one["wasted"] for one in attempts] == [True, *[False] * (len(later) - 1)]


@pytest.mark.parametrize("key", ["nothing", "..%2f..", "a" * 65, "%00"])
def test_a_key_that_nobody_has_is_not_found(client, key):
    answer = client.get(f"/api/v1/recordings/{key}")
    assert answer.status_code == 404


def test_one_with_a_title_is_called_by_it(client, world):
    source = world.upload("openai/digest.wav", **{"dropscribe-title": "Board <b>.mp3"})
    one = upload.on_upload(source, world.ports)
    path = f"/api/v1/recordings/{one.id}"
    shown = client.get(path).json()
    assert (shown["name"], shown["uri"]) == ("Board <b>.mp3", "gs://audio/openai/digest.wav")
    listed = client.get("/api/v1/recordings", params={"text": "BOARD"}).json()["recordings"]
    assert [each["name"] for each in listed] == ["Board <b>.mp3"]


def test_a_title_stands_above_its_transcript_in_corrections_too(client, world, finish):
    source = world.upload(
        "openai/digest.wav", **{"dropscribe-title": "Board 1/2.mp3", "dropscribe-formats": "md"}
    )
    one = finish(upload.on_upload(source, world.ports))
    path = f"/api/v1/recordings/{one.id}"
    edit = {"from": 1, "to": 2, "text": "evening"}
    assert client.post(f"{path}/revisions", json={"based_on": 0, "edits": [edit]}).status_code == 201
    for query in ({}, {"revision": 1}):
        assert client.get(f"{path}/outputs/md", params=query).text.startswith("# Board 1/2.mp3\n"), query
