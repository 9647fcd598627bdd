"""One chunk, given to an engine that somebody else runs, by a fake that keeps what it was asked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from shared.audio import Pcm
from shared.errors import (
    BadMedia,
    ConfigurationError,
    EngineFailed,
    EngineLimit,
    EngineRefused,
    StoreUnavailable,
    Transient,
)
from shared.flow import chunk, record, upload
from shared.hosted import hosted_call, hosted_chunk
from shared.hosted.audio_budget import audio_budget_of
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.results import ChunkResult, Heard, Word
from shared.state import documents
from tests.hosted.test_hosted_call import at_results
from tests.world import IN_A_PROJECT, ledger_rows

ADDRESS = "https://storage.example/talk.wav?signature"


class FakeHosted:
    """Hears a word a second, unless there is an error to raise."""

    def __init__(self):
        self.jobs = []
        self.errors = []
        self.speakers = 2

    def transcribe(self, job):
        self.jobs.append(job)
        if self.errors:
            raise self.errors.pop(0)
        return Heard(
            words=tuple(
                Word(
                    text=f"w{i}",
                    start=float(i),
                    end=i + 0.5,
                    confidence=0.98765,
                    speaker=i % self.speakers + 1 if job.options.diarize and self.speakers else None,
                )
                for i in range(int(job.seconds))
            ),
            seconds=job.seconds,
            request_id=f"request-{len(self.jobs)}",
            model="nova-3",
            revision="v1",
            language="en",
        )


def sound(seconds):
    return np.full(int(seconds * 16_000), 99, np.int16).tobytes()


@pytest.fixture
def engine(world):
    fake = FakeHosted()
    world.ports = replace(
        world.ports, hosted={"deepgram": fake}, engines=frozenset({"parakeet-cpu", "deepgram"})
    )

    def heard_by_ears(source, audio, chunk, *, track, both="no"):
        if world.media.error is not None:
            raise world.media.error
        seconds = chunk.lead + (chunk.end - chunk.start)
        return Pcm(samples=sound(seconds), start=-chunk.lead, owned=chunk.end - chunk.start)

    world.media.decode = heard_by_ears
    return fake


@pytest.fixture
def address(world, monkeypatch):
    monkeypatch.setattr(world.ports.store, "signed_url", lambda _source, _seconds: ADDRESS)


def messages(world, **metadata):
    upload.on_upload(world.upload(**{"dropscribe-method": "deepgram"} | metadata), world.ports)
    return [decode(one.data, ChunkMessage) for one in world.pull("deepgram")]


@pytest.fixture
def short(world):
    """A recording that is one chunk."""
    world.media.info = replace(world.media.info, duration=20.0)


def only(world):
    (recording,) = documents.recordings(world.ports.records)
    return recording


def result_of(world, message):
    name = chunk.result_name(message.recording, message.chunk.index)
    return decode(world.ports.store.load("work", name), ChunkResult)


def test_an_address_opens_a_recording_for_a_quarter_of_an_hour_at_most(world, engine, short, monkeypatch):
    lives = []
    monkeypatch.setattr(
        world.ports.store, "signed_url", lambda _source, seconds: lives.append(seconds) or ADDRESS
    )
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [life] = lives
    # Long enough for the longest call.
    assert hosted_call.PATIENCE < life <= 15 * 60


def test_chunks_are_decoded_sent_and_kept_on_their_own_axis(world, engine):
    first, second = messages(world)
    hosted_chunk.on_chunk(second, world.ports, message_id="m-2")
    [job] = engine.jobs
    lead = second.chunk.lead
    assert lead > 0
    assert (job.url, job.samples, job.tag) == (None, sound(lead + 30), f"{second.recording}.00001")
    assert job.model == "nova-3"
    result = result_of(world, second)
    assert (result.lead, result.owned, result.decoded) == (lead, 30.0, lead + 30)
    assert [word.start for word in result.words[:2]] == [-lead, 1 - lead]
    assert result.words[0].confidence == 0.988
    assert (result.engine, result.model, result.revision, result.language) == (
        "deepgram",
        "nova-3",
        "v1",
        "en",
    )
    assert [decode(one.data, ChunkDone).index for one in world.pull("merger")] == [1]
    assert first.chunk.index == 0


def test_all_chunks_make_a_transcript_and_its_cost(world, engine):
    for number, message in enumerate(messages(world)):
        hosted_chunk.on_chunk(message, world.ports, message_id=f"m-{number}")
        record.on_chunk_done(ChunkDone(recording=message.recording, index=message.chunk.index), world.ports)
    recording = only(world)
    assert recording.state == "DONE"
    sent = sum(job.seconds for job in engine.jobs)
    assert sent > 60.0
    assert record.cost(recording.id, world.ports) == pytest.approx(sent / 60 * 0.0077)


def test_its_row_says_what_is_charged_for_and_under_which_name(world, engine, short):
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [row] = ledger_rows(world.ports)
    assert (row.engine, row.outcome, row.request_id) == ("deepgram", "heard", "request-1")
    assert row.billed_seconds == engine.jobs[0].seconds
    assert row.usd == pytest.approx(row.billed_seconds / 60 * 0.0077)
    assert row.attempt == "1" == result_of(world, message).attempt


def test_what_is_heard_in_many_languages_has_its_own_price(world, engine, short):
    [message] = messages(world, **{"dropscribe-language": "mul"})
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs[0].options.language == "mul"
    [row] = ledger_rows(world.ports)
    assert row.usd == pytest.approx(row.billed_seconds / 60 * 0.0092)


def test_speakers_and_keyterms_have_prices_of_their_own(world, engine, short):
    [message] = messages(world, **{"dropscribe-diarize": "true", "dropscribe-keyterms": "Anna, Otto"})
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [row] = ledger_rows(world.ports)
    assert row.usd == pytest.approx(row.billed_seconds / 60 * (0.0077 + 0.0020 + 0.0013))


def test_a_recording_of_one_chunk_is_given_by_its_address(world, engine, short, address):
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [job] = engine.jobs
    assert (job.url, job.samples, job.seconds) == (ADDRESS, b"", 20.0)
    result = result_of(world, message)
    # All of it was heard, so nothing comes after it.
    assert (result.lead, result.owned, result.decoded, result.tail) == (0.0, 20.0, 20.0, 0.0)


def test_less_than_the_file_promises_is_told_to_its_owner(world, engine, short, address, monkeypatch):
    [message] = messages(world)
    told = engine.transcribe
    monkeypatch.setattr(engine, "transcribe", lambda job: replace(told(job), seconds=12.0))
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [warning] = result_of(world, message).warnings
    assert "promises 20.0 s, but Deepgram heard 12.0 s" in warning


def test_one_of_many_chunks_is_never_given_by_the_address_of_all(world, engine, address):
    hosted_chunk.on_chunk(messages(world)[0], world.ports, message_id="m-1")
    assert engine.jobs[0].url is None


@pytest.mark.parametrize("change", [{"tracks": 2}, {}])
def test_another_track_than_the_only_one_is_not_given_by_address(world, engine, short, address, change):
    world.media.info = replace(world.media.info, **change)
    [message] = messages(world, **({} if change else {"dropscribe-track": "1"}))
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs[0].url is None


def test_what_it_cannot_read_from_an_address_is_sent(world, engine, short, address):
    engine.errors = [EngineLimit("Deepgram cannot make anything of this audio.")]
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert [job.url for job in engine.jobs] == [ADDRESS, None]
    assert only(world).state == "PLANNED"
    assert [(row.outcome, row.usd > 0) for row in ledger_rows(world.ports)] == [
        ("failed", False),
        ("heard", True),
    ]


def test_without_the_right_to_sign_addresses_samples_are_sent(world, engine, short, monkeypatch):
    def refused(*_):
        raise ConfigurationError("IAM refuses to sign addresses")

    monkeypatch.setattr(world.ports.store, "signed_url", refused)
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs[0].url is None


@pytest.mark.parametrize(
    "samples", [b"", bytes(16_000 * 2 * 5), sound(0.05)], ids=["nothing", "digital silence", "too short"]
)
def test_where_there_is_nothing_to_hear_nothing_is_asked_or_paid(world, engine, short, samples):
    world.media.decode = lambda *_, **__: Pcm(samples=samples, start=0.0, owned=20.0)
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs == []
    [row] = ledger_rows(world.ports)
    assert (row.usd, row.billed_seconds) == (0.0, 0.0)
    assert result_of(world, message).words == ()


def test_a_chunk_that_has_a_result_is_not_paid_for_again(world, engine, short):
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert len(engine.jobs) == 1


def test_what_the_only_engine_cannot_do_ends_the_recording(world, engine, short):
    engine.errors = [EngineLimit("Deepgram cannot read this audio.")]
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    recording = only(world)
    assert (recording.state, recording.code) == ("FAILED", "EngineLimit")
    assert "Deepgram cannot read this audio." in recording.reason


@pytest.mark.parametrize(
    "error",
    [
        EngineRefused("credit", "No credit."),
        EngineRefused("key", "Bad key."),
        EngineFailed("rate", "Too many."),
        EngineFailed("server", "Oops."),
    ],
)
def test_what_is_wrong_with_the_service_comes_again_and_costs_nothing(world, engine, short, error):
    engine.errors = [error]
    [message] = messages(world)
    with pytest.raises(type(error)):
        hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert only(world).state == "PLANNED"
    assert [(row.outcome, row.usd) for row in ledger_rows(world.ports)] == [("failed", 0.0)]
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert [row.outcome for row in ledger_rows(world.ports)] == ["failed", "heard"]


def test_a_lost_answer_that_may_be_charged_for_has_its_row_beside_that_of_the_next_try(world, engine, short):
    engine.errors = [
        EngineFailed("lost", "Broken off.", billed_seconds=21.0),
        EngineFailed("answer", "No JSON.", billed_seconds=21.0, request_id="r-9"),
    ]
    [message] = messages(world)
    for _ in range(2):
        with pytest.raises(EngineFailed):
            hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    found = sorted(ledger_rows(world.ports), key=lambda row: (row.outcome, row.request_id))
    assert [(row.outcome, row.request_id) for row in found] == [
        ("heard", "request-3"),
        ("lost", ""),
        ("lost", "r-9"),
    ]
    assert found[1].usd == pytest.approx(21 / 60 * 0.0077)
    assert record.cost(message.recording, world.ports) == pytest.approx(sum(row.usd for row in found))


def test_lost_answers_of_another_chunk_hand_nothing_on(world, engine):
    first, second = messages(world)
    for message in (first, first, second):
        engine.errors = [EngineFailed("answer", "No JSON.", billed_seconds=21.0)]
        with pytest.raises(EngineFailed):
            hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert len(ledger_rows(world.ports)) == 3


def test_an_answer_that_could_not_be_kept_has_its_row_all_the_same(world, engine, short, monkeypatch):
    def unavailable(*_):
        raise StoreUnavailable("not now")

    [message] = messages(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "create", at_results(world.ports.store, unavailable))
        patch.setattr(hosted_chunk, "PATIENCE", 0.0)
        with pytest.raises(StoreUnavailable):
            hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    world.clock.time += hosted_call.KEEPING
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert len({row.attempt for row in ledger_rows(world.ports)}) == 2


def test_a_stretch_that_cannot_be_decoded_is_empty_and_says_so(world, engine):
    first, second = messages(world)
    world.media.error = BadMedia("undecodable", "This stretch is damaged.")
    hosted_chunk.on_chunk(first, world.ports, message_id="m-1")
    world.media.error = None
    hosted_chunk.on_chunk(second, world.ports, message_id="m-2")
    assert result_of(world, first).warnings == ("This stretch is damaged.",)
    assert only(world).state == "PLANNED"


def test_a_recording_that_is_gone_ends(world, engine):
    first, _ = messages(world)
    world.media.error = BadMedia("missing", "It was deleted.")
    hosted_chunk.on_chunk(first, world.ports, message_id="m-1")
    assert only(world).code == "missing"


def test_without_a_key_it_says_so_and_waits_for_one(world, engine, short):
    [message] = messages(world)
    with pytest.raises(Transient, match="DEEPGRAM_API_KEY is not set"):
        hosted_chunk.on_chunk(message, replace(world.ports, hosted={}), message_id="m-1")


def test_what_is_left_of_its_time_goes_with_the_job(world, engine, short):
    [message] = messages(world)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert 500 < engine.jobs[0].patience <= hosted_call.PATIENCE


def test_only_what_deepgram_transcribes_alone_is_formatted_its_way(world, engine):
    first, *_ = messages(world)
    hosted_chunk.on_chunk(first, world.ports, message_id="m")
    in_a_hybrid = replace(first, chunk=replace(first.chunk, index=1), model="nvidia/parakeet-tdt-0.6b-v3")
    hosted_chunk.on_chunk(in_a_hybrid, world.ports, message_id="n")
    assert [job.plain for job in engine.jobs] == [False, True]
    assert [job.model for job in engine.jobs] == ["nova-3", "nova-3"]


WITH_SPEAKERS = {"dropscribe-method": "deepgram", "dropscribe-diarize": "true"}


def test_a_recording_with_speakers_is_one_chunk_and_its_words_say_who_spoke(world, engine):
    world.media.info = replace(world.media.info, duration=120.0)
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert [job.options.diarize for job in engine.jobs] == [True]
    result = result_of(world, message)
    assert [word.speaker for word in result.words[:3]] == [1, 2, 1]
    assert result.warnings == ()


def test_an_answer_that_names_no_speakers_is_told_to_the_owner(world, engine, short):
    engine.speakers = 0
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert result_of(world, message).warnings == (
        "Speakers were asked for, but Deepgram's answer names none.",
    )


def test_what_is_too_long_to_be_sent_in_one_piece_says_so_and_goes_to_nobody_else(world, engine):
    world.media.info = replace(world.media.info, duration=4.5 * 3600)
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs == []
    recording = only(world)
    assert (recording.state, recording.code) == ("FAILED", "EngineLimit")
    assert (
        "else up to 4 h. This one has 4.5 h: split it, or ask without speakers (diarize, channels)."
        in recording.reason
    )
    assert "deepgram was asked for" in recording.reason


def test_by_its_address_it_may_be_as_long_as_deepgram_manages_in_time(world, engine, address):
    world.media.info = replace(world.media.info, duration=8 * 3600.0)
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    [job] = engine.jobs
    assert (job.url, job.seconds) == (ADDRESS, 8 * 3600.0)


def test_what_would_take_too_long_is_not_paid_for_in_vain(world, engine, address):
    world.media.info = replace(world.media.info, duration=9 * 3600.0)
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert engine.jobs == []
    assert ledger_rows(world.ports) == []
    assert "up to 8 h and 2 GB" in only(world).reason


def test_of_a_recording_that_is_longer_than_it_said_no_two_pieces_share_a_speaker(world, engine, short):
    def longer(source, audio, chunk, *, track, both="no"):
        owned, tail = chunk.end - chunk.start, chunk.tail if chunk.index == 0 else 0.0
        return Pcm(samples=sound(chunk.lead + owned + tail), start=-chunk.lead, owned=owned)

    world.media.decode = longer
    [message] = messages(world, **WITH_SPEAKERS)
    hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    record.on_chunk_done(ChunkDone(recording=message.recording, index=0), world.ports)
    [second] = [decode(one.data, ChunkMessage) for one in world.pull("deepgram")]
    hosted_chunk.on_chunk(second, world.ports, message_id="m-2")
    done = record.on_chunk_done(ChunkDone(recording=message.recording, index=1), world.ports)
    assert done.state == "DONE"
    assert [warning for warning in done.warnings if "told apart in 2 pieces" in warning]
    document = next(name for name in done.outputs if name.endswith(".json"))
    words = json.loads(world.ports.store.load("transcripts", document))["words"]
    assert {one["speaker"] for one in words} == {1, 2, 3, 4}


def test_what_others_hold_in_memory_is_waited_for_and_what_is_read_elsewhere_needs_none(
    world, engine, short, monkeypatch
):
    monkeypatch.setattr(hosted_chunk, "PATIENCE", 0.05)
    (message,) = messages(world)
    with audio_budget_of("local").hold(1e9, 1.0):
        with pytest.raises(EngineFailed, match="filled the memory"):
            hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
        assert (engine.jobs, ledger_rows(world.ports)) == ([], [])
        monkeypatch.setattr(world.ports.store, "signed_url", lambda _source, _seconds: ADDRESS)
        hosted_chunk.on_chunk(message, world.ports, message_id="m-1")
    assert [job.url for job in engine.jobs] == [ADDRESS]


def in_a_project(world):
    return replace(world.ports, settings=replace(world.settings, **IN_A_PROJECT))


def test_in_a_project_the_row_holds_what_sending_the_audio_costs(world, engine, short, monkeypatch):
    [message] = messages(world)
    heard = engine.transcribe
    monkeypatch.setattr(engine, "transcribe", lambda job: replace(heard(job), sent_bytes=2**20))
    hosted_chunk.on_chunk(message, in_a_project(world), message_id="m-1")
    [row] = ledger_rows(world.ports)
    assert row.egress_usd == pytest.approx(0.12 / 1024)
    assert row.usd == pytest.approx(row.billed_seconds / 60 * 0.0077 + 0.12 / 1024)


def test_what_deepgram_reads_from_an_address_leaves_the_network_with_all_its_bytes(
    world, engine, short, address
):
    [message] = messages(world)
    hosted_chunk.on_chunk(message, in_a_project(world), message_id="m-1")
    [row] = ledger_rows(world.ports)
    assert row.egress_usd == pytest.approx(message.source.size / 2**30 * 0.12)


def test_a_call_that_is_not_charged_for_has_sent_nothing_that_counts(world, engine, short):
    engine.errors = [EngineFailed("rate", "not now")]
    [message] = messages(world)
    with pytest.raises(EngineFailed):
        hosted_chunk.on_chunk(message, in_a_project(world), message_id="m-1")
    [row] = ledger_rows(world.ports)
    assert (row.outcome, row.usd, row.egress_usd) == ("failed", 0.0, 0.0)
