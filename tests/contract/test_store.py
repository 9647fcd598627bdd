"""What every Store does."""

from __future__ import annotations

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import BadMedia
from tests.contract.processes import in_processes, killed

NAMES = [
    "talk.mp3",
    "a/talk.mp3",
    "my talk (final) 100%.wav",
    "été/講演 😀.m4a",
    "'quoted' \"double\" #1?*[x].flac",
    "trailing ",
    "trailing.",
    "a//b",
    "a/./b",
    "a/../../b",
    "ends/",
    "/starts",
    "%=looks%20escaped",
    "%+and/%!this",
    "n" * 900,
    "ü" * 200 + "/" + "😀" * 100,
]


def test_object_that_was_never_written_is_not_there(store):
    assert store.port.stat("work", "nothing") is None
    assert store.port.load("work", "nothing") is None
    assert list(store.port.list("work")) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_name_comes_back_as_it_was_given(store, name):
    assert store.port.create("work", name, b"content", "text/plain")
    found = store.port.stat("work", name)
    assert (found.bucket, found.name, found.size) == ("work", name, 7)
    assert store.port.load("work", name) == b"content"
    assert [one.name for one in store.port.list("work")] == [name]


def test_many_odd_names_live_side_by_side_and_are_listed_in_order(store):
    names = [name for name in NAMES if name != "a//b"] + ["a.b", "a/b", "a-b", "A"]
    for name in names:
        assert store.port.create("work", name, name.encode(), "text/plain")
    assert [one.name for one in store.port.list("work")] == sorted(names)
    for name in names:
        assert store.port.load("work", name) == name.encode()


def test_list_gives_the_names_with_a_prefix(store):
    for name in ["a/1", "a/12", "a/2", "ab", "b/1", "n" * 300 + "/1"]:
        store.port.create("work", name, b"", "text/plain")
    assert [one.name for one in store.port.list("work", "a/1")] == ["a/1", "a/12"]
    assert [one.name for one in store.port.list("work", "a")] == ["a/1", "a/12", "a/2", "ab"]
    assert [one.name for one in store.port.list("work", "n" * 300 + "/")] == ["n" * 300 + "/1"]
    assert list(store.port.list("work", "zz/1")) == []


def test_buckets_are_apart(store):
    store.port.create("work", "x", b"1", "text/plain")
    assert store.port.stat("transcripts", "x") is None


def test_create_never_overwrites(store):
    assert store.port.create("work", "x", b"first", "text/plain")
    before = store.port.stat("work", "x")
    assert not store.port.create("work", "x", b"second", "text/plain")
    assert store.port.load("work", "x") == b"first"
    assert store.port.stat("work", "x") == before


def test_of_several_objects_only_those_are_written_that_do_not_exist(store):
    assert store.port.create("work", "r/b", b"first", "text/plain")
    objects = {f"r/{name}": (name.encode() * 1000, "text/plain") for name in "abc"} | {"x": (b"", "t/p")}
    assert store.port.create_all("work", objects) == {"r/a", "r/c", "x"}
    assert store.port.create_all("work", objects) == set()
    assert store.port.load("work", "r/b") == b"first"
    assert store.port.load("work", "r/c") == b"c" * 1000
    assert store.port.load("work", "x") == b""
    assert store.port.create_all("work", {}) == set()


def test_read_gives_ranges_and_less_only_at_the_end(store):
    store.port.create("work", "x", bytes(range(100)), "text/plain")
    source = store.port.stat("work", "x")
    assert store.port.read(source, 10, 5) == bytes(range(10, 15))
    assert store.port.read(source, 95, 50) == bytes(range(95, 100))
    assert store.port.read(source, 100, 1) == b""
    assert store.port.read(source, 0, 100) == bytes(range(100))


def test_empty_object_is_an_object(store):
    assert store.port.create("work", "empty", b"", "text/plain")
    assert store.port.stat("work", "empty").size == 0
    assert store.port.load("work", "empty") == b""


@pytest.mark.parametrize("change", [{"generation": 1}, {"name": "gone"}])
def test_read_of_a_generation_that_is_gone_says_missing(store, change):
    store.port.create("work", "x", b"content", "text/plain")
    source = replace(store.port.stat("work", "x"), **change)
    with pytest.raises(BadMedia) as caught:
        store.port.read(source, 0, 1)
    assert caught.value.code == "missing"


def from_file(store, name, data, **metadata):
    """Create an object from a staged file; what it gives, and what was said ahead."""
    said = []
    with store.port.stage("audio") as file:
        for at in range(0, len(data), 100_000):
            file.write(data[at : at + 100_000])
        made = store.port.create_from("audio", name, file, metadata=metadata, ahead=said.append)
    return made, said


def test_an_object_is_created_from_a_file_once(store):
    first, said = from_file(store, "openai/x.mp3", b"first", language="de")
    assert first == store.port.stat("audio", "openai/x.mp3")
    assert (first.size, first.content_type) == (5, "audio/mpeg")
    assert store.port.read(first, 0, 9) == b"first"
    # Either the store keeps the metadata, or they were told before.
    known = [first, *said]
    assert any(one.metadata.get("language") == "de" for one in known)
    assert {(one.name, one.generation, one.size) for one in known} == {("openai/x.mp3", first.generation, 5)}
    assert from_file(store, "openai/x.mp3", b"second")[0] is None
    assert store.port.read(first, 0, 9) == b"first"
    assert [one.name for one in store.port.list("audio")] == ["openai/x.mp3"]


