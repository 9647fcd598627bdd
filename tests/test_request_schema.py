"""One request format in three forms: the parser, the JSON Schema and the definition for Pub/Sub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from hypothesis import given
from hypothesis import strategies as st

from shared import formats
from shared.errors import BadRequest, Permanent
from shared.messages import (
    TranscribeRequest,
    TranscriptReady,
    encode,
    readable_part,
    request_from_json,
    request_to_json,
)
from shared.model import Options
from shared.state import answers
from tests.generated.request_schema import written

DOCS = Path(__file__).resolve().parent.parent / "docs"
REQUEST = jsonschema.Draft202012Validator(json.loads((DOCS / "request.schema.json").read_text("utf-8")))
READY = jsonschema.Draft202012Validator(
    json.loads((DOCS / "transcript-ready.schema.json").read_text("utf-8"))
)
PROTO = DOCS / "pubsub" / "transcribe-requests.proto"

BASE = {"uri": "gs://calls/monday.mp3", "request_id": "order-17"}

GOOD = [
    BASE,
    BASE | {"uri": "gs://calls/a b/é 😀.mp3"},
    BASE | {"uri": "file:///home/me/monday.mp3"},
    BASE | {"options": {}},
    BASE | {"options": {"method": "deepgram", "model": "tiny", "language": "pt-BR", "track": 2}},
    BASE | {"options": {"model": None, "language": None, "label": None}},
    BASE | {"options": {"track": 1.0}},
    BASE | {"options": {"label": "sales"}},
    BASE | {"options": {"keyterms": "Dropscribe, nova", "filler_words": True, "diarize": True}},
    BASE
    | {"options": {"min_speakers": 2, "max_speakers": 2.0, "channels": "auto", "speaker_names": "Ann, Bob"}},
    BASE | {"options": {"min_speakers": 1, "max_speakers": 50, "channels": "mix"}},
    BASE | {"options": {"min_speakers": None, "max_speakers": None, "speaker_names": None}},
    BASE | {"options": {"caption_width": 37, "caption_lines": 1, "caption_speed": 20.0}},
    BASE | {"options": {"caption_width": None, "caption_lines": None, "caption_speed": None}},
    BASE | {"metadata": {}},
    BASE | {"metadata": {"service": "crm", "orderId_2": ""}},
]
"""Requests that all three accept."""

BAD = [
    {},
    {"uri": "gs://calls/monday.mp3"},
    {"request_id": "order-17"},
    BASE | {"uri": 5},
    BASE | {"request_id": 5},
    BASE | {"colour": "red"},
    BASE | {"options": "fast"},
    BASE | {"options": {"speed": 2}},
    BASE | {"options": {"method": "whisper"}},
    BASE | {"options": {"track": "two"}},
    BASE | {"options": {"track": -1}},
    BASE | {"options": {"track": 1.5}},
    BASE | {"options": {"track": True}},
    BASE | {"options": {"label": 5}},
    BASE | {"options": {"keyterms": 5}},
    BASE | {"options": {"min_speakers": "two"}},
    BASE | {"options": {"caption_width": "wide"}},
    BASE | {"options": {"max_speakers": 2.5}},
    BASE | {"options": {"channels": "left"}},
    BASE | {"options": {"speaker_names": ["Ann"]}},
    BASE | {"metadata": {"service": 5}},
    BASE | {"metadata": ["crm"]},
]
"""Requests that all three refuse."""

BEYOND_LIMITS = [
    BASE | {"uri": "https://example.com/monday.mp3"},
    BASE | {"uri": "gs://calls"},
    BASE | {"uri": "gs://calls/"},
    BASE | {"uri": "gs://calls/" + "x" * 2048},
    BASE | {"request_id": ""},
    BASE | {"request_id": "x" * 257},
    BASE | {"options": {"language": "German!"}},
    BASE | {"options": {"language": "en\n"}},
    BASE | {"options": {"model": ""}},
    BASE | {"options": {"track": 1000}},
    BASE | {"options": {"min_speakers": 0}},
    BASE | {"options": {"max_speakers": 51}},
    BASE | {"options": {"speaker_names": ""}},
    BASE | {"metadata": {"a b": "c"}},
    BASE | {"metadata": {"a" * 65: "c"}},
    BASE | {"metadata": {"a": "c" * 257}},
    BASE | {"metadata": {f"a{n}": "c" for n in range(33)}},
]
"""Requests that the definition for Pub/Sub cannot refuse, because it has no limits."""

LAX = [
    {"uri": "gs://calls/monday.mp3", "requestId": "order-17"},
    BASE | {"options": {"track": "2"}},
    BASE | {"options": {"track": None}},
    BASE | {"options": {"method": 1}},
    BASE | {"options": None},
]
"""Requests that the JSON of protocol buffers takes and the published schema does not."""


def parses(document):
    try:
        request_from_json(json.dumps(document).encode())
    except BadRequest:
        return False
    return True


@pytest.fixture(scope="session")
def as_protocol_buffer(tmp_path_factory):
    """Whether a document fits the definition for Pub/Sub, by Google's own compiler and parser."""
    protoc = pytest.importorskip("grpc_tools.protoc", reason="install with: pip install grpcio-tools")
    compiled = tmp_path_factory.mktemp("proto") / "request.bin"
    assert protoc.main(["", f"-I{PROTO.parent}", f"--descriptor_set_out={compiled}", PROTO.name]) == 0
    files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for one in files.file:
        pool.Add(one)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("TranscribeRequest"))

    def fits(document):
        try:
            return json_format.Parse(json.dumps(document), kind()).IsInitialized()
        except json_format.ParseError:
            return False

    return fits


