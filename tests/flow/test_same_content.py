"""A recording that takes the transcript of another one begins with its verdict, and needs no engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import record, same_content, transcript_files, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, object_from_event
from shared.model import Options
from shared.state import documents
from shared.sweep import sweep
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5)
    yield world
    world.close()


@pytest.fixture
def done(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)
    world.pull("cpu-worker")
    world.pull("merger")
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def reused(world, done):
    source = object_from_event(world.upload("renamed.wav"))
    assert same_content.reuse(source, Options(), done, world.ports)
    [one] = [each for each in documents.recordings(world.ports.records) if each.id != done.id]
    return one


def sweep_for_minutes(world):
    for _ in range(5):
        world.clock.time += 60
        sweep.on_tick(world.ports)


def test_it_is_planned_with_the_files_that_it_will_have_and_says_whose_they_are(world, done):
    one = reused(world, done)
    assert (one.state, one.published, one.chunks, one.audio) == ("PLANNED", 0, done.chunks, done.audio)
    assert len(one.files) == len(done.files)
    assert same_content.reason_of(one) == f"same content as recording {done.id}, whose transcript it has"
    assert same_content.reason_of(done) == ""
    assert world.pull("cpu-worker") == []


def test_nothing_of_it_names_the_other_one_whose_name_may_have_to_be_forgotten(world, done):
    one = reused(world, done)
    ended = record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports)
    assert ended.state == "DONE"
    told = [world.ports.store.load("transcripts", name) for name in ended.outputs]
    told += [file.data for file in transcript_files.kept(one, world.ports).files]
    told.append(repr(world.ports.records.get(documents.RECORDINGS, one.id)).encode())
    assert len(told) > len(ended.outputs)
    assert not [text for text in told if b"talk.wav" in text]


def test_its_heading_is_its_own_title_or_name_and_not_the_title_of_the_other_one(world, done):
    titled = replace(done, options=Options(title="Monday"))
    documents.put(documents.RECORDINGS, done.id, titled, world.ports)
    source = object_from_event(world.upload("renamed.wav"))
    other = object_from_event(world.upload("again.wav"))
    assert same_content.reuse(source, Options(formats="md"), titled, world.ports)
    assert same_content.reuse(other, Options(formats="md", title="Tuesday"), titled, world.ports)
    found = {
        one.source.name: file.data.decode().splitlines()[0]
        for one in documents.recordings(world.ports.records)
        if one.id != done.id
        for file in transcript_files.kept(one, world.ports).files
        if file.name == "transcript.md"
    }
    assert found == {"renamed.wav": "# renamed.wav", "again.wav": "# Tuesday"}


def test_its_plan_says_the_formats_of_its_own_options_and_of_the_settings(world, done):
    source = object_from_event(world.upload("renamed.wav"))
    ports = replace(world.ports, settings=replace(world.ports.settings, formats="docx"))
    assert same_content.reuse(source, Options(formats="md"), done, ports)
    [one] = [each for each in documents.recordings(world.ports.records) if each.id != done.id]
    assert {"md", "docx"} <= set(one.formats)
    assert set(done.formats) == set(one.formats) - {"md", "docx"}


def test_one_whose_message_is_lost_is_finished_by_the_sweeper_without_an_engine(world, done):
    one = reused(world, done)
    assert len(world.pull("merger")) == 1
    sweep_for_minutes(world)
    assert world.pull("cpu-worker") == []
    [told] = world.pull("merger")
    assert told.attributes["recording"] == one.id
    assert record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports).state == "DONE"


def test_one_whose_rendering_is_gone_as_well_is_transcribed(world, done):
    one = reused(world, done)
    world.pull("merger")
    for stored in world.ports.store.list("work"):
        if f"transcripts/{one.id}/" in stored.name:
            world.ports.store.delete("work", stored.name, stored.generation)
    sweep_for_minutes(world)
    assert len(world.pull("cpu-worker")) == len(one.chunks)
    for chunk in one.chunks:
        commit_result(*heard(one, chunk), world.ports)
    assert record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports).state == "DONE"


def test_there_is_none_where_the_transcript_is_gone_or_somebody_else_was_first(world, done):
    source = object_from_event(world.upload("renamed.wav"))
    upload.accept(source, Options(), world.ports)
    assert not same_content.reuse(source, Options(), done, world.ports)
    other = object_from_event(world.upload("other.wav"))
    for name in done.outputs:
        world.ports.store.delete("transcripts", name, world.ports.store.stat("transcripts", name).generation)
    assert not same_content.reuse(other, Options(), done, world.ports)
    assert len(list(documents.recordings(world.ports.records))) == 2
