"""Samples come back from FLAC as they went in."""

import io

import av
import numpy as np
import pytest

from shared.audio.encode import BLOCK, flac


@pytest.mark.parametrize("count", [1, 4097, BLOCK, BLOCK + 1000])
def test_samples_survive(count):
    samples = np.random.default_rng(1).integers(-20_000, 20_000, count).astype(np.int16)
    with av.open(io.BytesIO(flac(samples.tobytes()))) as container:
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels, stream.codec_context.name) == (16_000, 1, "flac")
        back = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])
    assert np.array_equal(back, samples)
