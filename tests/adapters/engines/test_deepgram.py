"""Deepgram's SDK against a server of ours that answers as its reference says, and worse."""

from __future__ import annotations

import io
import logging
import math
import threading
import time
from dataclasses import replace

import av
import numpy as np
import pytest

from shared.adapters.engines import deepgram
from shared.adapters.engines.deepgram import DeepgramEngine
from shared.errors import EngineFailed, EngineLimit, EngineRefused, Transient
from shared.model import Options
from shared.ports import HostedJob
from shared.settings import Settings
from shared.state.answers import code_of
from tests.deepgram_server import KEY, Reply, answer, deepgram_server, refused, word

SAMPLES = (np.sin(np.arange(3 * 16_000) / 20) * 8000).astype(np.int16).tobytes()
JOB = HostedJob(
    tag="abc.00002", model="nova-3", options=Options(), seconds=3.0, patience=60.0, samples=SAMPLES
)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(deepgram, "SHORTEST_PAUSE", 0.01)
    with deepgram_server() as running:
        yield running


@pytest.fixture
def engine(server):
    return DeepgramEngine(Settings(addresses={"deepgram": server.url}), KEY)


def test_words_come_with_their_punctuation_times_and_confidence(server, engine):
    words = [word("Hello,", 0.12, 0.4), word("world.", 0.5, 0.91)]
    server.replies = [Reply(body=answer(words, 3.0, request_id="r-1"))]
    heard = engine.transcribe(JOB)
    assert [(one.text, one.start, one.end, one.confidence) for one in heard.words] == [
        ("Hello,", 0.12, 0.4, 0.98),
        ("world.", 0.5, 0.91, 0.98),
    ]
    assert (heard.seconds, heard.request_id, heard.language) == (3.0, "r-1", "en")
    assert (heard.model, heard.revision) == ("nova-3", "general-nova-3 2025-04-17.21547")


def test_it_is_asked_for_what_the_reference_calls_it(server, engine):
    engine.transcribe(JOB)
    [asked] = server.asked
    assert asked.query == {
        "model": ["nova-3"],
        "smart_format": ["true"],
        "punctuate": ["true"],
        "paragraphs": ["true"],
        "mip_opt_out": ["true"],
        "detect_language": ["true"],
        "tag": ["abc.00002"],
    }
    assert asked.headers["authorization"] == f"Token {KEY}"
    assert asked.headers["content-type"] == "application/octet-stream"


def test_for_a_part_of_a_transcript_of_several_engines_numbers_stay_words(server, engine):
    engine.transcribe(replace(JOB, plain=True))
    query = server.asked[0].query
    assert (query["smart_format"], query["punctuate"]) == (["false"], ["true"])
    assert "numerals" not in query


def test_a_language_that_is_known_is_not_detected(server, engine):
    heard = engine.transcribe(replace(JOB, options=Options(language="de")))
    assert server.asked[0].query["language"] == ["de"]
    assert "detect_language" not in server.asked[0].query
    assert heard.language == "de"


@pytest.mark.parametrize("asked", ["mul", "MUL"])
def test_several_languages_have_another_name_there(engine, server, asked):
    heard = engine.transcribe(replace(JOB, options=Options(language=asked)))
    assert server.asked[0].query["language"] == ["multi"]
    assert heard.language == "en"


def test_keyterms_are_sent_one_by_one_and_filler_words_where_wanted(server, engine):
    engine.transcribe(
        replace(JOB, options=Options(keyterms="Dropscribe,  Anna Karenina,", filler_words=True))
    )
    assert server.asked[0].query["keyterm"] == ["Dropscribe", "Anna Karenina"]
    assert server.asked[0].query["filler_words"] == ["true"]


