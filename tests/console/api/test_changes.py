from __future__ import annotations

from console.api import changes
from shared.errors import BadMedia, StoreUnavailable
from shared.flow import record, retry, upload
from shared.state import audit, documents
from shared.topology import REQUESTS


def entries(world):
    return [(one.action, one.about) for _, one in audit.entries(world.ports.records)]


def test_cancel_ends_it_and_is_noted(client, planned, world):
    answer = client.post(f"/api/v1/recordings/{planned.id}/cancel")
    assert answer.json()["state"] == "CANCELLED"
    assert entries(world) == [("cancel", (planned.id,))]
    assert documents.get_recording(world.ports.records, planned.id).state == "CANCELLED"


def test_one_that_is_done_cannot_be_cancelled_or_tried_again(client, done, world):
    for act in ("cancel", "retry"):
        answer = client.post(f"/api/v1/recordings/{done.id}/{act}")
        assert answer.status_code == 409
        assert answer.json()["error"]["message"]
    assert entries(world) == []


def test_delete_leaves_nothing_of_it(client, done, world):
    answer = client.delete(f"/api/v1/recordings/{done.id}", params={"audio": "1"})
    assert answer.json()["state"] == "DELETED"
    assert world.ports.store.stat("audio", "talks/talk.wav") is None
    assert client.get(f"/api/v1/recordings/{done.id}/words").status_code == 404
    assert entries(world) == [("forget", (done.id,))]


def failed(planned, world):
    return record.fail(planned.id, BadMedia("undecodable", "It cannot be read."), world.ports)


def test_a_retry_is_asked_for_once(client, planned, world):
    failed(planned, world)
    assert client.post(f"/api/v1/recordings/{planned.id}/retry").status_code == 200
    (message,) = world.pull(REQUESTS)
    assert planned.source.uri.encode() in message.data


def test_in_bulk_it_first_says_how_many_and_for_how_much(client, planned, done, world):
    failed_one = planned.id
    world.ports.records.update("recordings", failed_one, lambda stored: stored | {"state": "FAILED"})
    told = client.post("/api/v1/retries", json={"trouble": True}).json()
    assert (told["count"], told["ids"], told["unknown"]) == (1, [failed_one], 0)
    assert not world.pull(REQUESTS)
    done_now = client.post("/api/v1/retries", json={"ids": [failed_one], "dry_run": False}).json()
    assert done_now["count"] == 1
    assert len(world.pull(REQUESTS)) == 1


def test_what_cannot_be_tried_again_or_failed_again_leaves_room_for_the_rest(client, world, monkeypatch):
    monkeypatch.setattr(changes, "MOST", 2)
    made = [upload.on_upload(world.upload(f"{number}.wav"), world.ports) for number in range(6)]
    made.sort(key=lambda one: one.id)
    for one in made:
        failed(one, world)
        world.clock.time += 1
    for one in made[:3]:
        world.ports.store.delete("audio", one.source.name, one.source.generation)
    told = client.post("/api/v1/retries", json={"trouble": True}).json()
    assert (told["ids"], set(told["left_out"])) == (
        [one.id for one in made[3:5]],
        {one.id for one in made[:3]},
    )
    for one in made[3:5]:
        world.ports.records.update(
            "recordings", one.id, lambda stored: stored | {"finished": world.clock.time}
        )
    assert client.post("/api/v1/retries", json={"trouble": True}).json()["ids"][0] == made[5].id


def test_it_must_be_said_which(client):
    answer = client.post("/api/v1/retries", json={})
    assert answer.status_code == 400
    assert client.post("/api/v1/retries", json={"ids": ["nobody"]}).status_code == 404
    assert client.post("/api/v1/retries", json={"ids": ["a"] * 1001}).status_code == 400


def test_in_bulk_what_breaks_off_says_how_far_it_came_and_goes_on_when_it_is_asked_for_again(
    client, world, monkeypatch
):
    keys = [upload.on_upload(world.upload(f"{name}.wav"), world.ports).id for name in "abc"]
    for key in keys:
        record.fail(key, BadMedia("undecodable", "It cannot be read."), world.ports)
    original, tries = retry.ask, []

    def busy(*given):
        tries.append(given)
        if len(tries) == 3:
            raise StoreUnavailable("The database is locked.")
        return original(*given)

    monkeypatch.setattr(retry, "ask", busy)
    broken = client.post("/api/v1/retries", json={"ids": keys, "dry_run": False})
    assert broken.status_code == 503
    said = "2 of 3 recordings were continued before. Do the same again for the others."
    assert said in broken.json()["error"]["message"]
    assert client.post("/api/v1/retries", json={"ids": keys, "dry_run": False}).json()["count"] == 3
    assert len(world.pull(REQUESTS)) == 5
