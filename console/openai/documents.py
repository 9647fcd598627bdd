"""A transcript in OpenAI's JSON formats and as text, made from its `transcript.json`. Pure.

The fields are those of `Transcription`, `TranscriptionVerbose` and `TranscriptionDiarized` in OpenAI's client, with
the texts as its service writes them: segments of `verbose_json` begin with a space, so that together they are the text.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from console.openai import languages
from shared.messages import described
from shared.results import Word  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.openai.form import Wanted

LEAST = 1e-10
"""The lowest probability that a logarithm is taken of."""
LETTERS = 26


class Segment(msgspec.Struct, kw_only=True):
    """A segment of `transcript.json`, times in seconds."""

    text: str
    start: float
    end: float
    first_word: int
    last_word: int
    speaker: int | None = None


class Transcript(msgspec.Struct, kw_only=True):
    """What is used of `transcript.json`."""

    duration: float
    language: str | None
    segments: list[Segment]
    words: list[Word]

    @property
    def text(self) -> str:
        """All words on one line."""
        return " ".join(one.text for one in self.segments)


def read(data: bytes) -> Transcript:
    """The transcript in a `transcript.json`.

    Raises:
        msgspec.ValidationError: it is not valid.
    """
    return msgspec.json.decode(data, type=described(Transcript))


def render(transcript: Transcript, wanted: Wanted) -> bytes:
    """The body of an answer in one of the formats `json`, `text`, `verbose_json` and `diarized_json`."""
    if wanted.format == "text":
        return f"{transcript.text}\n".encode()
    shape = {"verbose_json": _verbose, "diarized_json": _diarized}.get(wanted.format, _plain)
    return msgspec.json.encode(shape(transcript, wanted))


def diarized_segments(transcript: Transcript) -> list[dict[str, Any]]:
    """The segments of `diarized_json`, which a stream sends as events."""
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03d}",
            "start": one.start,
            "end": one.end,
            "text": one.text,
            "speaker": speaker_name(one.speaker or 1),
        }
        for number, one in enumerate(transcript.segments, start=1)
    ]


def speaker_name(number: int) -> str:
    """The name of a speaker by number, from 1: A, B, … Z, AA, AB and so on."""
    name = ""
    while number:
        number, letter = divmod(number - 1, LETTERS)
        name = chr(ord("A") + letter) + name
    return name


def logprobs(words: Sequence[Word]) -> list[dict[str, Any]]:
    """The probability of each word, as OpenAI gives those of tokens; together the tokens are the text."""
    texts = [one.text if not number else f" {one.text}" for number, one in enumerate(words)]
    return [
        {"token": text, "bytes": list(text.encode()), "logprob": _log(one.confidence)}
        for text, one in zip(texts, words, strict=True)
    ]


def _plain(transcript: Transcript, wanted: Wanted) -> dict[str, Any]:
    fields: dict[str, Any] = {"text": transcript.text}
    if wanted.logprobs:
        fields["logprobs"] = logprobs(transcript.words)
    return fields | detected(transcript, wanted) | {"usage": _usage(transcript)}


def detected(transcript: Transcript, wanted: Wanted) -> dict[str, Any]:
    """The languages, which OpenAI returns for one of its models only."""
    if wanted.model != "gpt-transcribe":
        return {}
    return {"languages": [{"code": transcript.language}] if transcript.language else []}


def _verbose(transcript: Transcript, wanted: Wanted) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "task": "transcribe",
        "language": languages.name_of(transcript.language),
        "duration": transcript.duration,
        "text": transcript.text,
    }
    if wanted.words:
        fields["words"] = [{"word": one.text, "start": one.start, "end": one.end} for one in transcript.words]
    if wanted.segments:
        fields["segments"] = [
            _segment(number, one, transcript.words) for number, one in enumerate(transcript.segments)
        ]
    return fields | {"usage": _usage(transcript)}


def _segment(number: int, one: Segment, words: Sequence[Word]) -> dict[str, Any]:
    text = f" {one.text}"
    heard = [word for word in words[one.first_word : one.last_word + 1] if word.speaker == one.speaker]
    return {
        "id": number,
        # Whisper counts in frames of 10 ms where the window begins that it heard this in.
        "seek": round(one.start * 100),
        "start": one.start,
        "end": one.end,
        "text": text,
        # Of Whisper's vocabulary, which our engines do not have.
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.fsum(_log(word.confidence) for word in heard) / max(1, len(heard)), 6),
        "compression_ratio": compression_ratio(text),
        "no_speech_prob": 0.0,
    }


def compression_ratio(text: str) -> float:
    """How often a text repeats itself, as Whisper measures it: bytes over compressed bytes."""
    data = text.encode()
    return round(len(data) / len(zlib.compress(data)), 6)


def _diarized(transcript: Transcript, wanted: Wanted) -> dict[str, Any]:  # noqa: ARG001 - as all formats
    return {
        "task": "transcribe",
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": diarized_segments(transcript),
        "usage": _usage(transcript),
    }


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": transcript.duration}


def _log(probability: float) -> float:
    return round(math.log(max(LEAST, min(1.0, probability))), 6)
