"""Phrases that NeMo's engine listens for."""

from __future__ import annotations

import numpy as np

from tests.gpu_job.speech.hearing import nemo_tests, same, text
from tests.speech import sentences, word_errors

pytestmark = nemo_tests()


def test_phrases_are_preferred_where_the_sound_leaves_a_choice(tiny):
    noise = np.random.default_rng(3)
    chosen = sentences()[:60]
    sounds = []
    for sentence in chosen:
        sound = sentence.samples / np.float32(32768)
        loudness = np.float32(0.5 * np.sqrt(np.mean(sound**2)))
        sounds.append(sound + noise.standard_normal(len(sound), dtype=np.float32) * loudness)
    wrong = right = 0
    for sentence, sound, words in zip(chosen, sounds, tiny.transcribe(sounds), strict=True):
        if text(words) != sentence.text:
            wrong += word_errors(sentence.text, text(words))[0]
            right += word_errors(sentence.text, text(tiny.transcribe([sound], [(sentence.text,)])[0]))[0]
    assert wrong > 3
    assert right <= wrong / 3


def test_phrases_leave_calls_without_them_as_they_are(tiny, speech, heard):
    windows, _ = speech
    tiny.transcribe(windows, [("zulu papa", "denver")] * len(windows))
    assert tiny.transcribe(windows) == heard


def test_a_phrase_that_the_vocabulary_cannot_spell_is_named_and_passed_over(tiny, speech, heard, caplog):
    windows, _ = speech
    assert tiny.transcribe(windows, [("Übergröße",)] * len(windows)) == heard
    assert "Übergröße" in caplog.text


def test_more_phrase_lists_than_are_kept_do_no_harm(tiny, speech, monkeypatch):
    monkeypatch.setattr("gpu_job.speech.nemo.phrase_trees.PHRASE_LISTS", 3)
    window = speech[0][0]
    for phrase in ("alpha", "bravo", "charlie", "delta", "echo", "alpha"):
        assert tiny.transcribe([window], [(phrase,)])[0]
    assert list(tiny._search.trees._numbers) == [("delta",), ("echo",), ("alpha",)]


def test_each_window_of_a_batch_has_its_own_phrases(tiny, monkeypatch):
    """More lists at one time than are kept, and windows without any among them."""
    monkeypatch.setattr("gpu_job.speech.nemo.phrase_trees.PHRASE_LISTS", 2)
    chosen = sentences()[:6]
    sounds = [sentence.samples / np.float32(32768) for sentence in chosen]
    lists = [(sentence.text,) if index % 3 else () for index, sentence in enumerate(chosen)]
    alone = [tiny.transcribe([sound], [list_])[0] for sound, list_ in zip(sounds, lists, strict=True)]
    same(tiny.transcribe(sounds, lists), alone)