@pytest.mark.parametrize("document", GOOD)
def test_all_three_accept_what_is_good(document, as_protocol_buffer):
    assert parses(document)
    assert REQUEST.is_valid(document)
    assert as_protocol_buffer(document)


@pytest.mark.parametrize("document", BAD)
def test_all_three_refuse_what_is_bad(document, as_protocol_buffer):
    assert not parses(document)
    assert not REQUEST.is_valid(document)
    assert not as_protocol_buffer(document)


@pytest.mark.parametrize("document", [*BEYOND_LIMITS, *LAX])
def test_what_pubsub_cannot_refuse_the_router_does(document, as_protocol_buffer):
    assert as_protocol_buffer(document)
    assert not parses(document)
    assert not REQUEST.is_valid(document)


def test_the_definition_has_one_message_at_its_top_as_pubsub_demands():
    text = PROTO.read_text("utf-8")
    assert len([line for line in text.splitlines() if line.startswith("message ")]) == 1
    assert "import" not in text


texts = st.text(st.characters(codec="utf-8"), max_size=5)
strange = st.none() | st.booleans() | st.integers(-2, 2000) | texts | st.just({}) | st.just([])
names = st.sampled_from(["a", "Z9_", "", "9", "a b", "a\n", "é", "x" * 64, "x" * 65])
languages = st.sampled_from(["en", "EN", "pt-BR", "e", "engl", "en-", "en\n", "zh-Hant-TW", ""])
options = st.dictionaries(
    st.sampled_from(["method", "model", "language", "track", "speed", "max_speakers", "channels"]),
    strange | languages | st.sampled_from(["auto", "hybrid", "x" * 256, "x" * 257]),
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "uri": strange
        | st.sampled_from(
            ["gs://a/b", "gs://a/", "gs:///b", "gs://a//", "file:///", "file:///x", "gs://a/\n"]
        )
        | st.integers(2036, 2042).map(lambda length: "gs://a/" + "b" * length),
        "request_id": strange | st.sampled_from(["x", "x" * 256, "x" * 257, "😀" * 256]),
        "options": strange | options,
        "metadata": strange | st.dictionaries(names, strange | st.just("x" * 256) | st.just("x" * 257)),
        "extra": strange,
    },
)


@given(documents)
def test_parser_and_schema_agree_about_everything(document):
    assert parses(document) == REQUEST.is_valid(document)


numbers = (
    st.integers(-2, 2000).map(str)
    | st.floats(-2, 2000).map(repr)
    | st.sampled_from(
        ["1.0", "-0", "-0.0", "0.0", "1e0", "1E+2", "9.99e2", "0.1e1", "1e3", "999.0", "1e-9", "1.50"]
    )
    | st.sampled_from([f"1{'0' * 30}", f"-1{'0' * 400}", "9007199254740993", "18446744073709551616"])
)
raw = numbers | st.sampled_from(["null", "true", '""', '"1"', "[]", "{}", "[1]", '"auto"', '"en"'])
members = st.tuples(
    st.sampled_from(["track", "method", "label", "max_speakers", "\\u0074rack", "speed"]), raw
)


