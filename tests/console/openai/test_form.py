"""Fields of a form as what is wanted."""

from __future__ import annotations

from typing import get_args

import pytest
from openai.types.audio import transcription_create_params
from openai.types.audio_response_format import AudioResponseFormat

from console.openai import form
from console.openai.errors import ApiError
from console.openai.form import Wanted
from shared.model import Options
from shared.settings import Settings

BOTH = frozenset({"parakeet-cpu", "deepgram"})
MODEL = ("model", "whisper-1")


@pytest.fixture
def parse(tmp_path):
    settings = Settings(state_dir=tmp_path, model="tiny")
    return lambda *fields, engines=BOTH: form.parse(fields, settings, engines)


def refused(parse, *fields, **more):
    with pytest.raises(ApiError) as caught:
        parse(*fields, **more)
    assert caught.value.status == 400
    return caught.value


def test_a_model_is_all_that_is_needed(parse):
    assert parse(MODEL) == Wanted(options=Options(), model="whisper-1")
    assert refused(parse).code == "missing_required_parameter"


def test_the_formats_are_those_of_openais_client():
    assert set(form.FORMATS) == set(get_args(AudioResponseFormat))


@pytest.mark.parametrize("name", transcription_create_params.TranscriptionCreateParamsBase.__annotations__)
def test_no_field_of_openais_client_is_unheard_of(parse, name):
    """Each is understood, without effect as documented, or refused by its name."""
    effects = {
        "language": "de", "languages[]": "de", "keywords[]": "Anna", "response_format": "srt",
        "known_speaker_names[]": "Ann", "known_speaker_references[]": "data:audio/wav;base64,AA", "include[]": "logprobs",
        "timestamp_granularities[]": "word",
    }  # fmt: skip
    without = {"prompt": "x", "temperature": "0.5", "chunking_strategy": "auto"}
    if name in {"file", "model"}:
        return
    if name in without:
        assert parse(MODEL, (name, without[name])) == parse(MODEL)
        return
    sent = name if name in effects else f"{name}[]"
    refusals = []
    try:
        changed = parse(MODEL, (sent, effects[sent])) != parse(MODEL)
    except ApiError as error:
        changed, refusals = True, [error.param]
    assert changed
    assert refusals in ([], [name])


@pytest.mark.parametrize(
    ("fields", "words", "segments"),
    [
        ((), False, True),
        (("word",), True, False),
        (("segment",), False, True),
        (("word", "segment"), True, True),
    ],
)
@pytest.mark.parametrize(
    "name", ["timestamp_granularities[]", "timestamp_granularities", "timestamp_granularities[0]"]
)
def test_granularities_come_as_lists_are_written(parse, fields, words, segments, name):
    wanted = parse(MODEL, ("response_format", "verbose_json"), *((name, one) for one in fields))
    assert (wanted.words, wanted.segments) == (words, segments)


def test_keywords_are_keyterms(parse):
    found = parse(MODEL, ("keywords[]", "Anna  Karenina"), ("keywords[]", " "), ("keywords[]", "Levin"))
    assert found.options == Options(keyterms="Anna Karenina, Levin")
    assert refused(parse, MODEL, ("keywords[]", "x" * 2001)).param == "keywords"


def test_one_language_is_told_and_several_are_detected(parse):
    assert parse(MODEL, ("languages[]", "en"), ("languages[]", "de")).options.language is None
    assert parse(MODEL, ("languages[]", "en")).options.language == "en"
    assert parse(MODEL, ("languages[]", "en"), ("language", "german")).options.language == "de"
    assert parse(MODEL, ("language", "")).options.language is None
    assert refused(parse, MODEL, ("languages[]", "de"), ("languages[]", "?")).param == "languages"


def test_speakers_need_an_engine_that_tells_them_apart(parse):
    fields = (MODEL, ("response_format", "diarized_json"))
    assert parse(*fields).options == Options(diarize=True)
    assert parse(*fields, engines=frozenset({"parakeet-cpu"})).options == Options(diarize=True)
    assert "choose another response_format" in refused(parse, *fields, engines=frozenset()).message
    assert parse(("model", "parakeet"), fields[1]).options == Options(diarize=True, method="parakeet")
    assert parse(("model", "gpt-4o-transcribe-diarize")).options == Options()


@pytest.mark.parametrize("shape", ["srt", "vtt", "verbose_json"])
def test_what_is_written_at_the_end_is_not_streamed(parse, shape):
    assert refused(parse, MODEL, ("response_format", shape), ("stream", "true")).param == "response_format"


@pytest.mark.parametrize(
    ("value", "stream"), [("true", True), ("True", True), ("1", True), ("false", False), ("", False)]
)
def test_booleans_are_read_as_clients_write_them(parse, value, stream):
    assert parse(MODEL, ("stream", value)).stream == stream
    assert refused(parse, MODEL, ("stream", "maybe")).param == "stream"


@pytest.mark.parametrize("value", ["hot", "-0.1", "1.1", "nan", "inf"])
def test_a_temperature_without_effect_must_be_one_all_the_same(parse, value):
    assert refused(parse, MODEL, ("temperature", value)).param == "temperature"


def test_probabilities_are_part_of_json_only(parse):
    assert parse(MODEL, ("include[]", "logprobs")).logprobs
    assert refused(parse, MODEL, ("include[]", "logprobs"), ("response_format", "text")).param == "include"
    assert refused(parse, MODEL, ("include[]", "tokens")).param == "include"


def test_known_speakers_are_refused_and_not_passed_over(parse):
    assert refused(parse, MODEL, ("known_speaker_names[]", "Ann")).code == "unsupported_parameter"


def test_what_openai_does_not_know_is_passed_over(parse):
    assert parse(MODEL, ("vad_filter", "true"), ("x" * 1000, "\0")) == parse(MODEL)
