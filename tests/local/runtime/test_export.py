from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from local.backend.copies import folder_of
from local.backend.embedded_ports import open_ports
from local.commands.views.details import places
from local.runtime.export import check, choose_folder, deliver, export
from shared.errors import Permanent, StoreUnavailable
from shared.messages import TranscriptReady, to_fields
from shared.model import Options, Recording, StoredObject
from shared.settings import Settings
from shared.state import documents
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "state")
    yield world
    world.close()


@pytest.fixture
def recording(world):
    names = ("audio/x/1/transcript.txt", "audio/x/1/words.csv")
    for name in names:
        world.ports.store.create("transcripts", name, name.encode(), "text/plain")
    source = StoredObject(bucket="audio", name="x", generation=1, size=1)
    return Recording(id="r", source=source, options=Options(), state="DONE", created=0.0, outputs=names)


def test_only_the_files_asked_for_are_copied(world, recording, tmp_path):
    written = export(recording, tmp_path / "out", {"words.csv"}, world.ports)
    assert [path.name for path in written] == ["words.csv"]
    assert (tmp_path / "out" / "words.csv").read_bytes() == b"audio/x/1/words.csv"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["words.csv"]


def test_an_older_copy_is_replaced_and_the_same_one_left_alone(world, recording, tmp_path):
    path = tmp_path / "out" / "words.csv"
    path.parent.mkdir()
    path.write_text("old")
    export(recording, path.parent, {"words.csv"}, world.ports)
    stamp = path.stat().st_mtime_ns, path.stat().st_ino
    export(recording, path.parent, {"words.csv"}, world.ports)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == stamp


def test_a_folder_that_cannot_be_written_is_said(world, recording, tmp_path):
    (tmp_path / "out").write_text("I am a file.")
    with pytest.raises(Permanent, match="Move that file away"):
        export(recording, tmp_path / "out", {"words.csv"}, world.ports)


def test_a_planted_link_in_place_of_a_part_or_of_an_output_is_not_written_through(world, recording, tmp_path):
    folder, victim = tmp_path / "out" / "talk", tmp_path / "victim"
    folder.mkdir(parents=True)
    victim.write_text("precious")
    for name in (".words.csv.part", "words.csv"):
        (folder / name).symlink_to(victim)
    export(recording, folder, {"words.csv"}, world.ports)
    assert victim.read_text() == "precious"
    assert not (folder / "words.csv").is_symlink()
    assert (folder / "words.csv").read_bytes() == b"audio/x/1/words.csv"


def test_a_link_to_the_same_words_is_replaced_as_well(world, recording, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "same").write_bytes(b"audio/x/1/words.csv")
    (tmp_path / "out" / "words.csv").symlink_to(tmp_path / "same")
    export(recording, tmp_path / "out", {"words.csv"}, world.ports)
    assert not (tmp_path / "out" / "words.csv").is_symlink()


@pytest.mark.parametrize("link", ["out/a", "out/a/talk"])
def test_a_folder_that_is_a_link_is_not_written_through(world, recording, tmp_path, link):
    (tmp_path / "elsewhere" / "talk").mkdir(parents=True)
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    out = tmp_path / "out"
    with pytest.raises(Permanent, match=rf"{link} is a link"):
        export(recording, out / "a" / "talk", {"words.csv"}, world.ports, out=out)
    assert list((tmp_path / "elsewhere").rglob("*.csv")) == []


def test_the_output_folder_itself_may_be_a_link(world, recording, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    export(recording, tmp_path / "out" / "a" / "talk", {"words.csv"}, world.ports, out=tmp_path / "out")
    assert (tmp_path / "real" / "a" / "talk" / "words.csv").is_file()


def test_nothing_is_left_of_a_write_that_fails(world, recording, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(StoreUnavailable, match="No space"):
        export(recording, tmp_path / "out", {"words.csv"}, world.ports)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("mode", "file", "folder"), [(0o600, 0o600, 0o700), (0o644, 0o644, 0o755)])
def test_a_transcript_may_be_read_by_whoever_may_read_the_recording(
    world, recording, tmp_path, mode, file, folder
):
    before = os.umask(0o022)
    try:
        path = world.ports.store.path_of("audio", "x")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"sound")
        path.chmod(mode)
        for _ in range(2):
            [written] = export(recording, tmp_path / "out", {"words.csv"}, world.ports)
            assert written.stat().st_mode & 0o777 == file
            assert written.parent.stat().st_mode & 0o777 == folder
            written.chmod(0o666)  # one of an older version, perhaps, is closed again
    finally:
        os.umask(before)


