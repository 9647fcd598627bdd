from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadRequest, StoreUnavailable
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone, ChunkMessage, decode, encode, to_fields
from shared.model import Options
from shared.results import Voice
from shared.state import documents, ledger
from tests.world import heard, words


@pytest.fixture
def message(world):
    upload.on_upload(world.upload(), world.ports)
    return decode(world.pull("cpu-worker")[0].data, ChunkMessage)


def recording_of(world, message):
    return documents.get_recording(world.ports.records, message.recording)


def test_a_chunk_is_wanted_until_it_has_a_result(world, message):
    assert chunk.is_wanted(message, world.ports)
    chunk.commit_result(*heard(recording_of(world, message), message.chunk), world.ports)
    assert not chunk.is_wanted(message, world.ports)


def test_asking_about_a_finished_chunk_announces_it_again(world, message):
    chunk.commit_result(*heard(recording_of(world, message), message.chunk), world.ports)
    world.pull("merger")
    chunk.is_wanted(message, world.ports)
    assert [decode(one.data, ChunkDone).index for one in world.pull("merger")] == [0]


def test_a_chunk_of_a_failed_recording_is_not_wanted(world, message):
    record.fail(message.recording, BadRequest("No."), world.ports)
    assert not chunk.is_wanted(message, world.ports)


def test_the_first_result_of_a_chunk_stands(world, message):
    recording = recording_of(world, message)
    chunk.commit_result(*heard(recording, message.chunk, text="first"), world.ports)
    chunk.commit_result(*heard(recording, message.chunk, text="second", attempt="m-2"), world.ports)
    data = world.ports.store.load("work", chunk.result_name(recording.id, 0))
    assert b"first" in data
    assert b"second" not in data
    assert world.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 2


def test_a_result_that_a_process_stored_and_did_not_note_is_noted(world, message, monkeypatch):
    result, row = heard(recording_of(world, message), message.chunk)
    assert not chunk.is_stored(message, world.ports)
    with monkeypatch.context() as patched:
        patched.setattr(world.ports.records, "create", fail_now)
        patched.setattr(ledger, "write", lambda *_: True)
        with pytest.raises(ConnectionResetError):
            chunk.commit_result(result, row, world.ports)
    assert chunk.is_wanted(message, world.ports)
    assert chunk.is_stored(message, world.ports)
    assert not chunk.is_wanted(message, world.ports)
    assert world.ports.records.get(documents.CHUNKS, f"{message.recording}.00000")["attempt"] == row.attempt


def test_a_chunk_whose_result_is_neither_written_nor_there_is_not_done(world, message, monkeypatch):
    monkeypatch.setattr(world.ports.store, "create", lambda *_: False)
    with pytest.raises(StoreUnavailable, match="deleted"):
        chunk.commit_result(*heard(recording_of(world, message), message.chunk), world.ports)
    assert world.ports.records.count(documents.CHUNKS) == 0


def test_a_worker_that_died_after_any_step_of_keeping_is_made_good(world, message, monkeypatch):
    recording = recording_of(world, message)
    result, row = heard(recording, message.chunk)
    for port, method in (("records", "create"), ("store", "create"), ("queue", "publish")):
        with monkeypatch.context() as patched:
            patched.setattr(getattr(world.ports, port), method, fail_now)
            with pytest.raises(ConnectionResetError):
                chunk.commit_result(result, row, world.ports)
    chunk.commit_result(result, row, world.ports)
    assert not chunk.is_wanted(message, world.ports)
    assert record.cost(recording.id, world.ports) == pytest.approx(0.001)


def fail_now(*_args, **_kwargs):
    raise ConnectionResetError


VOICE = Voice(window=3, turns=((0, 1500), (2250, 4000)), clean=2.5, embedding=bytes(range(256)) + bytes(128))


def test_voices_come_back_as_they_were_kept(world, message):
    made, _ = heard(recording_of(world, message), message.chunk, voices=(VOICE,), voice_revision="a+b")
    data = encode(made)
    assert chunk.read_result(data) == made
    assert b'"voices":[{"window":3,"turns":[[0,1500],[2250,4000]],"clean":2.5,"embedding":"AAECAw' in data


def test_results_of_versions_that_knew_no_voices_have_none(world, message):
    made, _ = heard(recording_of(world, message), message.chunk)
    fields = to_fields(made)
    del fields["voices"], fields["voice_revision"]
    assert chunk.read_result(encode(fields)) == made
    assert (made.voices, made.voice_revision) == ((), "")


def test_an_embedding_is_never_in_what_is_logged_of_a_voice():
    assert "embedding" not in repr(VOICE)
    assert "\\x01" not in repr(VOICE)


@pytest.mark.parametrize(
    "change",
    [
        {"owned": 1e308},
        {"lead": -1e8},
        {"words": words("late", start=1e300)},
        {"voices": (Voice(window=0, turns=((0, 10**14),), clean=1.0),)},
    ],
)
def test_a_result_with_a_time_that_no_recording_has_ends_its_recording(world, message, change):
    recording = documents.get_recording(world.ports.records, message.recording)
    result, row = heard(recording, message.chunk, **change)
    with pytest.raises(BadRequest, match="a number is larger than"):
        chunk.read_result(encode(result))
    for one in recording.chunks:
        chunk.commit_result(
            *((result, row) if one.index == result.index else heard(recording, one)), world.ports
        )
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert (ended.state, "cannot be read" in ended.reason) == ("FAILED", True)


@pytest.mark.parametrize(
    ("options", "channels", "engine", "wanted"),
    [
        (Options(channels="auto"), 2, "parakeet-cpu", "levels"),
        (Options(channels="apart"), 2, "parakeet-gpu", "sound"),
        (Options(diarize=True), 2, "parakeet-cpu", "no"),
        (Options(channels="auto"), 1, "parakeet-cpu", "no"),
        (Options(channels="auto"), 6, "parakeet-cpu", "no"),
        (Options(channels="auto"), 2, "deepgram", "no"),
    ],
)
def test_both_channels_are_told_of_where_they_are_of_use(world, message, options, channels, engine, wanted):
    asked = replace(
        message,
        options=options,
        audio=replace(message.audio, channels=channels),
        chunk=replace(message.chunk, engine=engine),
    )
    chunk.fetch(asked, world.ports)
    assert world.media.both == [wanted]
