"""A Deepgram that hears two people."""

from __future__ import annotations

from tests.deepgram_server import word

SAID = ((0, "Good morning."), (1, "Hello."), (0, "The order is late."))


def heard(_body):
    """Words with the speakers that Deepgram numbers from 0."""
    words, at = [], 0.5
    for speaker, sentence in SAID:
        for one in sentence.split():
            words.append(word(one, at, at + 0.4, speaker=speaker, speaker_confidence=0.9))
            at += 0.5
    return words
