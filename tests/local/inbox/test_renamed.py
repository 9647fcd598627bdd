"""A file of the inbox that was renamed after it was done gets its transcript, once, whatever dies, and nothing is paid."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from local.inbox import renamed
from local.runtime.contents import COLLECTION, KEPT
from shared.errors import UnderWay
from shared.flow import record, upload
from shared.flow.chunk import commit_result
from shared.flow.reading import revision
from shared.flow.reading.corrections import Edit
from shared.messages import ChunkDone, decode
from shared.state import documents, uploads
from shared.sweep import sweep
from tests.exactly_one.test_files_and_verdict import Calls, Died, die
from tests.world import World, heard, ledger_rows


class Inbox:
    """A world whose inbox had one recording, `talk.wav`, which is done."""

    def __init__(self, folder):
        self.folder = folder
        self.world = World(folder, chunk_minutes=0.5)
        self.ports = self.world.ports
        self.earlier = self.drop("talk.wav")
        self.router()
        self.hear()
        assert self.recording("talk.wav").state == "DONE"
        self.paid = ledger_rows(self.ports)

    def drop(self, name, data=b"sound"):
        assert self.ports.store.create("audio", name, data, "audio/wav")
        return self.settle(name)

    def settle(self, name, ports=None, **metadata):
        """What the watcher does with a new file: True if it needed nobody."""
        source = replace(self.ports.store.stat("audio", name), metadata=metadata)
        if uploads.recording_of(source, self.ports.records) is not None:
            return True
        if renamed.reuse(ports or self.ports, source):
            return True
        self.world.ports.queue.publish("audio-finalized", json.dumps({
            "bucket": "audio", "name": name, "generation": str(source.generation), "size": str(source.size),
            "metadata": metadata,
        }).encode(), {})  # fmt: skip
        return False

    def rename(self, old="talk.wav", new="Talk of Monday.wav"):
        (self.folder / "audio" / old).rename(self.folder / "audio" / new)
        return new

    def copy(self, new, old="talk.wav"):
        shutil.copy2(self.folder / "audio" / old, self.folder / "audio" / new)
        return new

    def router(self):
        for one in self.world.pull("router"):
            upload.on_upload(json.loads(one.data), self.ports)

    def hear(self):
        for recording in documents.recordings(self.ports.records):
            if recording.state == "PLANNED" and not recording.files:
                for one in recording.chunks:
                    commit_result(*heard(recording, one), self.ports)
        self.world.pull("cpu-worker")
        self.merger()

    def merger(self):
        for one in self.world.pull("merger"):
            record.on_chunk_done(decode(one.data, ChunkDone), self.ports)

    def recording(self, name):
        found = [one for one in documents.recordings(self.ports.records) if one.source.name == name]
        assert len(found) <= 1
        return found[0] if found else None

    def text(self, name, file="transcript.json"):
        [one] = [one for one in self.recording(name).outputs if one.endswith(f"/{file}")]
        return self.ports.store.load("transcripts", one)

    def taken(self, name="Talk of Monday.wav"):
        """The recording of a renamed file, after a look at what must hold."""
        one, earlier = self.recording(name), self.recording("talk.wav")
        assert (one.state, one.words, one.announced) == ("DONE", earlier.words, True)
        assert one.id != earlier.id
        assert self.text(name, "transcript.srt") == self.text("talk.wav", "transcript.srt")
        found = json.loads(self.text(name))
        assert (found["source"]["name"], found["recording"]) == (name, one.id)
        assert one.decision.reason.startswith(f"same content as recording {earlier.id},")
        assert record.cost(one.id, self.ports) == 0
        assert ledger_rows(self.ports) == self.paid
        there = {one.name for one in self.ports.store.list("transcripts")}
        assert there == {*one.outputs, *earlier.outputs}
        return one


@pytest.fixture
def inbox(tmp_path):
    made = Inbox(tmp_path)
    yield made
    made.world.close()


@pytest.mark.parametrize("change", [{"model": "/other/weights"}, {"method": "deepgram"}])
def test_what_up_was_started_with_since_applies_to_a_copy(inbox, change):
    name = inbox.copy("copy.wav")
    ports = replace(inbox.ports, settings=replace(inbox.ports.settings, **change))
    assert not inbox.settle(name, ports)
    assert inbox.settle(name)


def test_a_renamed_file_has_its_transcript_under_its_new_name_and_nothing_is_paid(inbox):
    assert inbox.settle(inbox.rename())
    assert inbox.world.pull("cpu-worker") == inbox.world.pull("router") == []
    inbox.merger()
    inbox.taken()


def test_a_file_that_is_renamed_twice_is_known_twice(inbox):
    assert inbox.settle(inbox.rename())
    inbox.merger()
    assert inbox.settle(inbox.rename("Talk of Monday.wav", "x.wav"))
    inbox.merger()
    assert inbox.recording("x.wav").decision.reason.startswith(
        f"same content as recording {inbox.recording('Talk of Monday.wav').id},"
    )
    assert ledger_rows(inbox.ports) == inbox.paid


def test_of_many_copies_at_once_none_is_paid(inbox):
    for number in range(20):
        assert inbox.settle(inbox.copy(f"copy {number}.wav"))
    inbox.merger()
    assert ledger_rows(inbox.ports) == inbox.paid
    [known] = [fields for _, fields in inbox.ports.records.query(COLLECTION, {})]
    assert len(known["earlier"]) == KEPT


def test_a_content_is_known_as_long_as_one_of_its_recordings_is_there(inbox):
    for number in range(3):
        assert inbox.settle(inbox.copy(f"copy {number}.wav"))
    inbox.merger()
    for gone in ("copy 2.wav", "talk.wav", "copy 0.wav"):
        documents.change_recording(
            inbox.ports, inbox.recording(gone).id, lambda one: replace(one, state="DELETED")
        )
    assert inbox.settle(inbox.rename())
    inbox.merger()
    of = inbox.recording("copy 1.wav").id
    assert inbox.recording("Talk of Monday.wav").decision.reason.startswith(
        f"same content as recording {of},"
    )
    assert ledger_rows(inbox.ports) == inbox.paid


@pytest.mark.parametrize("what", ["content", "time", "options", "state", "gone"])
def test_what_differs_in_anything_is_transcribed(inbox, what):
    path = inbox.folder / "audio" / "talk.wav"
    stamp = path.stat().st_mtime_ns
    new = path.with_name(inbox.rename())
    if what == "content":
        new.write_bytes(b"noise")
    os.utime(new, ns=(stamp, stamp + (1_000_000 if what == "time" else 0)))
    if what == "state":
        key = inbox.recording("talk.wav").id
        documents.change_recording(inbox.ports, key, lambda one: replace(one, state="DELETED"))
    if what == "gone":
        for name in inbox.recording("talk.wav").outputs:
            (inbox.folder / "transcripts" / name).unlink()
    assert not inbox.settle(new.name, **({"dropscribe-language": "de"} if what == "options" else {}))


def test_corrections_come_along_and_files_look_as_the_new_file_asks_for(inbox):
    key = inbox.recording("talk.wav").id
    revision.create(
        key, revision.Correction(based_on=0, edits=(Edit(first=0, stop=1, text="zwei"),)), inbox.ports
    )
    assert inbox.settle(inbox.rename(), **{"dropscribe-formats": "md"})
    inbox.merger()
    one = inbox.recording("Talk of Monday.wav")
    assert b"zwei" in inbox.text(one.source.name, "transcript.txt")
    assert any(name.endswith(".md") for name in one.outputs)
    assert json.loads(inbox.text(one.source.name)).get("revision", 0) == 0


def test_whatever_dies_at_any_call_the_renamed_file_has_one_transcript_and_nothing_is_paid(tmp_path):
    first = Inbox(tmp_path / "count")
    counted = Calls(first.ports, None, after=False, happens=None)
    first.settle(first.rename(), counted.ports)
    first.world.close()
    assert counted.count > 6
    for at in range(counted.count):
        for after in (False, True):
            inbox = Inbox(tmp_path / f"{at}-{after}")
            name = inbox.rename()
            with pytest.raises(Died):
                inbox.settle(name, Calls(inbox.ports, at, after=after, happens=die).ports)
            assert inbox.settle(name)  # the next start of `up` finds it
            _sweep(inbox)
            inbox.taken()
            assert inbox.world.pull("cpu-worker") == []
            inbox.world.close()


def test_a_request_for_the_renamed_file_in_the_same_moment_makes_no_second_recording(tmp_path):
    first = Inbox(tmp_path / "count")
    counted = Calls(first.ports, None, after=False, happens=None)
    first.settle(first.rename(), counted.ports)
    first.world.close()
    for at in range(counted.count):
        inbox = Inbox(tmp_path / str(at))
        name = inbox.rename()
        source = inbox.ports.store.stat("audio", name)
        asked = partial(ask, source, inbox.ports)
        inbox.settle(name, Calls(inbox.ports, at, after=False, happens=asked).ports)
        inbox.router()
        inbox.hear()
        one = inbox.recording(name)
        assert one.state == "DONE"
        assert {one.name for one in inbox.ports.store.list("transcripts")} == {
            *one.outputs,
            *inbox.recording("talk.wav").outputs,
        }
        inbox.world.close()


def test_a_file_is_known_by_its_content_before_it_is_announced(tmp_path):
    """Else who dies between the two pays for the renamed file again."""
    inbox = Inbox(tmp_path)
    assert len(list(inbox.ports.records.query(COLLECTION, {}))) == 1
    inbox.world.close()


def _sweep(inbox):
    for _ in range(3):
        inbox.merger()
        inbox.world.clock.time += 150
        sweep.on_tick(inbox.ports)
    inbox.merger()


def ask(source, ports):
    with suppress(UnderWay):
        upload.on_object(source, ports)
