from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import Options, StoredObject, recording_id
from shared.results import ChunkResult

SOURCE = StoredObject(bucket="audio", name="talk.mp3", generation=1, size=10)


def test_the_key_of_a_recording_is_the_same_for_every_delivery():
    assert recording_id(SOURCE, Options()) == recording_id(replace(SOURCE, metadata={"x": "y"}), Options())
    assert recording_id(SOURCE, Options()) == "bvslsz3km6h5wdtrflriyk5tfc"


@pytest.mark.parametrize("change", [{"bucket": "other"}, {"name": "talk.wav"}, {"generation": 2}])
def test_another_upload_has_another_key(change):
    assert recording_id(replace(SOURCE, **change), Options()) != recording_id(SOURCE, Options())


@pytest.mark.parametrize(
    "options",
    [
        Options(model="tiny"),
        Options(method="parakeet"),
        Options(language="de"),
        Options(track=1),
        Options(keyterms="Dropscribe"),
        Options(filler_words=True),
        Options(diarize=True),
        Options(min_speakers=2),
        Options(max_speakers=2),
        Options(channels="auto"),
    ],
)
def test_options_that_change_the_result_change_the_key(options):
    assert recording_id(SOURCE, options) != recording_id(SOURCE, Options())


def test_keys_are_those_of_versions_without_options_about_speakers():
    asked = Options(
        method="parakeet", model="tiny", language="de", diarize=True, keyterms="nova", formats="md"
    )
    assert asked.fingerprint() == "method=parakeet;model=tiny;language=de;diarize=yes;keyterms=nova"
    assert Options().fingerprint() == ""
    assert (asked.min_speakers, asked.max_speakers, asked.channels, asked.speaker_names) == (None,) * 4


def test_what_is_said_of_speakers_is_in_the_key_but_for_their_names():
    asked = Options(min_speakers=2, max_speakers=3, channels="apart", speaker_names="Ann, Bob")
    assert asked.fingerprint() == "diarize=yes;min_speakers=2;max_speakers=3;channels=apart"
    assert recording_id(SOURCE, Options(speaker_names="Ann")) == recording_id(SOURCE, Options(diarize=True))


def test_the_shape_of_captions_and_the_title_are_not_in_the_key():
    asked = Options(caption_width=37, caption_lines=1, caption_speed=20, title="Talk")
    assert asked.fingerprint() == ""
    assert recording_id(SOURCE, asked) == recording_id(SOURCE, Options())


@pytest.mark.parametrize(
    "about", [{"min_speakers": 1}, {"max_speakers": 4}, {"channels": "auto"}, {"speaker_names": "Ann"}]
)
def test_what_says_something_about_speakers_asks_for_them(about):
    assert Options(**about).diarize
    assert not Options().diarize


def test_bucket_and_name_cannot_be_confused():
    one = replace(SOURCE, bucket="a", name="b/c")
    assert recording_id(one, Options()) != recording_id(replace(SOURCE, bucket="a/b", name="c"), Options())


def test_keys_are_short_and_safe_everywhere():
    key = recording_id(replace(SOURCE, name="é/😀" * 100), Options())
    assert len(key) == 26
    assert key.isalnum()
    assert key == key.lower()


def test_addresses_are_for_people():
    assert SOURCE.uri == "gs://audio/talk.mp3"
    assert replace(SOURCE, bucket="files", name="home/me/talk.mp3").uri == "file:///home/me/talk.mp3"


@pytest.mark.parametrize(
    ("lead", "owned", "decoded", "tail"),
    [(15.0, 600.0, 630.0, 15.0), (0.0, 4.0, 4.0, 0.0), (5.0, 10.0, 14.9, 0.0)],
)
def test_the_tail_of_a_result_is_what_was_decoded_beyond_it(lead, owned, decoded, tail):
    result = ChunkResult(
        recording="r", index=0, engine="parakeet-cpu", attempt="1", model="m", revision="r", words=(),
        lead=lead, owned=owned, decoded=decoded,
    )  # fmt: skip
    assert result.tail == pytest.approx(tail)


def test_a_label_changes_what_is_accounted_and_not_which_recording_it_is():
    source = StoredObject(bucket="audio", name="a.mp3", generation=1, size=1)
    assert recording_id(source, Options(label="sales")) == recording_id(source, Options())
