"""The waveform of a recording."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadMedia
from shared.flow import chunk, forget, record, upload
from shared.flow.reading import peaks
from shared.messages import ChunkDone
from shared.planning import plan
from shared.results import ChunkResult
from tests.world import heard


@pytest.fixture
def recording(world):
    world.media.info = replace(world.media.info, duration=60.0)
    found = upload.on_upload(world.upload(), world.ports)
    return replace(found, chunks=plan.split(world.media.info, 1000, 20.0, "parakeet-cpu"))


def result(recording, index, level, **more):
    one = recording.chunks[index]
    made = heard(recording, one)[0]
    return replace(made, peaks=bytes([level]) * round((one.end - one.start) * 10), **more)


def test_peaks_of_all_chunks_follow_one_another(recording):
    found = peaks.merged(recording, {i: result(recording, i, i + 1) for i in range(3)})
    assert (found.gaps, len(found.levels)) == ((), 600)
    assert [found.levels[at] for at in (0, 199, 200, 399, 400, 599)] == [1, 1, 2, 2, 3, 3]


def test_what_is_missing_is_a_gap_of_silence(recording):
    found = peaks.merged(recording, {1: result(recording, 1, 9)})
    assert found.gaps == ((0.0, 20.0), (40.0, 60.0))
    assert (set(found.levels[:200]), set(found.levels[200:400])) == ({0}, {9})
    by_address = {i: result(recording, i, 5) for i in range(3)} | {
        0: heard(recording, recording.chunks[0])[0]
    }
    assert peaks.merged(recording, by_address).gaps == ((0.0, 20.0),)
    assert peaks.merged(recording, {}).gaps == ((0.0, 60.0),)


def test_parts_cut_by_bytes_lie_where_they_were_measured(recording):
    audio = replace(recording.audio, splittable_by="bytes", first_byte=0, last_byte=60_000)
    recording = replace(recording, chunks=plan.split(audio, 60_000, 20.0, "parakeet-cpu"))
    some = {i: result(recording, i, i + 1) for i in range(3)}
    some[0] = replace(some[0], owned=18.0, peaks=some[0].peaks[:180])
    found = peaks.merged(recording, some)
    assert (len(found.levels), found.levels[179], found.levels[180]) == (580, 1, 2)


def test_the_merger_keeps_them_and_forget_deletes_them(world):
    recording = upload.on_upload(world.upload("short.wav"), world.ports)
    assert peaks.kept(recording, world.ports) is None
    for one in recording.chunks:
        made, row = heard(recording, one)
        chunk.commit_result(replace(made, peaks=b"\7" * 600), row, world.ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert peaks.kept(recording, world.ports) == peaks.Peaks(levels=b"\7" * 600, gaps=())
    forget.forget(recording.id, world.ports)
    assert peaks.kept(recording, world.ports) is None
    assert [one.name for one in world.ports.store.list("work") if one.is_upload] == []


def test_what_was_never_decoded_here_is_decoded_when_somebody_asks(world, recording):
    peaks.keep(recording, [heard(recording, one)[0] for one in recording.chunks], world.ports)
    assert peaks.kept(recording, world.ports) is None
    some = [result(recording, 0, 5), *(heard(recording, one)[0] for one in recording.chunks[1:])]
    peaks.keep(recording, some, world.ports)
    assert peaks.kept(recording, world.ports).gaps == ((20.0, 60.0),)
    found = peaks.decoded(recording, world.ports)
    assert found == peaks.Peaks(levels=bytes(600), gaps=()) == peaks.kept(recording, world.ports)


def test_a_stretch_that_cannot_be_decoded_is_silent_and_a_file_that_is_gone_is_an_error(world, recording):
    world.media.error = BadMedia("undecodable", "scrambled")
    assert peaks.decoded(recording, world.ports).levels == b""
    world.media.error = BadMedia("missing", "gone")
    with pytest.raises(BadMedia, match="gone"):
        peaks.decoded(replace(recording, id="other"), world.ports)


def test_results_of_older_versions_have_none_and_those_with_peaks_come_back(recording):
    made = result(recording, 0, 200)
    data = chunk.encode(made)
    assert chunk.read_result(data) == made
    older = data.replace(b',"peaks":"' + data.split(b',"peaks":"')[1], b"}")
    assert chunk.read_result(older) == replace(made, peaks=b"")
    assert ChunkResult.__dataclass_fields__["peaks"].default == b""
