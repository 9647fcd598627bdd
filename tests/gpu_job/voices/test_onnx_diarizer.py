"""The voices of a chunk, with networks that tell speakers by how loud they are."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job.voices import onnx_diarizer
from shared.errors import ModelUnavailable
from tests import voices
from tests.voices import BOTH, LOUD, QUIET, RATE, sound


@pytest.fixture(scope="module", params=[False, True], ids=["own", "hub"])
def diarizer(request, tmp_path_factory):
    return onnx_diarizer.load(str(voices.networks(tmp_path_factory.mktemp("networks"), hub=request.param)))


def whole(diarizer, samples):
    return diarizer.diarize(samples, 0.0, len(samples) / RATE)


def near(turns, *expected):
    """Whether turns are these, but for how far a frame of the segmentation sees: at an edge it hears both sides."""
    seen = 50
    joined = []
    for start, end in turns:
        if joined and start - joined[-1][1] <= seen:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    long = [turn for turn in joined if turn[1] - turn[0] > seen]
    return len(long) == len(expected) and bool((np.abs(np.subtract(long, expected)) < seen).all())


def test_each_speaker_of_a_window_has_its_turns_and_an_embedding(diarizer):
    one, other = whole(diarizer, sound((QUIET, 2), (LOUD, 3), (0.0, 1), (QUIET, 2)))
    assert (one.window, other.window) == (0, 0)
    assert near(one.turns, (0, 2000), (6000, 8000))
    assert near(other.turns, (2000, 5000))
    assert one.clean == pytest.approx(4.0, abs=0.2)
    assert len(one.embedding) == len(other.embedding) == 2 * 192
    assert one.embedding != other.embedding


def test_of_one_voice_no_more_than_five_seconds_are_embedded(diarizer):
    [one] = whole(diarizer, sound((QUIET, 9)))
    assert one.clean == 5.0


def test_where_both_speak_both_have_a_turn_and_neither_is_embedded_from_it(diarizer):
    one, other = whole(diarizer, sound((QUIET, 3), (BOTH, 2)))
    assert near(one.turns, (0, 5000))
    assert near(other.turns, (3000, 5000))
    assert one.clean == pytest.approx(3.0, abs=0.1)
    assert (other.clean, other.embedding) == (0.0, b"")


def test_a_voice_that_is_short_in_the_middle_is_embedded_from_the_whole_window(diarizer):
    # The first window answers up to 7.5 s, and the quiet one speaks there for half a second.
    found = whole(diarizer, sound((LOUD, 7), (QUIET, 3), (LOUD, 5)))
    first = next(voice for voice in found if voice.window == 0 and near(voice.turns, (7000, 7500)))
    assert first.clean == pytest.approx(3.0, abs=0.1)


def test_less_than_a_quarter_of_a_second_has_no_embedding(diarizer):
    found = whole(diarizer, sound((LOUD, 4), (QUIET, 0.2), (LOUD, 4)))
    short = next(voice for voice in found if near(voice.turns, (4000, 4200)))
    assert (short.clean, short.embedding) == (0.0, b"")


def test_only_what_is_between_the_chunks_bounds_is_told(diarizer):
    found = diarizer.diarize(sound((QUIET, 25)), 4.0, 15.5)
    assert [voice.window for voice in found] == [0, 1, 2, 3]
    expected = [(0, 3500), (3500, 8500), (8500, 13500), (13500, 15500)]
    assert all(near(voice.turns, turn) for voice, turn in zip(found, expected, strict=True))
    assert min(found[0].turns[0]) >= 0
    assert max(found[-1].turns[-1]) <= 15500


@pytest.mark.parametrize("step", [1.0, 7.0, 20.0])
def test_chunks_tell_together_what_one_piece_tells(diarizer, step):
    samples = sound(*[(QUIET, 3), (LOUD, 4), (0.0, 2)] * 5)

    def speaking(pieces):
        """How many speak in each tenth of a second."""
        found = np.zeros(round(len(samples) / RATE * 10))
        for start, chunk in pieces:
            for voice in chunk:
                for first, end in voice.turns:
                    found[round(start * 10 + first / 100) : round(start * 10 + end / 100)] += 1
        return found

    pieces, start, total = [], 0.0, len(samples) / RATE
    while start < total:
        lead, owned = min(start, 4.0), min(step, total - start)
        some = samples[round((start - lead) * RATE) : round((start + owned + 4) * RATE)]
        pieces.append((start, diarizer.diarize(some, lead, owned)))
        start += step
    assert np.abs(speaking(pieces) - speaking([(0.0, whole(diarizer, samples))])).mean() < 0.05


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 5000])
def test_hardly_any_sound_is_no_trouble(diarizer, samples):
    assert whole(diarizer, np.zeros(samples, np.int16)) == ()
    assert all(
        voice.turns[-1][1] <= 1000 * samples / RATE + 1
        for voice in whole(diarizer, sound((LOUD, 1))[:samples])
    )


def test_silence_has_no_voice_and_is_not_looked_at(tmp_path):
    diarizer = onnx_diarizer.load(str(voices.networks(tmp_path)))
    diarizer._segmentation = diarizer._embedding = None
    assert whole(diarizer, np.full(30 * RATE, 1234, np.int16)) == ()
    with pytest.raises(TypeError):
        whole(diarizer, sound((LOUD, 1)))


def test_equal_sound_gives_equal_voices_with_any_number_of_threads(tmp_path):
    folder = str(voices.networks(tmp_path))
    samples = sound(*[(QUIET, 3), (LOUD, 4), (BOTH, 1)] * 10)
    loaded = onnx_diarizer.load(folder)
    more = onnx_diarizer.OnnxDiarizer(loaded._segmentation, loaded._embedding, revision="", threads=5)
    assert whole(loaded, samples) == whole(loaded, samples) == whole(more, samples)


def test_its_revision_is_that_of_both_files(tmp_path):
    one, same = (onnx_diarizer.load(str(voices.networks(tmp_path / name))).revision for name in "ab")
    other = onnx_diarizer.load(str(voices.networks(tmp_path / "c", hub=True))).revision
    assert one == same != other


@pytest.mark.parametrize("name", ["segmentation.onnx", "embedding.onnx"])
def test_a_damaged_or_another_network_is_named_with_what_to_do(tmp_path, name):
    folder = voices.networks(tmp_path)
    (folder / name).write_bytes(b"no network")
    with pytest.raises(ModelUnavailable, match=rf"{name} cannot be used.*put another export into"):
        onnx_diarizer.load(str(folder))
    (folder / "segmentation.onnx").rename(folder / "other")
    (folder / "embedding.onnx").rename(folder / "segmentation.onnx")
    (folder / "other").rename(folder / "embedding.onnx")
    with pytest.raises(ModelUnavailable, match="cannot be used to tell speakers apart"):
        onnx_diarizer.load(str(folder))
