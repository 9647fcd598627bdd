from __future__ import annotations

import itertools
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationError
from shared.model import AudioInfo
from shared.planning import plan
from shared.results import ChunkResult
from shared.settings import Settings


def audio(duration=3600.0, **changes):
    fields = {
        "format": "wav",
        "codec": "pcm_s16le",
        "sample_rate": 16_000,
        "channels": 1,
        "duration": duration,
        "exact": True,
        "splittable_by": "time",
    }
    return AudioInfo(**(fields | changes))


def result(lead=0.0, owned=600.0, tail=30.0):
    return ChunkResult(
        recording="r", index=0, engine="parakeet-cpu", attempt="m-1", model="m", revision="1", words=(),
        lead=lead, owned=owned, decoded=lead + owned + tail,
    )  # fmt: skip


def test_an_hour_in_ten_minutes_is_six_chunks_that_share_thirty_seconds():
    chunks = plan.split(audio(3600.0), 1, 600.0, "parakeet-cpu")
    assert [(c.start, c.end, c.lead, c.tail) for c in chunks] == [
        (0.0, 600.0, 0.0, 15.0),
        (600.0, 1200.0, 15.0, 15.0),
        (1200.0, 1800.0, 15.0, 15.0),
        (1800.0, 2400.0, 15.0, 15.0),
        (2400.0, 3000.0, 15.0, 15.0),
        (3000.0, 3600.0, 15.0, 15.0),
    ]


def test_the_overlap_is_a_tenth_of_a_chunk():
    chunks = plan.split(audio(400.0), 1, 200.0, "parakeet-cpu")
    assert [(c.start, c.end, c.lead, c.tail) for c in chunks] == [
        (0.0, 200.0, 0.0, 10.0),
        (200.0, 400.0, 10.0, 10.0),
    ]


def test_short_chunks_share_eight_seconds():
    chunks = plan.split(audio(60.0), 1, 20.0, "parakeet-cpu")
    assert [(c.start, c.end, c.lead, c.tail) for c in chunks] == [
        (0.0, 20.0, 0.0, 4.0),
        (20.0, 40.0, 4.0, 4.0),
        (40.0, 60.0, 4.0, 4.0),
    ]


def test_a_short_recording_is_one_chunk_that_listens_a_second_longer():
    chunks = plan.split(audio(0.2), 1, 600.0, "parakeet-cpu")
    assert [(c.start, c.end, c.lead, c.tail) for c in chunks] == [(0.0, 0.2, 0.0, 1.0)]
    assert not plan.goes_on(chunks, result(owned=0.2, tail=0.0))
    assert plan.goes_on(chunks, result(owned=0.2, tail=1.0))


def test_a_recording_a_little_longer_than_a_chunk_is_one_chunk():
    assert len(plan.split(audio(655.0), 1, 600.0, "parakeet-cpu")) == 1


def test_chunks_are_of_equal_length_so_that_no_crumb_is_left():
    chunks = plan.split(audio(700.0), 1, 600.0, "parakeet-cpu")
    assert [(c.start, c.end) for c in chunks] == [(0.0, 350.0), (350.0, 700.0)]


def test_an_unknown_length_is_guessed_from_the_size():
    chunks = plan.split(audio(None), 9_600_000, 600.0, "parakeet-cpu")  # ten minutes at 128 kbit/s
    assert [(c.start, c.end) for c in chunks] == [(0.0, 600.0)]


def test_a_stream_without_index_is_cut_by_bytes_that_belong_to_one_chunk_each():
    stream = audio(1200.0, format="mp3", splittable_by="bytes", first_byte=1000, last_byte=2_401_000)
    chunks = plan.split(stream, 2_401_128, 600.0, "parakeet-cpu")
    spans = [c.span for c in chunks]
    assert [(s.own_from, s.own_to) for s in spans] == [(1000, 1_201_000), (1_201_000, 2_401_000)]
    assert (spans[0].read_from, spans[0].read_to) == (1000, 1_231_000)
    assert (spans[1].read_from, spans[1].read_to) == (1_171_000, 2_401_000)


def test_the_plan_goes_on_while_the_last_chunk_hears_its_whole_tail():
    chunks = plan.split(audio(600.0), 1, 600.0, "parakeet-cpu")
    assert plan.goes_on(chunks, result(tail=1.0))
    assert not plan.goes_on(chunks, result(tail=0.5))
    assert not plan.goes_on(chunks, result(owned=580.0, tail=0.0))


def test_an_extended_plan_continues_where_the_first_one_ended():
    chunks = plan.extend(plan.split(audio(60.0), 1, 20.0, "parakeet-cpu"))
    assert [(c.index, c.start, c.end, c.lead) for c in chunks] == [
        (0, 0.0, 20.0, 0.0),
        (1, 20.0, 40.0, 4.0),
        (2, 40.0, 60.0, 4.0),
        (3, 60.0, 80.0, 4.0),
        (4, 80.0, 100.0, 4.0),
        (5, 100.0, 120.0, 4.0),
    ]


