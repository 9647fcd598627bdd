from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.accuracy import mixtures
from bench.accuracy.mixtures import RATE, Mixer
from local.evaluation import clips

pytestmark = pytest.mark.slow


def sentence(seconds=2.0, pause=0.0, seed=0):
    """Noise with a pause in its middle."""
    random = np.random.default_rng(seed)
    sound = random.normal(0, mixtures.LOUDNESS, round(seconds * RATE))
    middle, half = len(sound) // 2, round(pause / 2 * RATE)
    sound[middle - half : middle + half] = 0
    return sound


SPOKEN = {name: [sentence(seed=seed) for seed in range(5)] for name in ("ann", "bob", "cleo")}


def test_each_says_so_many_sentences_and_nobody_two_in_a_row():
    clip = Mixer("talk", 1).talk(SPOKEN, ["ann", "bob"], 4).clip()
    names = [name for _, _, name in clip.turns]
    assert (sorted(names), clip.speakers) == (["ann"] * 4 + ["bob"] * 4, 2)
    assert all(one != other for one, other in itertools.pairwise(names))
    assert clip.samples.dtype == np.int16
    assert clip.turns[-1][1] <= clip.seconds


def test_the_reference_is_where_the_sound_is():
    clip = Mixer("talk", 1).talk(SPOKEN, ["ann"], 3).clip()
    spoken = np.zeros(len(clip.samples), dtype=bool)
    for start, end, _ in clip.turns:
        spoken[round(start * RATE) : round(end * RATE)] = True
    assert np.abs(clip.samples[~spoken]).max(initial=0) == 0
    assert np.square(clip.samples[spoken] / 32768).mean() ** 0.5 == pytest.approx(mixtures.LOUDNESS, rel=0.05)


def test_a_long_pause_ends_a_turn_and_a_short_one_does_not():
    assert len(mixtures.stretches(sentence(pause=0.2))) == 1
    assert len(mixtures.stretches(sentence(pause=0.6))) == 2


def test_turns_overlap_and_others_interject_where_that_is_asked_for():
    clip = Mixer("overlaps", 1, overlap=1.0).talk(SPOKEN, ["ann", "bob"], 3).clip()
    assert all(
        one[1] - other[0] == pytest.approx(1.0, abs=0.05)
        for one, other in zip(clip.turns[:-1], clip.turns[1:], strict=True)
    )
    long = {name: [sentence(5.0, seed=seed) for seed in range(5)] for name in SPOKEN}
    before = Mixer("short", 1).talk(long, ["ann", "bob"], 3)
    turns = len(before.clip().turns)
    after = before.interject(long, list(long)).clip()
    short = [end - start for start, end, _ in after.turns if end - start < 1]
    assert len(after.turns) == turns + len(short)
    assert len(short) == turns // 2
    assert all(0.35 < one < 0.85 for one in short)


def test_a_telephone_lets_the_middle_through():
    def tone(hertz):
        return np.sin(np.arange(RATE) * 2 * np.pi * hertz / RATE)

    assert np.abs(mixtures.telephone(tone(1000))).max() == pytest.approx(1.0, abs=0.01)
    assert np.abs(mixtures.telephone(tone(300))).max() == pytest.approx(2**-0.5, abs=0.01)
    assert np.abs(mixtures.telephone(tone(100))).max() == pytest.approx(3**-4, abs=0.01)
    assert np.abs(mixtures.telephone(tone(5000))).max() < 0.001


def test_every_mixture_has_its_people_and_the_same_seed_gives_the_same(monkeypatch):
    short = {f"speaker {number}": [sentence(0.5, seed=seed) for seed in range(10)] for number in range(10)}
    monkeypatch.setattr(mixtures, "AWAY", 1)
    found = list(mixtures.mixtures(short, 7))
    assert [one.speakers for one in found[:6]] == [2, 3, 4, 6, 8, 10]
    assert all(one.speakers == 4 for one in found[6:])
    assert len({one.name for one in found}) == len(found)
    away = next(one for one in found if "1 min" in one.name)
    times = [start for start, _, name in away.turns if name == "speaker 0"]
    assert max(np.diff(times)) > 60
    again = list(mixtures.mixtures(short, 7))
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(found, again, strict=True))


def test_sentences_are_found_by_folder_and_made_equally_loud(tmp_path):
    for name, count in (("ann", 5), ("bob", 4)):
        (tmp_path / name / "chapter").mkdir(parents=True)
        for number in range(count):
            samples = (sentence(0.3, seed=number) * (number + 1) * 32768).clip(-32768, 32767)
            clips.write(tmp_path / name / "chapter" / f"{number}.wav", samples.astype(np.int16))
    found = mixtures.people(tmp_path)
    assert [(name, len(one)) for name, one in found.items()] == [("ann", 5)]
    assert all(
        np.square(one).mean() ** 0.5 == pytest.approx(mixtures.LOUDNESS, rel=0.01) for one in found["ann"]
    )


def test_real_recordings_have_their_reference_beside_them(tmp_path):
    for name in ("news", "talk", "alone"):
        clips.write(tmp_path / f"{name}.wav", np.zeros(RATE, np.int16))
    (tmp_path / "news.rttm").write_text("SPEAKER news 1 0.50 1.25 <NA> <NA> ann <NA>\n")
    (tmp_path / "talk.segments").write_text("0\t6.3\tspeakerA\n\n6.3\t11.3\tspeakerB\n")
    news, talk = mixtures.real(tmp_path)
    assert (news.name, news.turns) == ("news", ((0.5, 1.75, "ann"),))
    assert talk.turns == ((0.0, 6.3, "speakerA"), (6.3, 11.3, "speakerB"))
