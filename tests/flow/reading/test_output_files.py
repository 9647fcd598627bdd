"""Files of a recording, stored or written when asked for."""

from dataclasses import replace

import pytest
from hypothesis import given

from shared.errors import BadRequest, Permanent
from shared.flow import transcript_files
from shared.flow.reading import finished, output_files
from shared.formats import FORMATS, MORE
from shared.outputs import Shape, render
from tests.flow.test_transcript_files import RECORDING, TALK
from tests.outputs.streams import conversation, transcript

QUICK = [one for one in MORE if one != "docx"]


@pytest.fixture
def done(world):
    rendered = transcript_files.keep(RECORDING, TALK, world.ports)
    transcript_files.write(RECORDING, rendered, world.ports)
    files = transcript_files.digests(RECORDING, rendered)
    return replace(
        RECORDING,
        state="DONE",
        decision=TALK.decision,
        source=TALK.source,
        files=files,
        outputs=tuple(one.name for one in files),
    )


def test_a_format_that_was_not_asked_for_is_written_from_the_stored_words(world, done):
    wanted = ["transcript.docx", "transcript.srt", "words.ctm"]
    found = dict(output_files.files(done, wanted, world.ports))
    assert found == {one.name: one.data for one in render(TALK, FORMATS) if one.name in wanted}


def test_one_that_was_asked_for_is_stored_and_not_written_again(world, monkeypatch):
    recording = replace(RECORDING, options=replace(RECORDING.options, formats="rttm, md"))
    ports = replace(world.ports, settings=replace(world.ports.settings, formats="ctm"))
    rendered = transcript_files.keep(recording, TALK, ports)
    assert [one.name for one in rendered.files][6:] == ["transcript.md", "words.ctm", "speakers.rttm"]


def test_a_name_that_no_format_has_is_refused(world, done):
    with pytest.raises(BadRequest, match=r"no output file 'a\.pdf'"):
        list(output_files.files(done, ["a.pdf"], world.ports))


def test_without_its_words_nothing_can_be_written(world, done):
    bare = replace(done, outputs=())
    with pytest.raises(Permanent, match="was deleted"):
        list(output_files.files(bare, ["words.ctm"], world.ports))


def test_a_file_that_is_gone_is_written_again_from_the_transcript(world, done):
    bucket, name = (
        world.settings.transcripts_bucket,
        next(one for one in done.outputs if one.endswith(".srt")),
    )
    before = world.ports.store.load(bucket, name)
    world.ports.store.delete(bucket, name, world.ports.store.stat(bucket, name).generation)
    assert output_files.content(done, "transcript.srt", world.ports) == before


def test_where_the_transcript_itself_is_gone_it_is_said_what_to_do(world, done):
    gone = replace(done, outputs=("elsewhere/transcript.json",))
    with pytest.raises(Permanent, match=r"elsewhere/transcript\.json was deleted\. Upload the file again"):
        output_files.content(gone, "transcript.json", world.ports)


@given(conversation)
def test_times_between_milliseconds_make_no_difference(words):
    talk = transcript(words)
    recording = replace(
        RECORDING, state="DONE", decision=talk.decision, source=talk.source, id=talk.recording
    )
    (document,) = render(talk, ["json"])
    assert render(finished.read(document.data, recording, "here"), QUICK) == render(talk, QUICK)


def test_captions_of_another_shape_are_written_from_the_words_and_all_else_is_as_stored(world, done):
    shape, names = Shape(speed=5), ["transcript.srt", "transcript.txt"]
    found = dict(output_files.files(done, names, world.ports, shape=shape))
    assert found == {one.name: one.data for one in render(TALK, ["srt", "txt"], shape)}
    usual = dict(output_files.files(done, names, world.ports))
    assert usual["transcript.srt"] != found["transcript.srt"]
    assert usual["transcript.txt"] == found["transcript.txt"]


def test_the_shape_that_a_recording_asked_for_is_that_of_its_captions_then_and_later(world):
    recording = replace(RECORDING, options=replace(RECORDING.options, caption_speed=5))
    kept = {one.name: one.data for one in transcript_files.keep(recording, TALK, world.ports).files}
    wanted = {one.name: one.data for one in render(TALK, shape=Shape(speed=5))}
    assert kept == wanted
    assert kept["transcript.srt"] != render(TALK, ["srt"])[0].data
