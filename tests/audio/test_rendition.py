"""Samples as a file for browsers."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from shared.audio.rendition import Encoder


def clicks(seconds, every, length=0.005):
    """Silence with clicks of noise, each at a multiple of some seconds."""
    values = np.zeros(int(seconds * 16_000), np.int16)
    noise = np.random.default_rng(1).integers(-20_000, 20_000, int(length * 16_000), np.int16)
    for at in np.arange(0, seconds - length, every):
        first = round(at * 16_000)
        values[first : first + len(noise)] = noise
    return values


def heard(data):
    """Sample rate and samples of a file, as a player has them: from time zero, without the encoder's delay."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        pieces = [(frame.pts * stream.time_base, frame.to_ndarray()[0]) for frame in container.decode(stream)]
    rate = stream.rate
    found = np.zeros(max(round(float(at) * rate) + len(one) for at, one in pieces), np.float32)
    for at, one in pieces:
        first = round(float(at) * rate)
        part = one[max(0, -first) :]
        found[max(0, first) : max(0, first) + len(part)] = part
    return rate, found


def starts(samples, rate):
    """When it becomes loud after a tenth of a second of silence, seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    return loud[np.concatenate([[True], np.diff(loud) > rate // 10])] / rate


def test_each_moment_stays_where_it_is_however_the_samples_come():
    values = clicks(65.0, 1.0)
    file = io.BytesIO()
    with Encoder(file) as encoder:
        encoder.silence(8_000)
        for piece in np.split(values, [1, 5, 16_001, 500_000]):
            encoder.write(piece.tobytes())
        assert encoder.samples == 8_000 + len(values)
    rate, found = heard(file.getvalue())
    assert rate == 16_000
    assert starts(found, rate) == pytest.approx(np.arange(65) + 0.5, abs=0.01)
    assert len(found) / rate == pytest.approx(65.5, abs=0.13)


def test_it_is_small():
    file = io.BytesIO()
    with Encoder(file) as encoder:
        encoder.write(np.random.default_rng(1).integers(-9000, 9000, 30 * 16_000, np.int16).tobytes())
    assert len(file.getvalue()) < 30 * 48_000 / 8 * 1.2


def test_a_failure_on_the_way_closes_the_file_and_is_told():
    file = io.BytesIO()
    with pytest.raises(ValueError, match="buffer size"), Encoder(file) as encoder:
        encoder.write(b"odd")
    assert not encoder.samples
