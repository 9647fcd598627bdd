"""A result that nobody can read ends its recording with what to do; done, it is transcribed again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.errors import Transient
from shared.flow import chunk, record, upload
from shared.flow.chunk import result_name
from shared.messages import ChunkDone, ChunkMessage, decode, encode
from shared.state import documents
from tests.world import heard


@pytest.fixture
def done(world):
    """A recording whose chunks are done, with something else in the place of its second result."""

    def done(name, data):
        recording = upload.on_upload(world.upload(name), world.ports)
        for one in recording.chunks:
            chunk.commit_result(*heard(recording, one), world.ports)
        (world.settings.state_dir / "work" / result_name(recording.id, 1)).write_bytes(data)
        return recording

    return done


def merged(world, recording):
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=1), world.ports)


def test_it_is_failed_with_the_name_of_the_object_and_retry_transcribes_that_part_again(world, done):
    recording = done("talk.wav", b"\x00nonsense")
    ended = merged(world, recording)
    assert ended.state == "FAILED"
    name = result_name(recording.id, 1)
    assert f"part 2, gs://work/{name}, cannot be read" in ended.reason
    assert "dropscribe retry" in ended.reason
    (world.settings.state_dir / "work" / name).unlink()
    world.pull("cpu-worker")
    upload.reopen(ended, world.ports)
    again = upload.take(recording.source, recording.options, world.ports)
    messages = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    assert [one.chunk.index for one in messages] == [1]
    chunk.commit_result(*heard(again, again.chunks[1]), world.ports)
    assert merged(world, recording).state == "DONE"


def test_whatever_stands_there_it_ends_or_comes_again(world, done):
    count, other = 0, upload.on_upload(world.upload("good.wav"), world.ports)
    good = encode(heard(other, other.chunks[1])[0])

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60
    )
    @given(st.binary(max_size=60) | st.integers(0, len(good) - 1).map(lambda at: good[:at]))
    @example(b"[" * 100_000)
    @example(b"null")
    @example(b"{}")
    def fuzz(data):
        nonlocal count
        count += 1
        recording = done(f"{count}.wav", data)
        try:
            assert merged(world, recording).state == "FAILED"
        except Transient:
            assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
        assert list(world.ports.store.list("transcripts", f"audio/{count}.wav/")) == []

    fuzz()
