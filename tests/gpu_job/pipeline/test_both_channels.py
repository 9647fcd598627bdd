"""Two channels of a chunk that are recognised one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gpu_job import loading
from gpu_job.pipeline import both_channels, chunk_result
from shared.audio import Pcm
from shared.audio.channel_levels import LevelMeter
from shared.model import Options
from shared.results import Word
from shared.settings import Settings
from tests.gpu_job.pipeline.test_chunk_job import MESSAGE, job
from tests.speech import SAMPLE_RATE as RATE
from tests.speech import sentences


def levels(*stretches):
    """Seconds, and how loud both channels are in half decibels below full scale."""
    return b"".join(bytes(both) * round(50 * seconds) for seconds, *both in stretches)


def word(text, start, end):
    return Word(text=text, start=start, end=end, confidence=1.0)


def own(left, right, of, start=0.0):
    found, channel = both_channels.own((left, right), of, start)
    return [(one.text, which) for one, which in zip(found, channel, strict=True)]


TURNS = levels((5, 40, 120), (5, 120, 40))
LOUD = (np.arange(32_000) % 2 * 2000 - 1000).astype(np.int16).tobytes()


def test_both_channels_are_recognised_where_they_differ():
    silent = bytes(len(LOUD))
    pcm = Pcm(samples=LOUD, start=0.0, owned=2.0, levels=TURNS, sound=(LOUD, silent))
    assert both_channels.tracks(pcm) == (LOUD, silent)
    windows, of = both_channels.cut((LOUD, LOUD))
    assert of == (0,) * (len(windows) // 2) + (1,) * (len(windows) // 2)
    windows, of = both_channels.cut((silent, LOUD))
    assert set(of) == {1}, "silence takes no time of the engine"


@pytest.mark.parametrize("channels", [levels((9, 40, 40)), levels((9, 40, 60)), b""])
def test_the_mix_is_recognised_where_they_do_not(channels):
    pcm = Pcm(samples=LOUD, start=0.0, owned=2.0, levels=channels, sound=(LOUD, LOUD))
    assert both_channels.tracks(pcm) == (LOUD,)
    assert both_channels.cut((LOUD,))[1] == ()
    assert both_channels.tracks(Pcm(samples=LOUD, start=0.0, owned=2.0, levels=TURNS)) == (LOUD,)


def test_words_of_both_channels_are_in_the_order_of_time():
    left, right = (word("one", 1, 1.5), word("two", 2, 2.5)), (word("three", 6, 6.5),)
    assert own(left, right, TURNS) == [("one", 0), ("two", 0), ("three", 1)]
    assert own((), (), TURNS) == []
    assert own(left, (), b"") == [("one", 0), ("two", 0)]


def test_both_are_heard_where_they_speak_at_once():
    of = levels((4, 40, 120), (2, 40, 50), (4, 120, 40))
    left, right = (word("one", 4.2, 4.6), word("two", 5, 5.4)), (word("three", 4.3, 4.8),)
    assert own(left, right, of) == [("one", 0), ("three", 1), ("two", 0)]


def test_what_leaks_from_the_other_channel_is_not_its_own():
    # Crosstalk of -12 dB, and in the middle both speak.
    of = levels((4, 40, 64), (2, 40, 46), (4, 64, 40))
    left = (word("one", 1, 1.4), word("two", 4.5, 4.9), word("tree", 8, 8.4))
    right = (word("won", 1, 1.4), word("well", 4.6, 5.0), word("three", 8, 8.4))
    assert own(left, right, of) == [("one", 0), ("two", 0), ("well", 1), ("three", 1)]


def test_one_word_on_both_channels_is_that_of_the_louder_one():
    # Two microphones in a room: nobody leads by much.
    of = levels((4, 40, 48), (4, 48, 40), (1, 40, 100))
    said = (word("Yes,", 1, 1.4), word("right", 5, 5.4))
    heard = (word("yes", 1.05, 1.4), word("Right.", 5.1, 5.4))
    assert own(said, heard, of) == [("Yes,", 0), ("Right.", 1)]
    apart = (word("yes", 2.0, 2.4), word("right", 7, 7.4))
    assert own(said, apart, of) == [("Yes,", 0), ("yes", 1), ("right", 0), ("right", 1)]


def test_levels_begin_before_the_chunk_where_its_samples_do():
    of = levels((1, 40, 120), (2, 64, 40), (2, 40, 64))
    assert own((word("early", -0.8, -0.4),), (word("late", 0.5, 0.9),), of, start=-1.0) == [
        ("early", 0), ("late", 1)
    ]  # fmt: skip


def test_two_people_who_speak_at_once_are_both_heard():
    first, second = sentences()[2:4]
    length = max(len(first.samples), len(second.samples)) + RATE
    sound = np.zeros((2, length), np.int16)
    sound[0, : len(first.samples)] = first.samples
    sound[1, RATE // 2 : RATE // 2 + len(second.samples)] = second.samples
    took = LevelMeter(sound=True)
    mix = took.take(np.stack([sound.sum(axis=0) // 2, *sound], axis=1).astype(np.int16).tobytes())
    pcm = Pcm(samples=mix, start=0.0, owned=length / RATE, levels=took.finish(), sound=took.sound)
    windows, of = both_channels.cut(both_channels.tracks(pcm))
    message = replace(MESSAGE, model="tiny", options=Options(channels="apart"))
    one = replace(job(), message=message, pcm=pcm, windows=windows, channels=of)
    engine = loading.load(Settings(cpu_threads=1), "tiny", warm=False)
    heard = engine.transcribe([one.samples(index) for index in range(len(windows))])
    one.words.update(enumerate(heard))
    found = chunk_result.chunk_result(one, engine)
    for channel, spoken in enumerate((first, second)):
        own = " ".join(
            word.text for word, which in zip(found.words, found.word_sides, strict=True) if which == channel
        )
        assert own == spoken.text