def test_speakers_are_asked_for_by_the_diarizers_name_and_come_with_the_words(server, engine):
    words = [word("Hello,", 0.12, 0.4, speaker=0), word("you.", 0.5, 0.91, speaker=1, speaker_confidence=0.4)]
    server.replies = [Reply(body=answer(words, 3.0))]
    heard = engine.transcribe(replace(JOB, options=Options(diarize=True)))
    assert server.asked[0].query["diarize_model"] == ["latest"]
    assert "diarize" not in server.asked[0].query
    assert [(one.text, one.speaker) for one in heard.words] == [("Hello,", 1), ("you.", 2)]


def test_samples_are_sent_as_flac_and_lose_nothing(server, engine):
    engine.transcribe(JOB)
    with av.open(io.BytesIO(server.asked[0].body)) as container:
        assert (container.format.name, container.streams[0].rate, container.streams[0].channels) == (
            "flac",
            16_000,
            1,
        )
        sent = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert sent.tobytes() == SAMPLES


def test_an_address_is_sent_instead_of_audio(server, engine):
    engine.transcribe(replace(JOB, url="https://storage.example/a.mp3?X-Goog-Signature=1", samples=b""))
    assert server.asked[0].url == "https://storage.example/a.mp3?X-Goog-Signature=1"
    assert server.asked[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (
            refused(400, "Bad Request", "failed to process audio: corrupt or unsupported data"),
            EngineLimit,
            "EngineLimit",
        ),
        (refused(400, "REMOTE_CONTENT_ERROR", "Could not fetch the URL"), EngineLimit, "EngineLimit"),
        (Reply(status=400, body=b"<html>"), EngineLimit, "EngineLimit"),
        (refused(413, "PAYLOAD_TOO_LARGE", "too large"), EngineLimit, "EngineLimit"),
        (refused(401, "INVALID_AUTH", "Invalid credentials."), EngineRefused, "key"),
        (refused(401, "INSUFFICIENT_PERMISSIONS", "User does not have permissions."), EngineRefused, "forbidden"),
        (refused(402, "ASR_PAYMENT_REQUIRED", "Project does not have enough credits"), EngineRefused, "credit"),
        (refused(403, "INSUFFICIENT_PERMISSIONS", "Project has no access to the model."), EngineRefused, "forbidden"),
        (Reply(status=404, body=b"nginx"), EngineRefused, "address"),
        (Reply(status=302, body=b"", headers={"Location": "http://127.0.0.1:1/"}), EngineRefused, "address"),
        (refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "300"}), EngineFailed, "rate"),
        (refused(504, "GATEWAY_TIMEOUT", "took too long"), EngineFailed, "timeout"),
        (Reply(body=b'{"metadata": {"dur'), EngineFailed, "answer"),
        (Reply(body=b""), EngineFailed, "answer"),
        (Reply(body=b"\xff\xfe\x00"), EngineFailed, "answer"),
        (Reply(body=b"[" * 100_000), EngineFailed, "answer"),
        (Reply(body=b"null"), EngineFailed, "answer"),
        (Reply(body={}), EngineFailed, "answer"),
        (Reply(body={"request_id": "a-callback"}), EngineFailed, "answer"),
        (Reply(body={"metadata": {"duration": 3.0}, "results": {"channels": 5}}), EngineFailed, "answer"),
        (Reply(body={"metadata": {"duration": 3.0}, "results": {"channels": []}}), EngineFailed, "answer"),
        (Reply(body=answer([], math.nan)), EngineFailed, "answer"),
        (Reply(body=answer([], -1.0)), EngineFailed, "answer"),
        (Reply(body=answer([word("a", "now", 1.0)], 3.0)), EngineFailed, "answer"),
        (Reply(body=answer([word("a", 0.1, 0.2)], 3.0), headers={"Content-Encoding": "gzip"}), EngineFailed, "lost"),
        (Reply(cut=True), EngineFailed, "lost"),
    ],
)  # fmt: skip
def test_errors_are_sorted_by_what_can_be_done(server, engine, reply, error, code):
    server.replies = [reply]
    with pytest.raises(error) as caught:
        engine.transcribe(JOB)
    assert code_of(caught.value) == code
    assert str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.asked) == 1


