from __future__ import annotations


def test_large_answers_are_compressed_and_sound_is_not(client, done):
    answer = client.get("/api/v1/about", headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
    sound = client.get(f"/api/v1/recordings/{done.id}/audio", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in sound.headers


def test_openai_s_api_is_there(client):
    assert client.get("/v1/models").json()["object"] == "list"


def test_an_address_that_there_is_not_is_told(client):
    assert client.get("/nothing").status_code == 404
    answer = client.put("/api/v1/nothing")
    assert "openapi.json" in answer.json()["error"]["message"]