def test_a_transcript_of_a_recording_that_is_gone_is_its_owners_alone(world, recording, tmp_path):
    [written] = export(recording, tmp_path / "out", {"words.csv"}, world.ports)
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_folder_is_checked_before_any_work(tmp_path):
    check(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(Permanent, match="Choose another --out"):
        check(tmp_path / "file" / "below")


def test_an_output_that_is_gone_and_cannot_be_written_again_is_said(world, recording, tmp_path):
    world.ports.store.path_of("transcripts", "audio/x/1/words.csv").unlink()
    with pytest.raises(Permanent, match="has no transcript"):
        export(recording, tmp_path / "out", {"words.csv"}, world.ports)


def source(name):
    return StoredObject(bucket="files", name=name, generation=1, size=1)


def test_a_folder_belongs_to_one_source_and_another_one_takes_a_longer_path(world, tmp_path):
    out = tmp_path / "out"
    first = choose_folder(out, Path("t.wav"), source("home/x/t.wav"), world.ports)
    assert first == out / "t.wav"
    assert choose_folder(out, Path("t.wav"), source("home/x/t.wav"), world.ports) == first
    second = choose_folder(out, Path("t.wav"), source("home/x/b/t.wav"), world.ports)
    assert second == out / "b" / "t.wav"
    assert choose_folder(out, Path("t.wav"), source("home/x/b/t.wav"), world.ports) == second
    assert choose_folder(out, Path("t.wav"), source("t.wav"), world.ports).name.startswith("t.wav-")


def ready(recording):
    return TranscriptReady(
        recording=recording.id, source=recording.source.uri, state="DONE", outputs=(), reason="", code="",
        duration=1.0, method="parakeet", usd=0.0,
    )  # fmt: skip


def test_a_transcript_of_the_inbox_is_handed_over_unless_its_file_was_replaced(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", transcripts=tmp_path / "out"))
    for name in ("new", "old", "longer"):
        ports.store.create("audio", name, b"sound", "audio/wav")
        output = f"audio/{name}/1/words.csv"
        ports.store.create("transcripts", output, b"word", "text/csv")
        source = ports.store.stat("audio", name)
        if name == "old":
            source = replace(source, generation=source.generation - 1)
        elif name == "longer":
            source = replace(source, size=source.size - 1)
        done = Recording(
            id=name, source=source, options=Options(), state="DONE", created=0.0, outputs=(output,)
        )
        ports.records.create(documents.RECORDINGS, name, to_fields(done))
        deliver(ready(done), ports)
    deliver(ready(replace(done, id="unknown")), ports)
    ports.close()
    assert [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*")] == [
        Path("new/words.csv")
    ]


@pytest.mark.parametrize("first", ["up", "transcribe"])
def test_up_and_transcribe_do_not_overwrite_each_others_outputs_in_one_folder(tmp_path, first):
    ports = open_ports(Settings(state_dir=tmp_path / "state", transcripts=tmp_path / "out"))
    done = {}
    for bucket, name in (("audio", "talk.wav"), ("files", f"{tmp_path}/talk.wav".lstrip("/"))):
        ports.store.create(bucket, name, b"sound", "audio/wav")
        output = f"{bucket}/1/words.csv"
        ports.store.create("transcripts", output, bucket.encode(), "text/csv")
        done[bucket] = Recording(
            id=bucket, source=ports.store.stat(bucket, name), options=Options(), state="DONE", created=0.0,
            outputs=(output,),
        )  # fmt: skip
        ports.records.create(documents.RECORDINGS, bucket, to_fields(done[bucket]))
    asked = done["files"]

    def up():
        deliver(ready(done["audio"]), ports)

    def transcribe():
        folder = choose_folder(tmp_path / "out", Path("talk.wav"), asked.source, ports)
        export(asked, folder, {"words.csv"}, ports, out=tmp_path / "out")

    def words():
        return sorted(one.read_text() for one in (tmp_path / "out").rglob("words.csv"))

    for step in (up, transcribe, up, transcribe) if first == "up" else (transcribe, up, transcribe, up):
        step()
    assert words() == ["audio", "files"]
    plain = tmp_path / "out" / "talk.wav" / "words.csv"
    assert plain.read_text() == ("audio" if first == "up" else "files")
    assert [Path(one).read_text() for one in places(done["audio"], ports)] == ["audio"]
    assert folder_of(done["audio"].source, ports).is_dir()
    ports.erase_copies(done["audio"])
    assert words() == ["files"]
    ports.close()


def test_the_answer_to_a_request_is_not_a_second_copy(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", transcripts=tmp_path / "out"))
    ports.store.create("audio", "talk", b"sound", "audio/wav")
    ports.store.create("transcripts", "audio/talk/1/words.csv", b"word", "text/csv")
    done = Recording(
        id="talk", source=ports.store.stat("audio", "talk"), options=Options(), state="DONE", created=0.0,
        outputs=("audio/talk/1/words.csv",),
    )  # fmt: skip
    ports.records.create(documents.RECORDINGS, "talk", to_fields(done))
    deliver(replace(ready(done), request_id="r-1"), ports)
    assert not (tmp_path / "out").exists()
    deliver(ready(done), ports)
    ports.close()
    assert (tmp_path / "out" / "talk" / "words.csv").exists()
