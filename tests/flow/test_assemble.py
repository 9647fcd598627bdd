"""The transcript of a recording from the results of its chunks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.errors import BadMedia
from shared.flow import speakers, upload
from shared.flow.assemble import DEMO_WARNING, assemble
from shared.model import Options
from shared.outputs import render
from shared.results import Word
from tests.flow.diarization.crowd import crowd, voice
from tests.world import heard


@pytest.fixture
def planned(world):
    world.media.info = replace(world.media.info, warnings=("The header is odd.",))
    return upload.on_upload(world.upload(**{"dropscribe-language": "en"}), world.ports)


def results(recording, **changes):
    return [heard(recording, one, **changes)[0] for one in recording.chunks]


def test_words_parts_and_length_are_those_of_all_chunks(planned):
    found = assemble(planned, results(planned, model="large"))
    assert [one.text for one in found.words] == ["one", "two", "three"] * 2
    assert [(one.start, one.end, one.engine) for one in found.parts] == [(0.0, 60.0, "parakeet-cpu")]
    assert (found.duration, found.language) == (60.0, "en")
    assert (found.recording, found.source, found.decision) == (planned.id, planned.source, planned.decision)


def test_warnings_of_the_probe_come_first_then_those_of_chunks_then_that_of_the_demo_model(planned):
    found = assemble(planned, results(planned, warnings=("It stops.",)))
    assert found.warnings == ("The header is odd.", "It stops.", DEMO_WARNING)


def test_the_demo_model_in_8_bits_is_the_demo_model(planned):
    assert DEMO_WARNING in assemble(planned, results(planned, model="tiny:int8")).warnings


def test_the_detected_language_counts_if_none_was_asked_for(planned):
    asked = replace(planned, options=replace(planned.options, language=None))
    assert assemble(asked, results(planned, language="de")).language == "de"


def test_a_recording_without_any_audio_cannot_be_transcribed(planned):
    silent = results(planned, words=(), decoded=0.0, owned=0.0, lead=0.0, warnings=("It is scrambled.",))
    with pytest.raises(BadMedia, match=r"^It is scrambled\.$"):
        assemble(planned, silent)
    with pytest.raises(BadMedia, match="No audio could be decoded"):
        assemble(planned, [replace(one, warnings=()) for one in silent])


@pytest.mark.parametrize(("tracks", "words", "told"), [(1, False, False), (2, True, False), (3, False, True)])
def test_a_silent_track_of_several_says_that_there_are_others(planned, tracks, words, told):
    recording = replace(planned, audio=replace(planned.audio, tracks=tracks))
    changes = {} if words else {"words": ()}
    warnings = assemble(recording, [replace(one, **changes) for one in results(planned)]).warnings
    assert any("--track" in one for one in warnings) == told


def test_speakers_of_all_chunks_are_told_apart_and_named(planned):
    ann, bob = crowd(2)
    asked = replace(planned, options=Options(speaker_names="Ann"))
    heard_both = (voice(ann, 0, 0.0, 1.4), voice(bob, 0, 1.4, 2.0, clean=1.6))
    found = assemble(asked, results(planned, voices=heard_both, voice_revision="a+b"))
    assert [one.speaker for one in found.words] == [1, 2, 2] * 2
    assert found.speakers == {1: "Ann"}
    assert (
        assemble(planned, results(planned, voices=heard_both, voice_revision="a+b")).words[0].speaker is None
    )


def test_what_is_doubtful_about_speakers_is_a_warning(planned):
    asked = replace(planned, options=Options(diarize=True))
    different = [
        replace(one, voice_revision=f"version {one.index}") for one in results(planned, model="large")
    ]
    found = assemble(asked, different)
    assert found.warnings == ("The header is odd.", speakers.DIFFERENT)
    assert [one.text for one in found.words] == ["one", "two", "three"] * 2


V3 = "nvidia/parakeet-tdt-0.6b-v3"
DUTCH = "Vandaag gaan we het hebben over de nieuwe wet op het stadsvervoer ."


def in_dutch(recording, **changes):
    words = tuple(
        Word(text=text, start=index * 1.0, end=index + 0.5, confidence=1.0)
        for index, text in enumerate(DUTCH.split())
    )
    return results(recording, words=words, model=V3, language=None, **changes)


def test_the_language_that_was_heard_is_written_down_with_a_warning_where_another_was_asked_for(planned):
    found = assemble(planned, in_dutch(planned))
    assert found.language == "nl"
    assert any(
        one.startswith("English (en) was asked for, but most of the text looks like Dutch")
        for one in found.warnings
    )
    document = json.loads(render(found)[0].data)
    assert (document["language"], document["segments"][0]["language"]) == ("nl", "nl")


def test_several_languages_that_were_asked_for_stay_several_and_each_sentence_says_its_own(planned):
    asked = replace(planned, options=replace(planned.options, language="mul"))
    found = assemble(asked, in_dutch(planned))
    assert found.language == "mul"
    assert json.loads(render(found)[0].data)["segments"][0]["language"] == "nl"


def test_weights_of_one_language_are_believed(planned):
    found = assemble(planned, results(planned, model="nvidia/parakeet-tdt-0.6b-v2", language="en"))
    assert found.language == "en"
    assert "language" not in json.loads(render(found)[0].data)["segments"][0]