def test_options_that_it_does_not_know_are_a_limit_of_its_own(server, engine):
    said = "No such model/language/tier combination found."
    server.replies = [refused(400, "Bad Request", said)]
    with pytest.raises(EngineLimit, match=r"does not accept these options .*combination"):
        engine.transcribe(replace(JOB, options=Options(language="xx")))


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(cut=True), 3.0),
        (Reply(body=b"no json"), 3.0),
        (Reply(body=answer([word("a", "now", 1.0)], 3.0)), 3.0),
        (refused(503, "UNAVAILABLE", "later"), None),
        (refused(429, "TOO_MANY_REQUESTS", "slow down"), None),
    ],
)
def test_an_error_says_whether_the_call_may_be_charged_for(server, engine, reply, seconds):
    server.replies = [replace(reply) for _ in range(4)]
    with pytest.raises(EngineFailed) as caught:
        engine.transcribe(JOB)
    assert caught.value.billed_seconds == seconds
    # What may be charged for is not repeated here: its row must be written first.
    assert len(server.asked) == (4 if seconds is None else 1)


def test_an_answer_of_no_use_still_tells_its_name(server, engine):
    server.replies = [Reply(body=answer([word("a", "now", 1.0)], 3.0, request_id="r-9"))]
    with pytest.raises(EngineFailed) as caught:
        engine.transcribe(JOB)
    assert caught.value.request_id == "r-9"


@pytest.mark.parametrize(
    "reply", [refused(500, "INTERNAL", "oops"), Reply(status=502, body=b"<html>Bad gateway</html>")]
)
def test_what_it_has_not_begun_with_is_tried_again(server, engine, reply):
    server.replies = [replace(reply), replace(reply)]
    assert len(engine.transcribe(JOB).words) == 6
    assert len(server.asked) == 3
    assert server.charged == pytest.approx(3.0)


def test_a_pause_that_it_asks_for_is_kept(server, engine):
    server.replies = [refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "1"})]
    began = time.monotonic()
    engine.transcribe(JOB)
    assert 1.0 <= time.monotonic() - began < 20.0


def test_a_pause_that_it_asks_for_by_date_is_kept(server, engine):
    server.replies = [
        refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "Fri, 20 Nov 2099 10:00:00 GMT"})
    ]
    with pytest.raises(EngineFailed) as caught:
        engine.transcribe(JOB)
    assert caught.value.retry_after > 1e9


def test_while_it_wants_no_calls_none_are_made_for_other_jobs_either(server, engine):
    server.replies = [refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "120"})]
    for _ in range(3):
        with pytest.raises(EngineFailed) as caught:
            engine.transcribe(JOB)
        assert caught.value.code == "rate"
        assert 60 < caught.value.retry_after <= 120
    assert len(server.asked) == 1


def test_no_call_is_held_back_for_longer_than_a_message_rests(server, engine, monkeypatch):
    monkeypatch.setattr(deepgram, "LONGEST_SILENCE", 0.5)
    server.replies = [refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "99999999"})]
    with pytest.raises(EngineFailed):
        engine.transcribe(JOB)
    assert len(engine.transcribe(JOB).words) == 6
    assert len(server.asked) == 2


def test_no_try_is_begun_that_would_end_too_late(server, engine):
    server.replies = [refused(429, "TOO_MANY_REQUESTS", "slow down", **{"Retry-After": "30"})]
    began = time.monotonic()
    with pytest.raises(EngineFailed, match="slow down"):
        engine.transcribe(replace(JOB, patience=20.0))
    assert time.monotonic() - began < 20.0


@pytest.mark.parametrize("reply", [Reply(wait=30.0), Reply(drip=0.2)])
def test_an_answer_that_takes_too_long_is_given_up(server, engine, reply):
    server.replies = [reply]
    began = time.monotonic()
    with pytest.raises(EngineFailed) as caught:
        engine.transcribe(replace(JOB, patience=1.0))
    assert (caught.value.code, caught.value.billed_seconds) == ("timeout", 3.0)
    assert time.monotonic() - began < 20.0


