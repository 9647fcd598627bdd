from __future__ import annotations

import pytest

from shared.errors import BadMedia
from shared.flow import record
from shared.state import dead_letters


@pytest.fixture
def letter(world, planned):
    message = dead_letters.pushed("7", b'{"odd": true}', {"recording": planned.id})
    dead_letters.keep(message, world.ports, "It cannot be read.", where="merger")
    (one,) = dead_letters.newest(world.ports.records, 5)
    return one


def test_failures_and_dead_letters_come_with_their_reasons(client, planned, letter, world):
    record.fail(planned.id, BadMedia("undecodable", "It cannot be decoded."), world.ports)
    found = client.get("/api/v1/trouble").json()
    assert [(one["id"], one["reason"]) for one in found["failed"]] == [(planned.id, "It cannot be decoded.")]
    assert [(one["id"], one["reason"]) for one in found["dead_letters"]] == [
        (letter.key, "It cannot be read.")
    ]
    assert "odd" in found["dead_letters"][0]["data_preview"]
    assert found["workers"] == []


def test_a_dead_letter_can_be_discarded_once(client, letter):
    path = f"/api/v1/dead-letters/{letter.key}/discard"
    assert client.post(path).json() == {"id": letter.key, "outcome": "discarded"}
    assert client.post(path).status_code == 404
    assert client.get("/api/v1/trouble").json()["dead_letters"] == []


def test_one_that_cannot_be_replayed_says_why(client, letter, done):
    answer = client.post(f"/api/v1/dead-letters/{letter.key}/replay")
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].startswith("It cannot be replayed")
