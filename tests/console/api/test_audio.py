from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from console.api import audio
from console.api.answers import ApiError
from shared.errors import BadMedia
from shared.flow import upload
from shared.flow.reading import rendition
from shared.state import documents

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


def test_a_long_answer_comes_in_chunks_because_cloud_run_lets_no_other_out(client, path, monkeypatch):
    monkeypatch.setattr(audio, "LARGEST", 1000)
    whole = client.get(path)
    assert "content-length" not in whole.headers
    assert whole.content == SOUND
    rest = client.get(path, headers={"Range": "bytes=5000-"})
    assert (rest.status_code, rest.headers["content-range"]) == (206, "bytes 5000-255999/256000")
    assert "content-length" not in rest.headers
    assert rest.content == SOUND[5000:]
    assert client.get(path, headers={"Range": "bytes=5000-5999"}).headers["content-length"] == "1000"
    assert client.head(path).headers["content-length"] == "256000"


def test_a_file_that_ends_while_it_is_sent_breaks_the_answer_off(client, path, world, monkeypatch):
    monkeypatch.setattr(audio, "LARGEST", 1000)
    read = world.ports.store.read

    def shorter(source, start, length):
        return b"" if start else read(source, start, length)

    monkeypatch.setattr(audio, "PIECE", 1000)
    monkeypatch.setattr(world.ports.store, "read", shorter)
    with pytest.raises(BadMedia):
        client.get(path)


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


def test_what_has_no_audio_says_why(client, path, world):
    def reason(key):
        answer = client.get(f"/api/v1/recordings/{key}/audio")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_audio")
        return answer.json()["error"]["message"].removeprefix("There is no audio to play: ")

    key = path.split("/")[-2]
    never_read = documents.get_recording(world.ports.records, key)
    documents.change_recording(world.ports, key, lambda one: replace(one, audio=None))
    assert reason(key) == "its file could not be read."
    documents.change_recording(world.ports, key, lambda one: replace(one, state="ACCEPTED"))
    assert reason(key) == "its file has not been read yet. Try again later."
    documents.change_recording(world.ports, key, lambda one: replace(never_read, state="DELETED"))
    assert reason(key) == "it was deleted."
    documents.change_recording(world.ports, key, lambda one: never_read)
    world.ports.store.path_of("audio", "a.wav").unlink()
    assert reason(key) == "its file is gone or was replaced. Upload it again to listen."


def test_a_span_is_within_the_file():
    assert audio.span("bytes=3-4", 10) == (3, 5)
    with pytest.raises(ApiError, match="10 bytes"):
        audio.span("bytes=10-11", 10)


def rare(world, name="a.amr"):
    world.media.info = replace(world.media.info, format="amr", codec="amr_nb", duration=3.0)
    return upload.on_upload(world.upload(name, SOUND), world.ports)


def test_what_browsers_do_not_play_gets_a_rendition_which_is_made_once(client, world, finish):
    one = finish(rare(world))
    sound = client.get(f"/api/v1/recordings/{one.id}").json()["audio"]
    assert (sound["rendition"], sound["media_type"]) == (True, "audio/mp4")
    first = client.get(sound["url"], headers={"Range": "bytes=0-99"})
    assert (first.status_code, first.headers["content-type"]) == (206, "audio/mp4")
    assert first.content[4:8] == b"ftyp"
    assert client.get(sound["url"]).headers["etag"] == first.headers["etag"]


def test_what_browsers_do_not_find_moments_in_plays_from_its_rendition_from_the_first_time_on(
    client, world, finish
):
    world.media.info = replace(world.media.info, format="mp3", codec="mp3", duration=3.0)
    one = finish(upload.on_upload(world.upload("a.mp3", SOUND), world.ports))
    path = f"/api/v1/recordings/{one.id}"
    sound = client.get(path).json()["audio"]
    assert sound["rendition"] is True
    assert client.get(sound["url"]).content[4:8] == b"ftyp"
    # Who wants the file itself gets it.
    assert client.get(f"{path}/audio").content == SOUND


def test_a_rendition_that_is_there_plays_while_another_one_is_made(client, world, finish, monkeypatch):
    first, second = finish(rare(world)), finish(rare(world, "b.amr"))
    path = "/api/v1/recordings/{}/audio?rendition=1"
    assert client.get(path.format(first.id)).status_code == 200
    begun, go_on, original, late = threading.Event(), threading.Event(), rendition.make, []

    def make(one, ports):
        begun.set()
        if not go_on.wait(5):
            late.append(one.id)
        return original(one, ports)

    monkeypatch.setattr(rendition, "make", make)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, path.format(second.id))
        assert begun.wait(20)
        assert client.get(path.format(first.id)).status_code == 200
        go_on.set()
        assert waiting.result(20).status_code == 200
    assert late == []


def test_however_many_sounds_are_being_prepared_the_server_answers(client, world, finish, monkeypatch):
    many = [finish(rare(world, f"{number}.amr")) for number in range(45)]
    go_on, original, kept, looked = threading.Event(), rendition.make, rendition.kept, threading.Semaphore(0)

    def make(one, ports):
        go_on.wait(20)
        return original(one, ports)

    def kept_after_a_look(one, ports):
        looked.release()
        return kept(one, ports)

    monkeypatch.setattr(rendition, "make", make)
    monkeypatch.setattr(rendition, "kept", kept_after_a_look)
    with ThreadPoolExecutor(len(many) + 1) as pool:
        waiting = [pool.submit(client.get, f"/api/v1/recordings/{one.id}/audio?rendition=1") for one in many]
        try:
            # As many as there are threads, and that which makes the first one.
            assert all(looked.acquire(timeout=20) for _ in range(41))
            assert pool.submit(client.get, f"/api/v1/recordings/{many[0].id}").result(10).status_code == 200
        finally:
            go_on.set()
        assert {one.result(60).status_code for one in waiting} == {200}


def test_who_waited_too_long_for_sound_is_told_to_come_again(client, world, finish, monkeypatch):
    one, go_on, original = finish(rare(world)), threading.Event(), rendition.make
    monkeypatch.setattr(audio, "PATIENCE", 0.05)
    monkeypatch.setattr(rendition, "make", lambda *given: go_on.wait(20) and original(*given))
    answer = client.get(f"/api/v1/recordings/{one.id}/audio?rendition=1")
    go_on.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_yet")
