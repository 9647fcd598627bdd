from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import messages
from shared.engines import choices
from shared.errors import BadRequest
from shared.messages import (
    ChunkDone,
    ChunkMessage,
    decode,
    encode,
    from_fields,
    metadata_of,
    object_from_event,
    options_from_metadata,
    options_of,
    request_from_json,
    to_fields,
)
from shared.model import AudioInfo, ByteSpan, Chunk, Options, Recording, StoredObject

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
seconds = st.floats(0, 1e5, allow_nan=False)
sources = st.builds(
    StoredObject,
    bucket=names,
    name=names,
    generation=st.integers(0, 2**62),
    size=st.integers(0, 2**40),
    content_type=names,
    metadata=st.dictionaries(names, names, max_size=3),
)
spans = st.builds(
    ByteSpan, read_from=st.integers(0), own_from=st.integers(0), own_to=st.integers(0), read_to=st.integers(0)
)
chunks = st.builds(
    Chunk,
    index=st.integers(0, 10**4),
    start=seconds,
    end=st.none() | seconds,
    lead=seconds,
    tail=seconds,
    engine=st.sampled_from(["parakeet-cpu", "parakeet-gpu", "deepgram"]),
    span=st.none() | spans,
)
audios = st.builds(
    AudioInfo,
    format=names,
    codec=names,
    sample_rate=st.integers(1, 200_000),
    channels=st.integers(1, 8),
    duration=st.none() | seconds,
    exact=st.booleans(),
    splittable_by=st.sampled_from(["time", "bytes"]),
    warnings=st.lists(names, max_size=2).map(tuple),
)


@given(
    st.builds(
        ChunkMessage,
        recording=names,
        source=sources,
        options=st.just(Options(track=2)),
        audio=audios,
        chunk=chunks,
        model=names,
    )
)
def test_a_message_survives_the_wire(message):
    assert decode(encode(message), ChunkMessage) == message


@given(sources, st.lists(chunks, max_size=4).map(tuple))
def test_a_recording_survives_its_document(source, planned):
    recording = Recording(
        id="r", source=source, options=Options(), state="PLANNED", created=1.5, chunks=planned
    )
    assert from_fields(to_fields(recording), Recording) == recording


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a ChunkDone"),
        (b"[]", "not a ChunkDone"),
        (b'{"recording": "\xc3("}', "not a ChunkDone"),
        (b'{"recording": "r"}', "index"),
        (b'{"recording": 1, "index": 2}', "recording"),
    ],
)
def test_what_is_no_message_is_refused_with_the_field(data, says):
    with pytest.raises(BadRequest, match=says):
        decode(data, ChunkDone)


def test_the_long_integers_of_an_event_arrive_as_text():
    source = object_from_event(
        {"bucket": "b", "name": "a/ü.mp3", "generation": "1763626000000001", "size": "12"}
    )
    assert source == StoredObject(bucket="b", name="a/ü.mp3", generation=1763626000000001, size=12)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"bucket": "b", "name": "n"},
        {"bucket": "b", "name": "n", "generation": "x"},
        {"bucket": "b", "name": "n", "generation": "0"},
        {"bucket": "b", "name": "n", "generation": "1", "metadata": 3},
    ],
)
def test_what_is_no_object_is_refused(event):
    with pytest.raises(BadRequest, match="not a Cloud Storage object"):
        object_from_event(event)


def test_options_come_from_metadata_that_is_meant_for_us():
    metadata = {"dropscribe-method": "parakeet", "dropscribe-track": "1", "author": "somebody"}
    assert options_from_metadata(metadata) == Options(method="parakeet", track=1)


@given(
    st.builds(
        Options,
        method=st.sampled_from(["auto", "parakeet", "deepgram", "hybrid"]),
        model=st.none() | st.text(min_size=1, max_size=256),
        language=st.sampled_from([None, "en", "pt-BR"]),
        track=st.integers(0, 999),
        keyterms=st.none() | st.text(min_size=1, max_size=100),
        filler_words=st.booleans(),
        diarize=st.booleans(),
        min_speakers=st.none() | st.integers(1, 3),
        max_speakers=st.none() | st.integers(3, 50),
        channels=st.sampled_from([None, "apart", "auto"]),
        speaker_names=st.none() | st.text(min_size=1, max_size=100),
        label=st.none() | st.text(min_size=1, max_size=64),
        title=st.none() | st.text(min_size=1, max_size=255),
        caption_width=st.none() | st.integers(16, 100),
        caption_lines=st.none() | st.integers(1, 3),
        caption_speed=st.none() | st.integers(5, 50),
    )
)
def test_options_come_back_from_the_metadata_that_carries_them(options):
    assert options_from_metadata(metadata_of(options)) == options


def test_options_at_their_defaults_need_no_metadata():
    assert metadata_of(Options()) == {}
    assert metadata_of(Options(diarize=True)) == {"dropscribe-diarize": "True"}


