"""Stretches of recordings as files of their own."""

from __future__ import annotations

import numpy as np
import pytest

from local.evaluation import clips
from local.evaluation.corpus import Entry
from shared.errors import BadMedia

RATE = 16_000


@pytest.fixture
def counted(tmp_path):
    """Three seconds of sound whose samples tell where they are from."""
    path = tmp_path / "counted.wav"
    clips.write(path, np.arange(3 * RATE, dtype=np.int32).astype(np.int16))
    return path


def entry(path, **changes):
    return Entry(audio=path, text="words", **changes)


def test_what_is_written_is_decoded_as_it_was(counted):
    assert np.array_equal(clips.decode(counted), np.arange(3 * RATE, dtype=np.int32).astype(np.int16))


def test_a_whole_recording_is_its_own_file_and_a_stretch_is_cut_to_the_sample(counted, tmp_path):
    folder = tmp_path / "cut"
    folder.mkdir()
    whole, middle, end = clips.files(
        [entry(counted), entry(counted, start=1.0, duration=0.5), entry(counted, start=2.5)], folder
    )
    assert whole == counted
    assert (middle.parent, end.parent) == (folder, folder)
    first, second = clips.decode_all([middle, end])
    assert (len(first), first[0]) == (RATE // 2, RATE)
    assert (len(second), second[0]) == (RATE // 2, np.int16(np.int32(2.5 * RATE) - 2**16))


def test_a_recording_that_cannot_be_decoded_is_told(tmp_path):
    (tmp_path / "text.wav").write_text("This is not sound.")
    with pytest.raises(BadMedia):
        clips.decode(tmp_path / "text.wav")
