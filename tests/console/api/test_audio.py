from __future__ import annotations

import pytest

from console.api import audio
from console.api.answers import ApiError
from shared.flow import upload

SOUND = bytes(range(256)) * 1000


@pytest.fixture
def path(world, finish):
    one = finish(upload.on_upload(world.upload("a.wav", SOUND), world.ports))
    return f"/api/v1/recordings/{one.id}/audio"


def test_the_whole_file_comes_with_its_length_and_a_type_of_our_list(client, path):
    answer = client.get(path)
    assert answer.content == SOUND
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(SOUND))
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=5-9", 5, 10), ("bytes=255990-", 255990, 256000), ("bytes=-10", 255990, 256000),
     ("bytes=0-999999999", 0, 256000)],
)  # fmt: skip
def test_a_range_gives_its_bytes(client, path, given, start, end):
    answer = client.get(path, headers={"Range": given})
    assert answer.status_code == 206
    assert answer.content == SOUND[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(SOUND)}"


@pytest.mark.parametrize(
    "given", ["bytes=256000-", "bytes=-0", "bytes=9-5", "bytes=1-2,4-5", "lines=1-2", "bytes=-"]
)
def test_a_range_out_of_bounds_says_how_long_the_file_is(client, path, given):
    answer = client.get(path, headers={"Range": given})
    assert answer.status_code == 416
    assert "256,000 bytes" in answer.json()["error"]["message"]


def test_nothing_is_sent_again_that_the_browser_has(client, path):
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_file_that_was_replaced_is_not_taken_for_the_one_that_was_heard(client, path, world):
    stored = world.ports.store.path_of("audio", "a.wav")
    stored.unlink()
    stored.write_bytes(b"other")
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_audio")


def test_a_span_is_within_the_file():
    assert audio.span("bytes=3-4", 10) == (3, 5)
    with pytest.raises(ApiError, match="10 bytes"):
        audio.span("bytes=10-11", 10)
