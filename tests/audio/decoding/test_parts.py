"""A chunk of several recordings in a file is the same stretch of all of them."""

from dataclasses import replace

import numpy as np
import pytest

from shared.errors import BadMedia
from tests.audio.media import RATE, Memory, chunk, make, samples


@pytest.fixture(scope="module")
def three(sandbox):
    """Three recordings in one file, what the probe found, and their samples."""
    source = Memory(
        b"".join(make("ogg", "flac", rate=RATE, layout="mono", seconds=one) for one in (2.0, 3.0, 1.5))
    )
    info = sandbox.probe(source)
    return source, info, samples(sandbox.decode(source, info, chunk()))


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 1.0), (1.5, 2.5), (1.0, 6.0), (2.0, 5.0), (4.9, 5.1), (6.0, None)]
)
@pytest.mark.parametrize("side", [0.0, 0.7])
def test_a_chunk_is_a_stretch_of_the_whole(sandbox, three, start, end, side):
    source, info, whole = three
    pcm = sandbox.decode(source, info, chunk(start, end, lead=side, tail=side))
    begin = max(0.0, start - side)
    stop = 6.5 if end is None else min(6.5, end + side)
    assert pcm.start == pytest.approx(begin - start)
    assert pcm.owned == pytest.approx((6.5 if end is None else end) - start)
    assert len(pcm.samples) // 2 == round(stop * RATE) - round(begin * RATE)
    assert np.array_equal(samples(pcm), whole[round(begin * RATE) : round(stop * RATE)])


def test_the_whole_is_as_long_as_its_parts(three):
    _, info, whole = three
    assert [one.start for one in info.parts] == pytest.approx([0.0, 2.0, 5.0])
    assert len(whole) == round(6.5 * RATE)


def test_a_chunk_behind_the_end_is_empty(sandbox, three):
    source, info, _ = three
    pcm = sandbox.decode(source, info, chunk(7.0, 9.0, lead=0.2))
    assert (pcm.samples, pcm.owned) == (b"", 0.0)


def test_more_than_may_be_returned_is_refused(sandbox, three, monkeypatch):
    source, info, _ = three
    monkeypatch.setattr(sandbox, "limits", replace(sandbox.limits, decode_seconds=3.0))
    with pytest.raises(BadMedia, match="is longer than"):
        sandbox.decode(source, info, chunk())
