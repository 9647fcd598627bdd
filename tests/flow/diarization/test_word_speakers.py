"""Who speaks each word."""

from __future__ import annotations

import random

from shared.flow.diarization import Turn, speakers_of, word_speakers
from shared.results import Word


def word(start, end):
    return Word(text="w", start=start, end=end, confidence=1.0)


def test_a_word_belongs_to_whom_it_overlaps_most():
    turns = (Turn(0, 1000, 1), Turn(1000, 3000, 2))
    assert speakers_of([word(0.1, 0.5), word(0.8, 1.1), word(0.9, 1.3)], turns) == [1, 1, 2]


def test_overlap_with_several_turns_of_one_person_counts_together():
    turns = (Turn(0, 400, 1), Turn(400, 1000, 2), Turn(1000, 1500, 1))
    assert speakers_of([word(0.0, 1.5)], turns) == [1]


def test_of_equal_overlaps_the_speaker_before_goes_on():
    turns = (Turn(0, 5000, 1), Turn(2000, 9000, 2))
    both = word(3.0, 3.5)
    assert speakers_of([word(0.5, 1.0), both], turns) == [1, 1]
    assert speakers_of([word(6.0, 6.5), both], turns) == [2, 2]
    assert speakers_of([both], turns) == [1]


def test_a_word_that_nobody_speaks_belongs_to_the_nearest_turn():
    turns = (Turn(1000, 2000, 1), Turn(6000, 7000, 2))
    said = [word(0.0, 0.4), word(2.5, 3.0), word(5.0, 5.5), word(60.0, 61.0)]
    assert speakers_of(said, turns) == [1, 1, 2, 2]


def test_a_word_as_near_to_both_stays_with_the_speaker_before():
    turns = (Turn(1000, 2000, 2), Turn(3000, 4000, 1))
    assert speakers_of([word(3.2, 3.6), word(2.4, 2.6)], turns) == [1, 1]
    assert speakers_of([word(1.2, 1.6), word(2.4, 2.6)], turns) == [2, 2]


def test_words_without_length_have_a_speaker():
    assert speakers_of([word(1.5, 1.5)], (Turn(0, 1000, 1), Turn(1200, 2000, 2))) == [2]


def test_no_words_need_no_speaker():
    assert speakers_of([], (Turn(0, 1000, 1),)) == []


def test_many_words_and_turns_are_as_by_definition(monkeypatch):
    monkeypatch.setattr(word_speakers, "TOGETHER", 100)
    chance = random.Random(1)
    turns = []
    for speaker in (1, 2, 3):
        at = 0
        while at < 250_000:
            at += chance.randint(100, 9000)
            end = at + chance.randint(100, 8000)
            turns.append(Turn(at, end, speaker))
            at = end
    turns.sort()
    said = [word(at * 0.4, at * 0.4 + 0.4) for at in range(610)]
    expected = []
    for one in said:
        start, end = round(1000 * one.start), round(1000 * one.end)
        overlap = dict.fromkeys((1, 2, 3), 0)
        away = dict.fromkeys((1, 2, 3), 10**9)
        for turn in turns:
            overlap[turn.speaker] += max(0, min(end, turn.end) - max(start, turn.start))
            gap = max(turn.start - end, start - turn.end)
            away[turn.speaker] = min(away[turn.speaker], max(0, gap))
        near = {speaker: overlap[speaker] or -away[speaker] for speaker in (1, 2, 3)}
        best = [speaker for speaker in (1, 2, 3) if near[speaker] == max(near.values())]
        expected.append(expected[-1] if expected and expected[-1] in best else best[0])
    assert speakers_of(said, tuple(turns)) == expected
