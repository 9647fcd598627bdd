"""The files of a transcript; tests/exactly_one/test_files_and_verdict.py shows what becomes of them after faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared import formats
from shared.errors import Permanent, StoreUnavailable
from shared.flow import transcript_files
from shared.formats import STANDARD, file_names
from shared.model import Decision, Options, Recording, StoredObject
from tests.outputs.streams import spoken, transcript

SOURCE = StoredObject(bucket="audio", name="talk.mp3", generation=5, size=1)
RECORDING = Recording(id="abcdefghij", source=SOURCE, options=Options(), state="PLANNED", created=0.0)
TALK = transcript(spoken("One. Two."), warnings=("Odd.",))


@pytest.fixture
def rendered(world):
    return transcript_files.keep(RECORDING, TALK, world.ports)


def names(world):
    return [one.name for one in world.ports.store.list("transcripts")]


def decided(rendered):
    return replace(RECORDING, files=transcript_files.digests(RECORDING, rendered))


def test_what_is_kept_is_what_was_rendered(world, rendered):
    assert transcript_files.kept(RECORDING, world.ports) == rendered
    assert (rendered.words, rendered.duration, rendered.warnings) == (2, TALK.duration, ("Odd.",))
    assert rendered.decision == TALK.decision
    assert [one.name for one in rendered.files] == file_names(STANDARD)


def test_the_formats_are_those_of_the_plan_whatever_the_settings_of_who_writes_them_say(world):
    settings = replace(world.settings, formats="ctm")
    planned = replace(RECORDING, formats=(*STANDARD, "md", "of-a-newer-version"))
    assert transcript_files.formats_of(planned, settings) == (*STANDARD, "md")
    found = transcript_files.keep(planned, TALK, replace(world.ports, settings=settings))
    assert [one.name for one in found.files] == file_names((*STANDARD, "md"))
    assert transcript_files.formats_of(RECORDING, settings) == (*STANDARD, "ctm"), "of an older version"


def test_the_first_rendering_stands_and_each_life_has_its_own(world, rendered):
    other = replace(
        TALK, words=(), decision=Decision(method="deepgram", engine="deepgram", model="m", reason="r")
    )
    assert transcript_files.keep(RECORDING, other, world.ports) == rendered
    assert transcript_files.kept(replace(RECORDING, life=1), world.ports) is None


def test_writing_again_is_no_error_unless_the_content_is_another(world, rendered):
    for _ in range(2):
        transcript_files.write(RECORDING, rendered, world.ports)
    assert names(world) == sorted(one.name for one in decided(rendered).files)
    changed = tuple(
        replace(one, data=one.data + b"!") if one.name == "words.csv" else one for one in rendered.files
    )
    with pytest.raises(
        Permanent, match=r"gs://transcripts/audio/talk.mp3/5-abcdefgh/words.csv exists with other"
    ):
        transcript_files.write(RECORDING, replace(rendered, files=changed), world.ports)


def test_a_file_that_is_deleted_while_it_is_compared_is_written_next_time(world, rendered, monkeypatch):
    transcript_files.write(RECORDING, rendered, world.ports)
    monkeypatch.setattr(world.ports.store, "load", lambda *_: None)
    with pytest.raises(StoreUnavailable):
        transcript_files.write(RECORDING, rendered, world.ports)


def test_only_files_with_the_digests_of_the_recording_are_deleted(world, rendered):
    recording = decided(rendered)
    folder = transcript_files.output_folder(recording)
    for name in ("words.csv", "notes.txt"):
        world.ports.store.create("transcripts", f"{folder}/{name}", b"somebody else's", "text/plain")
    with pytest.raises(Permanent):
        transcript_files.write(recording, rendered, world.ports)
    assert len(names(world)) == 7
    assert transcript_files.delete(recording, world.ports) == ()
    assert names(world) == [f"{folder}/notes.txt", f"{folder}/words.csv"]
    assert transcript_files.delete(recording, world.ports) == ()


def test_a_retry_has_a_folder_of_its_own():
    assert transcript_files.output_folder(replace(RECORDING, life=2)) == "audio/talk.mp3/5-abcdefgh-2"
    long = replace(RECORDING, life=2, source=replace(SOURCE, name="x" * 1000))
    assert transcript_files.output_folder(long) == "audio/long-names/abcdefghij-2"


@pytest.mark.parametrize("name", ["talk.mp3", "talk.wav", "a/talk.mp3", "é 😀.mp3", "x" * 240 + ".mp3"])
def test_every_name_has_a_folder_of_its_own(name):
    source = StoredObject(bucket="audio", name=name, generation=5, size=1)
    one = Recording(id="abcdefghij", source=source, options=Options(), state="DONE", created=0.0)
    assert transcript_files.output_folder(one) == f"audio/{name}/5-abcdefgh"


def test_a_name_too_long_for_outputs_below_it_is_replaced_by_the_key():
    source = StoredObject(bucket="audio", name="x" * 1000, generation=5, size=1)
    one = Recording(id="abcdefghij", source=source, options=Options(), state="DONE", created=0.0)
    assert transcript_files.output_folder(one) == "audio/long-names/abcdefghij"


def test_the_longest_name_of_an_output_decides_whether_a_folder_is_too_long(monkeypatch):
    source = StoredObject(bucket="audio", name="x" * 990, generation=5, size=1)
    one = Recording(id="abcdefghij", source=source, options=Options(), state="DONE", created=0.0)
    assert len(f"{transcript_files.output_folder(one)}/paragraphs.csv") == 1022
    longer = replace(formats.FILES[0], name="paragraphs-abc.csv")
    monkeypatch.setattr(formats, "FILES", (*formats.FILES, longer))
    assert transcript_files.output_folder(one) == "audio/long-names/abcdefghij"
