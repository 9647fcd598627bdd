"""The body of a request: what is too large for the server, or for its disk, is refused."""

from __future__ import annotations

import pytest

from console.openai import receiving
from tests.console.openai.asking import AUDIO, URL, client_of, form, run
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, model="tiny")
    yield world
    world.close()


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    world = World(tmp_path, max_file_gb=0.0005)
    too_much = b"x" * 3_000_000

    async def scenario():
        async with client_of(world) as client:
            known = await client.post(URL, data={"model": "whisper-1"}, files={"file": ("a.wav", too_much)})

            async def pieces():
                yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
                yield too_much

            headers = {"content-type": "multipart/form-data; boundary=b"}
            return known, await client.post(URL, content=pieces(), headers=headers)

    try:
        answers = run(scenario())
        for response in answers:
            assert (response.status_code, response.json()["error"]["code"]) == (413, "content_too_large")
        known, unknown = (response.json()["error"]["message"] for response in answers)
        do = "Split or compress it, or have DROPSCRIBE_MAX_FILE_GB raised, which is 0.0005."
        assert known == f"The request has 3 MB, more than the 500 kB that this server takes. {do}"
        assert unknown == f"The request is larger than the 500 kB that this server takes. {do}"
        assert list(world.ports.store.list("audio")) == []
    finally:
        world.close()


def test_on_cloud_run_a_large_file_is_told_how_to_get_in(tmp_path, monkeypatch):
    monkeypatch.setenv("K_SERVICE", "console")
    world = World(
        tmp_path, platform="google", project="my-project", audio_bucket="calls", region="europe-west4"
    )

    async def scenario():
        async with client_of(world) as client:
            return await client.post(URL, content=b"", headers={"content-length": str(40 * 2**20)})

    try:
        response = run(scenario())
        assert response.status_code == 413
        assert "gcloud storage cp FILE gs://calls/" in response.json()["error"]["message"]
    finally:
        world.close()


def test_a_full_disk_is_said(world, monkeypatch):
    def full(_bucket):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.ports.store, "stage", full)

    async def scenario():
        async with client_of(world) as client:
            return await client.post(URL, **form())

    response = run(scenario())
    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")
    assert "No space left" in response.json()["error"]["message"]


def test_a_file_that_does_not_fit_on_the_disk_is_refused_before_it_is_written(world, monkeypatch):
    monkeypatch.setattr(receiving, "free_space", lambda file: 2_000)
    large = {"files": {"file": ("a.wav", AUDIO + bytes(5_000))}, "data": {"model": "whisper-1"}}

    async def scenario():
        async with client_of(world) as client:
            return await client.post(URL, **large)

    response = run(scenario())
    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")
    assert "it has 5.3 kB, and its disk has 2 kB for it. Have its operator make room" in response.text
    assert response.headers["x-should-retry"] == "false"