def test_a_file_whose_answer_was_lost_is_the_object_that_it_became(store):
    with store.port.stage("audio") as file:
        file.write(b"content")
        made = [
            store.port.create_from("audio", "a/x.wav", file, metadata={}, ahead=lambda _: None)
            for _ in range(2)
        ]
    assert made[0] == made[1] == store.port.stat("audio", "a/x.wav")
    assert [one.name for one in store.port.list("audio")] == ["a/x.wav"]


def test_a_file_that_is_closed_unnamed_leaves_nothing(store):
    with store.port.stage("audio") as file:
        file.write(b"half of an upload")
        file.flush()
        assert list(store.port.list("audio")) == []
    assert list(store.port.list("audio")) == []


def test_a_file_larger_than_one_piece_arrives_whole(store):
    data = bytes(range(256)) * 70_000
    made, _ = from_file(store, "long.wav", data)
    assert made.size == len(data)
    assert store.port.read(made, len(data) - 3, 9) == data[-3:]
    assert store.port.load("audio", "long.wav") == data


def test_exactly_one_of_4_racing_files_becomes_the_object(store):
    with ThreadPoolExecutor(4) as pool:
        made = [one for one, _ in pool.map(lambda n: from_file(store, "r/x", b"%d" % n), range(4))]
    (winner,) = [one for one in made if one is not None]
    assert store.port.load("audio", "r/x") == b"%d" % made.index(winner)


def test_a_generation_is_deleted_once_and_its_name_is_free_again(store):
    assert store.port.create("work", "r/x", b"first", "text/plain")
    first = store.port.stat("work", "r/x")
    assert store.port.delete("work", "r/x", first.generation)
    assert store.port.stat("work", "r/x") is None
    assert list(store.port.list("work")) == []
    assert not store.port.delete("work", "r/x", first.generation)
    assert store.port.create("work", "r/x", b"second", "text/plain")
    assert store.port.load("work", "r/x") == b"second"


def test_what_replaced_a_generation_is_not_deleted_with_it(store):
    assert store.port.create("work", "r/x", b"content", "text/plain")
    found = store.port.stat("work", "r/x")
    assert not store.port.delete("work", "r/x", found.generation - 1)
    assert store.port.stat("work", "r/x") == found
    assert not store.port.delete("work", "nothing", found.generation)
    assert not store.port.delete("work", "r/x/below", found.generation)


def test_exactly_one_of_8_racing_threads_deletes(store):
    store.port.create("work", "r/x", b"content", "text/plain")
    generation = store.port.stat("work", "r/x").generation
    with ThreadPoolExecutor(8) as pool:
        deleted = list(pool.map(lambda _: store.port.delete("work", "r/x", generation), range(8)))
    assert sum(deleted) == 1


def test_exactly_one_of_32_racing_threads_creates(store):
    with ThreadPoolExecutor(32) as pool:
        won = list(
            pool.map(lambda number: store.port.create("work", "r/x", b"%d" % number * 999, "t/p"), range(32))
        )
    assert sum(won) == 1
    assert store.port.load("work", "r/x") == b"%d" % won.index(True) * 999


def _race(index, reopen):
    with reopen() as port, ThreadPoolExecutor(8) as pool:
        content = b"%d" % index * 100_000
        return sum(pool.map(lambda _: port.create("work", "r/x", content, "t/p"), range(8)))


def test_exactly_one_of_32_creators_in_4_processes_creates(store):
    won = in_processes(4, _race, store.reopen)
    assert sum(won) == 1
    assert store.port.load("work", "r/x") == b"%d" % won.index(1) * 100_000


def _create_for_ever(say, reopen):
    with reopen() as port, ThreadPoolExecutor(2) as pool:

        def fill(thread):
            for number in range(1_000_000):
                port.create("work", f"{thread}/{number:06}", b"x" * 300_000, "t/p")
                if thread == 0 and number == 5:
                    say(number)

        list(pool.map(fill, range(2)))


def test_killed_creator_leaves_whole_objects_only(store):
    last = killed(_create_for_ever, store.reopen)
    left = list(store.port.list("work"))
    assert {one.size for one in left} == {300_000}
    assert f"0/{last:06}" in {one.name for one in left}


def test_an_address_to_upload_to_makes_one_whole_object_that_replaces_none(store):
    def asked(name):
        return store.port.upload_url(
            "audio",
            name,
            size=len(CONTENT),
            content_type="audio/mpeg",
            metadata={"dropscribe-label": "talks"},
            origin="https://console.example",
        )

    url = asked("talks/a b.mp3")
    if url is None:
        return  # what this process receives goes to its own disk
    half = len(CONTENT) // 2
    assert _sent(url, CONTENT[:half], f"bytes 0-{half - 1}/{len(CONTENT)}") == 308
    assert store.port.stat("audio", "talks/a b.mp3") is None
    assert _sent(url, CONTENT[half:], f"bytes {half}-{len(CONTENT) - 1}/{len(CONTENT)}") == 200
    made = store.port.stat("audio", "talks/a b.mp3")
    assert (made.size, made.content_type, made.metadata) == (
        len(CONTENT),
        "audio/mpeg",
        {"dropscribe-label": "talks"},
    )
    assert store.port.read(made, 0, made.size) == CONTENT


CONTENT = bytes(range(256)) * 2048
"""Two pieces of 256 KiB, the smallest that may be sent."""


def _sent(url, data, span):
    headers = {"Content-Range": span, "Content-Type": "audio/mpeg"}
    request = urllib.request.Request(url, data, headers, method="PUT")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