@given(st.lists(members, max_size=4), st.booleans())
def test_they_agree_however_a_number_is_spelt_and_a_name_repeated(given, twice):
    options = "{" + ", ".join(f'"{name}": {value}' for name, value in given) + "}"
    earlier = '"options": {"track": 5000}, ' if twice else ""
    text = f'{{"uri": "gs://a/b", {earlier}"request_id": "r", "options": {options}}}'
    if any(len(value) > 300 for _, value in given):
        return  # no double holds it; some parsers stop there, even where the name comes again
    try:
        options = request_from_json(text.encode()).options
    except BadRequest:
        assert not REQUEST.is_valid(json.loads(text))
    else:
        assert REQUEST.is_valid(json.loads(text))
        assert isinstance(options.track, int)


def test_a_number_that_no_parser_holds_is_refused():
    for value in (f"1{'0' * 400}", "1e400", "-1e400"):
        text = f'{{"uri": "gs://a/b", "request_id": "r", "options": {{"track": {value}}}}}'
        assert not REQUEST.is_valid(json.loads(text))
        with pytest.raises(BadRequest):
            request_from_json(text.encode())


def test_the_schema_lists_every_format(monkeypatch):
    monkeypatch.setattr(formats, "MORE", (*formats.MORE, "lrc"))
    assert "ctm, rttm, lrc. Of several" in written()


requests = st.builds(
    TranscribeRequest,
    uri=st.sampled_from(["gs://a/b", "gs://a/é 😀"]),
    request_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    options=st.none()
    | st.builds(
        Options,
        method=st.sampled_from(["auto", "parakeet", "deepgram", "hybrid"]),
        model=st.none() | st.just("tiny"),
        language=st.none() | st.just("de"),
        track=st.integers(0, 999),
        keyterms=st.none() | st.just("Dropscribe"),
        filler_words=st.booleans(),
        diarize=st.booleans(),
        min_speakers=st.none() | st.integers(1, 3),
        max_speakers=st.none() | st.integers(3, 50),
        channels=st.sampled_from([None, "apart", "auto"]),
        speaker_names=st.none() | st.just("Ann, Bob"),
        title=st.none() | st.text(min_size=1, max_size=255),
        caption_width=st.none() | st.integers(16, 100),
        caption_lines=st.none() | st.integers(1, 3),
        caption_speed=st.none() | st.integers(5, 50),
    ),
    metadata=st.dictionaries(st.sampled_from(["a", "b"]), texts),
)


@given(requests)
def test_what_a_client_sends_is_valid_and_is_read_as_it_was_meant(request):
    data = request_to_json(request)
    assert REQUEST.is_valid(json.loads(data))
    assert request_from_json(data) == request


@given(requests)
def test_what_can_be_read_of_a_good_request_is_all_of_it(request):
    assert readable_part(request_to_json(request)) == request


def test_what_can_be_read_of_a_bad_request_is_what_is_good_in_it():
    part = readable_part(b'{"uri": 5, "request_id": "x", "metadata": {"a": "b"}, "colour": "red"}')
    assert part == TranscribeRequest(uri="", request_id="x", metadata={"a": "b"})
    for data in (b"", b"[]", b"{}", b'{"request_id": 5}', b'{"request_id": ""}'):
        assert readable_part(data) is None


def test_answers_fit_their_schema():
    done = TranscriptReady(
        recording="x", source="gs://a/b", state="DONE", outputs=("gs://t/b/transcript.json",), reason="",
        duration=1.5, method="parakeet", usd=0.001, request_id="r", metadata={"a": "b"},
    )  # fmt: skip
    failed = answers.failure(TranscribeRequest(uri="", request_id="r"), Permanent("Send it again."))
    for one in (done, replace(done, request_id=None, metadata={}), failed):
        READY.validate(json.loads(encode(one)))
    for wrong in (
        replace(done, outputs=()), replace(done, reason="x"), replace(done, duration=None),
        replace(failed, reason=""), replace(failed, code=""), replace(failed, outputs=("gs://t/b",)),
        replace(done, state="PLANNED"),
    ):  # fmt: skip
        assert not READY.is_valid(json.loads(encode(wrong)))


def test_the_guide_shows_a_request_and_an_answer_that_fit():
    text = (DOCS / "requests.md").read_text("utf-8")
    request = text.split("--message '")[1].split("'")[0]
    answer = text.split("```json\n")[1].split("```")[0]
    REQUEST.validate(json.loads(request))
    READY.validate(json.loads(answer))
    assert request_from_json(request.encode()).options == Options(language="en")