@pytest.mark.parametrize("metadata", [{"dropscribe-method": "whisper"}, {"dropscribe-track": "first"}])
def test_wrong_options_are_refused(metadata):
    with pytest.raises(BadRequest, match="metadata is wrong"):
        options_from_metadata(metadata)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"track": "-1"}, "track must be a whole number from 0 to 999"),
        ({"track": "1000"}, "track must be"),
        ({"track": "first"}, "track must be"),
        ({"language": "German!"}, "language must be a language code, such as en or pt-BR"),
        ({"method": "whisper"}, f"method must be one of {', '.join(choices())}"),
        ({"model": ""}, "model must be the name of some weights"),
        ({"min_speakers": 0}, "min_speakers must be a whole number from 1 to 50"),
        ({"max_speakers": 51}, "max_speakers must be a whole number from 1 to 50"),
        (
            {"min_speakers": 3, "max_speakers": 2},
            "min_speakers must be a whole number from 1 to 50, and not more than max_speakers",
        ),
        ({"caption_width": 15}, "caption_width must be a whole number from 16 to 100"),
        ({"caption_lines": "4"}, "caption_lines must be a whole number from 1 to 3"),
        ({"caption_speed": 2}, "caption_speed must be a whole number from 5 to 50"),
        ({"channels": "left"}, "channels must be one of mix, auto, apart"),
        ({"speaker_names": ""}, "speaker_names must be a text of 1 to 2,000 characters"),
        ({"langauge": "en"}, "unknown field `langauge`. The options are method, model, language"),
    ],
)
def test_options_have_the_same_limits_wherever_they_come_from(given, says):
    with pytest.raises(BadRequest, match=re.escape(says)):
        options_of(given)
    with pytest.raises(BadRequest, match=re.escape(says)):
        options_from_metadata({f"dropscribe-{name}": str(value) for name, value in given.items()})
    if "track" not in given:
        request = {"uri": "gs://b/x", "request_id": "r", "options": given}
        with pytest.raises(BadRequest, match=re.escape(says.partition(". The")[0])):
            request_from_json(json.dumps(request).encode())


def test_an_option_whose_text_cannot_be_stored_is_refused():
    with pytest.raises(BadRequest, match=r"^label must be a text of 1 to 64 characters"):
        options_of({"label": "\udcff"})
    with pytest.raises(BadRequest, match=r"^keyterms must be a text of 1 to 2,000 characters"):
        options_of({"label": "é", "keyterms": "K\udcffnig"})


def test_all_options_are_listed_only_to_whom_gave_an_unknown_one():
    with pytest.raises(BadRequest) as caught:
        options_of({"caption_width": 0})
    assert str(caught.value).endswith("from 16 to 100 (characters in a line).")


def test_options_are_read_from_texts():
    given = {"track": "2", "language": "pt-BR", "filler_words": "true", "diarize": "True"}
    assert options_of(given) == Options(track=2, language="pt-BR", filler_words=True, diarize=True)
    assert options_of({}) == Options()
    given = {"min_speakers": "2", "max_speakers": "3", "channels": "auto", "speaker_names": "Ann, Bob"}
    told = Options(min_speakers=2, max_speakers=3, channels="auto", speaker_names="Ann, Bob")
    assert options_of(given) == told
    assert options_of({"channels": "mix"}) == Options()


@pytest.mark.parametrize("uri", ["https://example.com/talk.wav", "gs://bucket", "talk.wav", 3])
def test_a_wrong_uri_is_refused_in_words(uri):
    with pytest.raises(BadRequest) as caught:
        request_from_json(json.dumps({"uri": uri, "request_id": "r"}).encode())
    assert "uri must be gs://bucket/name of an object" in str(caught.value)
    assert "regex" not in str(caught.value)


def test_every_field_and_option_has_its_words():
    fields = {*messages._WireRequest.__struct_fields__, *messages._WireOptions.__struct_fields__}
    assert set(messages.must_be()) == fields - {"options"}


FIRST_USE = """
import json, sys, threading
from shared.messages import from_fields, object_from_event
from shared.model import Recording
sys.setswitchinterval(1e-6)
fields = json.load(open("tests/exactly_one/golden/first.json"))["documents"]["recordings"]
event = {"bucket": "b", "name": "n", "generation": "1"}
barrier = threading.Barrier(6)
def use(number):
    barrier.wait()
    object_from_event(event) if number % 2 else from_fields(fields, Recording)
threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
for one in threads: one.start()
for one in threads: one.join()
"""


def test_threads_that_are_the_first_to_read_a_record_do_not_crash_their_process():
    """Half of such processes did: msgspec notes what a type consists of where it is first used."""
    root = Path(__file__).parent.parent
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, "-c", FIRST_USE], cwd=root, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
