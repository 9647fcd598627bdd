"""The words of a recording as events, as its chunks finish: `transcript.text.delta`, then `transcript.text.done`.

Concatenated, the deltas are the text of the last event. If that is impossible, because a result was lost and transcribed
again differently, no more deltas are sent, and the last event has the whole text as always.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from console.openai import documents
from shared.flow.reading import live

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from console.openai.documents import Transcript
    from console.openai.form import Wanted
    from shared.model import Recording
    from shared.results import ChunkResult

MARGIN = 1.0
"""Seconds by which a missing chunk may begin earlier than planned: decoders begin at a packet."""


def certain(recording: Recording, results: Mapping[int, ChunkResult]) -> str:
    """The beginning of a transcript's text that no chunk that is still to come can change.

    It has a plan; the results are those of the chunks that are done, by index.
    """
    known = live.words(recording, results)
    until = known.gaps[0][0] - MARGIN if known.gaps else float("inf")
    return " ".join(word.text for word in takewhile(lambda one: one.end <= until, known.words))


class Deltas:
    """The text that was sent, and what is to be sent next."""

    def __init__(self) -> None:
        self._sent = ""

    def next(self, text: str) -> str:
        """What to send of a text of which the beginning was sent; empty if it begins otherwise, or nothing is new."""
        if not text.startswith(self._sent):
            return ""
        new = text[len(self._sent) :]
        self._sent = text
        return new


def delta(text: str) -> dict[str, Any]:
    """The event for more text."""
    return {"type": "transcript.text.delta", "delta": text}


def ending(transcript: Transcript, wanted: Wanted, deltas: Deltas) -> Iterator[dict[str, Any]]:
    """The events for a complete transcript: the rest of its text, its segments if they have speakers, the whole text."""
    if rest := deltas.next(transcript.text):
        yield delta(rest)
    if wanted.format == "diarized_json":
        yield from documents.diarized_segments(transcript)
    done: dict[str, Any] = {"type": "transcript.text.done", "text": transcript.text}
    if wanted.logprobs:
        done["logprobs"] = documents.logprobs(transcript.words)
    yield done | documents.detected(transcript, wanted)
