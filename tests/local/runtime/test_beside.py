"""Captions next to their recording, without the loss of anybody's file."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from local.backend import copies
from local.backend.files import names
from local.backend.files.atomic_write import unfinished
from local.runtime import beside
from shared.errors import CannotWrite, ConfigurationError
from shared.messages import TranscriptReady, to_fields
from shared.model import Options, Recording, StoredObject
from shared.state import documents
from tests.irregular import IRREGULAR, irregular


@pytest.fixture
def place(ports, tmp_path):
    """Writes the captions of a file, whose transcript has some text."""
    folder = tmp_path / "films"
    folder.mkdir()
    lives = iter(range(100))

    def place(name, text, **how):
        output = f"files/{name}/{next(lives)}/transcript.srt"
        ports.store.create("transcripts", output, text.encode(), "text/plain")
        source = StoredObject(bucket="files", name=str(folder / name).lstrip("/"), generation=1, size=1)
        recording = Recording(
            id=name, source=source, options=Options(), state="DONE", created=0.0, outputs=(output,)
        )
        return beside.put(recording, folder / name, ["transcript.srt"], ports, **how)

    return place


@pytest.mark.parametrize(
    ("source", "file", "whole", "name"),
    [
        ("talk.mp4", "transcript.srt", False, "talk.srt"),
        ("talk.mp4", "transcript.srt", True, "talk.mp4.srt"),
        ("my.talk.mp4", "transcript.json", False, "my.talk.json"),
        ("talk.mp4", "words.csv", False, "talk.words.csv"),
        ("talk", "transcript.vtt", False, "talk.vtt"),
    ],
)
def test_an_output_is_named_after_its_recording(source, file, whole, name):
    assert beside.name_beside(source, file, whole=whole) == name


def test_captions_are_beside_the_recording_and_replaced_by_newer_ones(place, tmp_path):
    assert place("talk.mp4", "first") == [tmp_path / "films" / "talk.srt"]
    assert place("talk.mp4", "second") == [tmp_path / "films" / "talk.srt"]
    assert (tmp_path / "films" / "talk.srt").read_text() == "second"


def test_captions_that_somebody_else_made_or_changed_are_not_lost(place, tmp_path):
    path = tmp_path / "films" / "talk.srt"
    path.write_text("mine")
    with pytest.raises(CannotWrite, match=r"talk\.srt is there already.*Move it away"):
        place("talk.mp4", "theirs")
    assert path.read_text() == "mine"
    path.unlink()
    place("talk.mp4", "theirs")
    path.write_text("corrected")
    with pytest.raises(CannotWrite):
        place("talk.mp4", "newer")
    assert path.read_text() == "corrected"


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_file_has_the_name_of_captions_and_nobody_waits_for_it(place, ports, tmp_path, kind):
    (captions,) = place("talk.mp4", "first")
    captions.unlink()
    irregular(captions, kind)
    with pytest.raises(CannotWrite, match=r"talk\.srt is there already"):
        place("talk.mp4", "second")
    source = StoredObject(
        bucket="files", name=str(tmp_path / "films" / "talk.mp4").lstrip("/"), generation=1, size=1
    )
    ports.erase_copies(
        Recording(id="talk.mp4", source=source, options=Options(), state="DELETED", created=0.0)
    )
    assert os.path.lexists(captions)


def test_the_same_captions_are_left_alone_whoever_wrote_them(place, tmp_path):
    (tmp_path / "films" / "talk.srt").write_text("same")
    assert place("talk.mp4", "same") == [tmp_path / "films" / "talk.srt"]


def test_two_recordings_of_one_name_have_captions_of_their_own(place, tmp_path):
    place("talk.mp3", "sound")
    assert place("talk.mp4", "film") == [tmp_path / "films" / "talk.mp4.srt"]
    assert (tmp_path / "films" / "talk.srt").read_text() == "sound"
    assert place("talk.mp3", "sound again") == [tmp_path / "films" / "talk.srt"]


def test_a_link_in_the_place_of_captions_is_not_written_through(place, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "films" / "talk.srt").symlink_to(victim)
    with pytest.raises(CannotWrite):
        place("talk.mp4", "text")
    assert victim.read_text() == "precious"


def test_captions_of_a_private_recording_are_private(place, tmp_path):
    film = tmp_path / "films" / "talk.mp4"
    film.write_bytes(b"x")
    film.chmod(0o600)
    (path,) = place("talk.mp4", "text")
    assert path.stat().st_mode & 0o077 == 0


@pytest.fixture
def in_inbox(ports):
    """A recording of the inbox that is done, and its announcement."""
    ports.inbox.mkdir(parents=True, exist_ok=True)

    def in_inbox(name, generation=None):
        path = ports.inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sound")
        source = ports.store.stat("audio", name)
        output = f"audio/{name}/1/transcript.srt"
        ports.store.create("transcripts", output, b"captions", "text/plain")
        recording = Recording(
            id=name, source=replace(source, generation=generation or source.generation), options=Options(),
            state="DONE", created=0.0, outputs=(output,),
        )  # fmt: skip
        ports.records.create(documents.RECORDINGS, name, to_fields(recording))
        return TranscriptReady(
            recording=name, source=source.uri, state="DONE", outputs=(output,), reason="", duration=1.0,
            method="parakeet", usd=0.0,
        )  # fmt: skip

    return in_inbox


def test_captions_of_the_inbox_are_beside_the_recording(ports, in_inbox):
    beside.put_in_inbox(in_inbox("monday/talk.mp4"), ["transcript.srt"], ports)
    assert (ports.inbox / "monday" / "talk.srt").read_text() == "captions"


def test_a_recording_of_the_inbox_that_was_replaced_or_is_gone_gets_none(ports, in_inbox):
    beside.put_in_inbox(in_inbox("old.mp4", generation=1), ["transcript.srt"], ports)
    ready = in_inbox("gone.mp4")
    (ports.inbox / "gone.mp4").unlink()
    beside.put_in_inbox(ready, ["transcript.srt"], ports)
    beside.put_in_inbox(replace(in_inbox("asked.mp4"), request_id="mine"), ["transcript.srt"], ports)
    assert list(ports.inbox.glob("*.srt")) == []


def test_no_link_in_the_inbox_leads_captions_away(ports, in_inbox, tmp_path):
    ready = in_inbox("monday/talk.mp4")
    away = tmp_path / "away"
    (ports.inbox / "monday").rename(away)
    (ports.inbox / "monday").symlink_to(away)
    beside.put_in_inbox(ready, ["transcript.srt"], ports)
    assert not (away / "talk.srt").exists()
    with pytest.raises(CannotWrite):
        beside.put(
            documents.get_recording(ports.records, ready.recording), ports.inbox / "monday" / "talk.mp4",
            ["transcript.srt"], ports, below=ports.inbox,
        )  # fmt: skip
    assert not (away / "talk.srt").exists()


def test_who_forgets_a_recording_forgets_its_captions_beside_it_unless_somebody_changed_them(
    place, ports, tmp_path
):
    source = StoredObject(
        bucket="files", name=str(tmp_path / "films" / "talk.mp4").lstrip("/"), generation=1, size=1
    )
    deleted = Recording(id="talk.mp4", source=source, options=Options(), state="DELETED", created=0.0)
    (captions,) = place("talk.mp4", "1\nsecret")
    ports.erase_copies(replace(deleted, id="another"))
    assert captions.exists(), "another transcript of the same file was forgotten"
    ports.erase_copies(deleted)
    assert not captions.exists()
    (captions,) = place("talk.mp4", "1\nsecret")
    captions.write_text("mine")
    ports.erase_copies(deleted)
    assert captions.read_text() == "mine"
    assert list(ports.records.query(beside.BESIDE)) == []


TERABYTE = 1 << 40


def test_a_file_as_large_as_no_disk_in_the_place_of_captions_is_not_read(place, tmp_path):
    path = tmp_path / "films" / "talk.srt"
    place("talk.mp4", "first")
    os.truncate(path, TERABYTE)
    with pytest.raises(CannotWrite, match=r"talk\.srt is there already.*Move it away"):
        place("talk.mp4", "second")
    assert path.stat().st_size == TERABYTE


def source_of(path):
    return StoredObject(bucket="files", name=str(path.with_suffix(".mp4")).lstrip("/"), generation=1, size=1)


def deleted(path):
    return Recording(id="talk.mp4", source=source_of(path), options=Options(), state="DELETED", created=0.0)


def test_what_somebody_put_there_since_is_not_in_the_way_of_forgetting(place, ports):
    [path] = place("talk.mp4", "first")
    os.truncate(path, TERABYTE)
    ports.erase_copies(deleted(path))
    assert path.exists()
    assert list(ports.records.query(copies.BESIDE)) == []


def test_what_a_killed_process_left_beside_a_recording_is_forgotten_as_well(place, ports):
    [path] = place("talk.mp4", "first")
    left = path.with_name(f"{unfinished(path).name}-0123")
    left.write_text("a word")
    others = path.with_name(f"{unfinished(path.with_name('other.srt')).name}-0123")
    others.write_text("of another")
    ports.erase_copies(deleted(path))
    assert [one.name for one in path.parent.iterdir() if one.suffix != ".mp4"] == [others.name]


@pytest.mark.parametrize("owner", ["this account", "another"])
def test_captions_that_cannot_be_read_are_in_the_way_of_forgetting_only_if_they_may_be_ours(
    place, ports, monkeypatch, owner
):
    [path] = place("talk.mp4", "first")

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(copies, "read_regular", refused)
    if owner == "another":
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
        ports.erase_copies(deleted(path))
    else:
        with pytest.raises(ConfigurationError, match=r"talk\.srt"):
            ports.erase_copies(deleted(path))
    assert path.exists()
    assert len(list(ports.records.query(copies.BESIDE))) == (owner != "another")


def put_beside(path, ports):
    """Captions beside a file, whose name may be anything that the system allows."""
    output = "files/0/transcript.srt"
    ports.store.create("transcripts", output, b"1\nsecret", "text/plain")
    source = StoredObject(bucket="files", name=names.to_name(str(path)[1:]), generation=1, size=1)
    recording = Recording(
        id="a", source=source, options=Options(), state="DONE", created=0.0, outputs=(output,)
    )
    [captions] = beside.put(recording, path, ["transcript.srt"], ports)
    return recording, captions


@pytest.mark.parametrize("name", [b"t\xe9lk.mp4", b"\xff\xfe/talk.mp4", "tälk%41.mp4".encode()])
def test_captions_of_a_name_that_is_not_utf_8_are_written_replaced_and_forgotten(ports, tmp_path, name):
    path = tmp_path / "films" / os.fsdecode(name)
    path.parent.mkdir(parents=True)
    recording, captions = put_beside(path, ports)
    assert captions == path.with_suffix(".srt")
    assert captions.read_text() == "1\nsecret"
    assert put_beside(path, ports)[1] == captions
    ports.erase_copies(replace(recording, state="DELETED"))
    assert not captions.exists()


def test_captions_whose_name_would_be_too_long_are_refused_as_that(ports, tmp_path):
    with pytest.raises(CannotWrite, match="too long a path"):
        put_beside(tmp_path / ("a" * 254), ports)
