"""OpenAI's own client for Python, unmodified, against a server process with the demo model."""

from __future__ import annotations

import io
import socket
import wave
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from shared.state import documents
from tests.console.openai import speakers

TEXT = "my brother lost the ticket in seattle last night"
"""How the short sample begins."""


@pytest.fixture
def client(served):
    with openai.OpenAI(base_url=served.address, api_key="any", max_retries=0) as one:
        yield one


@pytest.fixture
def ask(client, sample):
    """Asks for a transcript of the short sample."""

    def asked(**fields):
        fields = {"model": "whisper-1", "file": sample("voice-note.opus")} | fields
        return client.audio.transcriptions.create(**fields)

    return asked


def test_json_is_the_text_and_the_seconds(ask):
    got = ask()
    assert type(got).__name__ == "Transcription"
    assert got.text.startswith(TEXT)
    assert (got.usage.type, round(got.usage.seconds)) == ("duration", 26)
    assert got.logprobs is None
    assert got.languages is None


def test_text_srt_and_vtt_are_texts(ask):
    assert ask(response_format="text") == ask().text + "\n"
    assert ask(response_format="srt").startswith("1\n00:00:00,880 --> ")
    assert ask(response_format="vtt").startswith("WEBVTT\n")


def test_verbose_json_has_segments_unless_words_are_asked_for(ask):
    got = ask(response_format="verbose_json")
    assert (got.language, round(got.duration)) == ("english", 26)
    assert got.words is None
    assert "".join(one.text for one in got.segments).strip() == got.text
    assert [one.id for one in got.segments] == list(range(len(got.segments)))
    only_words = ask(response_format="verbose_json", timestamp_granularities=["word"])
    assert only_words.segments is None
    assert " ".join(one.word for one in only_words.words) == got.text
    both = ask(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert (both.words, both.segments) == (only_words.words, got.segments)


def test_diarized_json_names_the_speakers_by_letters(ask, served):
    got = ask(model="deepgram", response_format="diarized_json", chunking_strategy="auto")
    assert [(one.speaker, one.text) for one in got.segments] == [
        ("AB"[number], text) for number, text in speakers.SAID
    ]
    assert (got.task, [one.id for one in got.segments]) == ("transcribe", ["seg_001", "seg_002", "seg_003"])
    assert served.deepgram.asked[-1].query["diarize_model"]


def test_a_stream_ends_with_the_text_of_its_deltas(ask, sample):
    events = list(ask(file=sample("status-meeting.mp3"), stream=True))
    *deltas, done = events
    assert {one.type for one in deltas} == {"transcript.text.delta"}
    assert done.type == "transcript.text.done"
    assert "".join(one.delta for one in deltas) == done.text
    assert len(done.text.split()) == 295


def test_a_stream_with_speakers_has_their_segments(ask):
    events = list(ask(model="deepgram", response_format="diarized_json", stream=True))
    kinds = [one.type.removeprefix("transcript.text.") for one in events]
    assert kinds == ["delta", "segment", "segment", "segment", "done"]
    assert [one.speaker for one in events[1:4]] == ["A", "B", "A"]


def test_log_probabilities_are_those_of_words(ask):
    got = ask(model="gpt-4o-transcribe", include=["logprobs"])
    assert "".join(one.token for one in got.logprobs) == got.text
    assert all(one.logprob <= 0 for one in got.logprobs)


def test_prompt_and_temperature_change_nothing(ask, served):
    before = ask().text
    count = len(served.recordings())
    assert ask(prompt="Glossary: seattle", temperature=0.7).text == before
    assert len(served.recordings()) == count


def test_language_and_keywords_are_options_of_the_recording(ask, served):
    assert (
        ask(model="gpt-transcribe", language="en", keywords=["Anna Karenina", "Seattle"]).languages[0].code
        == "en"
    )
    found = [(one.options.language, one.options.keyterms) for one in served.recordings()]
    assert found.count(("en", "Anna Karenina, Seattle")) == 1


def test_models_are_openais_and_ours(client):
    listed = {one.id: one for one in client.models.list()}
    assert listed.keys() >= {
        "whisper-1",
        "gpt-4o-transcribe",
        "tiny",
        "parakeet",
        "deepgram",
        "hybrid",
        "nova-3",
    }
    assert client.models.retrieve("tiny") == listed["tiny"]
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("whisper-2")
    assert caught.value.code == "model_not_found"


def test_our_own_models_can_be_asked_for(ask, served):
    assert ask(model="tiny").text == ask(model="parakeet").text == ask().text
    assert ask(model="deepgram").text == " ".join(text for _, text in speakers.SAID)


@pytest.mark.parametrize(
    ("fields", "kind", "param", "code"),
    [
        ({"model": "whisper-2"}, openai.NotFoundError, "model", "model_not_found"),
        ({"language": "Klingon!"}, openai.BadRequestError, "language", "invalid_language_format"),
        ({"response_format": "docx"}, openai.BadRequestError, "response_format", "invalid_value"),
        ({"timestamp_granularities": ["word"]}, openai.BadRequestError, "timestamp_granularities", "invalid_value"),
        ({"file": ("x.mp3", b"")}, openai.BadRequestError, "file", "empty"),
        ({"file": ("x.mp3", b"this is no recording")}, openai.BadRequestError, "file", "not_media"),
        ({"file": ("../../etc/passwd", b"\0" * 99)}, openai.BadRequestError, "file", "not_media"),
    ],
)  # fmt: skip
def test_errors_are_those_of_openai(ask, fields, kind, param, code):
    with pytest.raises(kind) as caught:
        ask(**fields)
    error = caught.value
    assert (error.type, error.param, error.code) == ("invalid_request_error", param, code)
    assert error.message.endswith(".")


def test_there_are_no_translations(client, sample):
    with pytest.raises(openai.BadRequestError, match="does not translate"), pytest.deprecated_call():
        client.audio.translations.create(model="whisper-1", file=sample("voice-note.opus"))


def test_the_same_bytes_are_one_recording_whatever_they_are_called(client, served):
    data = tone(1)

    def asked(name):
        return client.audio.transcriptions.create(model="whisper-1", file=(name, data)).text

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(asked, ["a.wav", "b.mp3", "c", "<img onerror=alert(1)>.wav"]))) == 1
    (recording,) = [one for one in served.recordings() if one.source.size == len(data)]
    assert served.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 1


def test_who_hangs_up_gets_the_same_recording_the_next_time(client, served):
    data = tone(2)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.001).audio.transcriptions.create(
            model="whisper-1", file=("a.wav", data)
        )
    hang_up_after_sending(served.address, data)
    (recording,) = served.wait(lambda: [one for one in served.recordings() if one.source.size == len(data)])
    assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", data)).text == ""
    (after,) = [one for one in served.recordings() if one.source.size == len(data)]
    assert (after.id, after.state) == (recording.id, "DONE")


def test_what_breaks_off_leaves_nothing(served):
    data = tone(3)
    before = sorted(one.name for one in served.ports.store.list("audio"))
    hang_up_after_sending(served.address, data, share=0.5)
    with openai.OpenAI(base_url=served.address, api_key="any") as client:
        client.models.list()
    assert sorted(one.name for one in served.ports.store.list("audio")) == before


def tone(seconds):
    """A wave file whose length in samples nobody else's has."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(2 * (16_000 * seconds + seconds)))
    return file.getvalue()


def hang_up_after_sending(address, data, share=1.0):
    """Send a request, or a share of it, and close the connection without reading the answer."""
    parts = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: '
        b'form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; "
        f"boundary=b\r\nContent-Length: {len(parts)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + parts[: int(len(parts) * share)])
