"""Chunks that no planner would plan: the decoder refuses them or gives what there is, soon, and never more."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.audio import Limits, Sandbox
from shared.errors import DropscribeError
from shared.model import AudioInfo, ByteSpan, Chunk
from tests.audio.media import Memory, make
from tests.hostile.fuzz import bounded

SECONDS = 8.0
CODECS = {"wav": "pcm_s16le", "flac": "flac", "mp3": "libmp3lame"}
LONGEST = 60.0

times = st.sampled_from([0.0, -1.0, 4.0, 1e9, -1e9, 1e308, -1e308, 1e-308]) | st.floats(allow_nan=False)
places = st.sampled_from([0, 1, -1, 10_000, 2**31, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)
spans = st.builds(ByteSpan, read_from=places, own_from=places, own_to=places, read_to=places)
chunks = st.builds(
    Chunk,
    index=places,
    start=times,
    end=st.none() | times,
    lead=times,
    tail=times,
    engine=st.just("parakeet-cpu"),
    span=st.none() | spans,
)
audios = st.builds(
    AudioInfo,
    format=st.sampled_from([*CODECS, "hls", "concat", ""]),
    codec=st.sampled_from(["pcm_s16le", "mp3", "flac", "text", ""]),
    sample_rate=places,
    channels=places,
    duration=st.none() | times,
    exact=st.booleans(),
    splittable_by=st.sampled_from(["time", "bytes"]),
    first_byte=places,
    last_byte=places,
    tracks=places,
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(timeout_s=20.0, decode_seconds=LONGEST)) as found:
        yield found


@pytest.fixture(scope="module")
def files():
    return {kind: make(kind, codec, seconds=SECONDS) for kind, codec in CODECS.items()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(CODECS)),
    chunk=chunks,
    audio=st.none() | audios,
    track=st.sampled_from([0, 0, 1, 999, -1]),
)
def test_a_hostile_chunk_is_refused_or_gives_what_there_is(sandbox, files, kind, chunk, audio, track):
    source = Memory(files[kind])
    known = audio or sandbox.probe(source)
    with bounded(seconds=10, megabytes=300), suppress(DropscribeError):
        assert sandbox.decode(source, known, chunk, track=track).seconds <= LONGEST