def test_an_answer_that_has_no_end_is_given_up(server, engine, monkeypatch):
    monkeypatch.setattr(deepgram, "MOST_BYTES", 1000)
    server.replies = [Reply(body=answer([word("a", 0.1, 0.2)] * 100, 3.0))]
    with pytest.raises(EngineFailed, match="more than 1000 bytes"):
        engine.transcribe(JOB)


def test_nobody_at_the_address_is_not_charged_for():
    engine = DeepgramEngine(Settings(addresses={"deepgram": "http://127.0.0.1:9"}), KEY)
    with pytest.raises(EngineFailed) as caught:
        engine.transcribe(replace(JOB, patience=0.5))
    assert (caught.value.code, caught.value.billed_seconds) == ("unreachable", None)


@pytest.mark.parametrize("url", ["http://[", "https://", "http://a b"])
def test_an_address_that_is_none_is_told_by_its_variable(url):
    with pytest.raises(Transient, match="DROPSCRIBE_DEEPGRAM_URL"):
        DeepgramEngine(Settings(addresses={"deepgram": url}), KEY).transcribe(replace(JOB, patience=1.0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([word("a", 1.0, 1.2), word("b", 0.5, 0.6)], [("a", 1.0, 1.2), ("b", 1.0, 1.0)]),
        ([word("a", -0.5, 0.2)], [("a", 0.0, 0.2)]),
        ([word("a", 1.0, 0.5)], [("a", 1.0, 1.0)]),
        ([word("a", 2.9, 9.0)], [("a", 2.9, 3.0)]),
        ([word("a", 0.1, 0.2), word("b", math.nan, math.inf)], [("a", 0.1, 0.2), ("b", 0.2, 0.2)]),
        ([{"word": "plain", "start": 0.1, "end": 0.2, "confidence": 0.5}], [("plain", 0.1, 0.2)]),
        ([word("a", 0.1, 0.2), {"word": ""}, {"start": 1.0}], [("a", 0.1, 0.2)]),
        ([{"word": "when"}], [("when", 0.0, 0.0)]),
        ([word("5:00 PM", 0.1, 0.2)], [("5:00", 0.1, pytest.approx(0.15)), ("PM", pytest.approx(0.15), 0.2)]),
    ],
)
def test_strange_words_keep_their_text_and_order_and_get_times_that_can_be(server, engine, given, expected):
    server.replies = [Reply(body=answer(given, 3.0))]
    heard = engine.transcribe(JOB)
    assert [(one.text, one.start, one.end) for one in heard.words] == expected


@pytest.mark.parametrize("confidence", [math.nan, -1.0, 7.0, None])
def test_a_confidence_is_from_0_to_1(server, engine, confidence):
    server.replies = [Reply(body=answer([word("a", 0.1, 0.2, confidence=confidence)], 3.0))]
    assert 0.0 <= engine.transcribe(JOB).words[0].confidence <= 1.0


def test_only_so_many_calls_are_open_at_one_time(server):
    engine = DeepgramEngine(Settings(addresses={"deepgram": server.url}, open_calls={"deepgram": 2}), KEY)
    server.replies = [Reply(wait=0.2) for _ in range(6)]
    threads = [threading.Thread(target=engine.transcribe, args=(JOB,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 6
    assert server.most_open == 2


def test_neither_key_nor_signature_is_written_anywhere(server, engine, caplog):
    url = "https://storage.example/a.mp3?X-Goog-Signature=5ecret"
    said = f"cannot read {url} with key {KEY}"
    server.replies = [refused(500, "INTERNAL", said) for _ in range(4)]
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineFailed) as caught:
        engine.transcribe(replace(JOB, url=url, samples=b""))
    written = caplog.text + str(caught.value) + repr(caught.value.__cause__) + repr(engine)
    assert "https://storage.example/a.mp3" in written
    assert KEY not in written
    assert "5ecret" not in written