@pytest.mark.parametrize(
    ("engine", "memory", "minutes", "together", "held"),
    [
        ("parakeet-gpu", 20.0, 10, 8, 16),
        ("parakeet-gpu", 12.0, 5, 4, 8),
        ("parakeet-gpu", 8.0, 3, 2, 4),
        ("parakeet-cpu", 20.0, 10, 2, 4),
    ],
)
def test_chunks_and_batches_suit_the_hardware(engine, memory, minutes, together, held):
    settings = Settings(engines=engine, gpu_memory_limit_gb=memory)
    sizes = plan.sizes(engine, settings)
    assert (sizes.seconds / 60, sizes.together, plan.max_inflight_chunks(settings)) == (
        minutes,
        together,
        held,
    )
    assert plan.worker_engine(settings) == engine


@pytest.mark.parametrize(
    ("hours", "minutes"), [(0.2, 5), (0.499, 5), (0.5, 10), (1.0, 10), (4.0, 10), (4.01, 15), (12.0, 15)]
)
def test_chunks_are_half_as_long_below_half_an_hour_and_half_as_long_again_above_four_hours(hours, minutes):
    found = plan.chunk_seconds(audio(hours * 3600), "parakeet-gpu", Settings(engines="parakeet-gpu"))
    assert found == minutes * 60


def test_a_length_that_was_set_is_the_length_whatever_the_recording():
    settings = Settings(chunk_minutes=2.0, batch_size=3, max_chunks=5)
    for hours in (0.2, 1.0, 12.0):
        for engine in ("parakeet-cpu", "parakeet-gpu", "deepgram"):
            assert plan.chunk_seconds(audio(hours * 3600), engine, settings) == 120.0
    assert plan.sizes("parakeet-gpu", settings).together == 3
    assert plan.max_inflight_chunks(settings) == 5


def test_a_recording_of_unknown_length_is_cut_as_one_of_ordinary_length():
    assert plan.chunk_seconds(audio(None), "parakeet-gpu", Settings(engines="parakeet-gpu")) == 600.0


def test_somebody_elses_engine_gets_an_hour_at_a_time_because_overlap_is_billed():
    assert plan.chunk_seconds(audio(12 * 3600.0), "deepgram", Settings()) == 3600.0
    assert plan.chunk_seconds(audio(600.0), "deepgram", Settings()) == 3600.0


def test_on_a_processor_a_short_recording_is_not_cut_smaller():
    assert plan.chunk_seconds(audio(1200.0), "parakeet-cpu", Settings()) == 600.0


@given(
    duration=st.floats(0.2, 12 * 3600),
    minutes=st.floats(0.1, 60),
    by=st.sampled_from(["time", "bytes"]),
    first=st.integers(0, 10_000),
    length=st.integers(100, 10**9),
)
def test_chunks_cover_the_recording_without_gaps(duration, minutes, by, first, length):
    info = audio(duration, splittable_by=by, first_byte=first, last_byte=first + length)
    chunks = plan.split(info, first + length, minutes * 60, "parakeet-cpu")
    assert chunks[0].start == 0.0
    assert chunks[-1].end == pytest.approx(duration, abs=0.002)
    assert [c.index for c in chunks] == list(range(len(chunks)))
    for left, right in itertools.pairwise(chunks):
        assert left.end == right.start
        assert left.tail == right.lead > 0
        assert left.tail + right.lead <= plan.MAX_OVERLAP + 0.001
    assert all(c.end - c.start <= minutes * 60 * plan.STRETCH + 0.01 for c in chunks)
    assert len(chunks) <= math.ceil(duration / (minutes * 60))
    if by == "bytes":
        spans = [c.span for c in chunks]
        assert spans[0].own_from == first
        assert spans[-1].own_to == first + length
        for left, right in itertools.pairwise(spans):
            assert left.own_to == right.own_from
        for span in spans:
            assert first <= span.read_from <= span.own_from <= span.own_to <= span.read_to <= first + length


@pytest.mark.parametrize("duration", [0.5, 10.0, 60.0])
def test_a_brief_recording_is_planned_as_the_one_chunk_that_is_decoded_with_its_probe(duration):
    for brief in (audio(duration), audio(duration, splittable_by="bytes", first_byte=10, last_byte=5000)):
        chunk = plan.whole(brief, 6000, Settings())
        assert (chunk,) == plan.split(brief, 6000, 600.0, "parakeet-cpu")


def test_no_long_recording_and_none_of_unknown_length_is_decoded_with_its_probe():
    assert plan.whole(audio(60.1), 6000, Settings()) is None
    assert plan.whole(audio(None), 6000, Settings()) is None
    assert plan.whole(audio(30.0), 6000, Settings(chunk_minutes=0.2)) is None


@pytest.mark.parametrize("by", ["time", "bytes"])
def test_a_length_that_no_recording_has_costs_a_moment_and_is_more_than_any_deployment_allows(by):
    began = time.process_time()
    chunks = plan.split(audio(1e10, splittable_by=by), 10**12, 6.0, "parakeet-gpu")
    assert time.process_time() - began < 10.0
    assert len(chunks) == plan.MOST_CHUNKS + 1
    assert Settings(max_recording_chunks=plan.MOST_CHUNKS).max_recording_chunks == plan.MOST_CHUNKS
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_MAX_CHUNKS"):
        Settings(max_recording_chunks=plan.MOST_CHUNKS + 1)
