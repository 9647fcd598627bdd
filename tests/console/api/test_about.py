from __future__ import annotations


def test_it_says_what_the_deployment_is(client, done, world):
    found = client.get("/api/v1/about").json()
    assert (found["platform"], found["model"], found["labels"]) == ("local", "tiny", ["sales"])
    assert [one["name"] for one in found["engines"]] == ["parakeet-cpu"]
    assert {"method", "language", "diarize"} <= set(found["options"]["properties"])
    assert found["options"]["properties"]["track"]["type"] == "integer"
    assert found["options"]["properties"]["language"]["type"] == "string"


def test_health_needs_no_token_and_tells_nothing(client):
    answer = client.get("/health", headers={"Authorization": ""})
    assert set(answer.json()) == {"status", "version"}
