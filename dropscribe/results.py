"""Transcripts, as every way of asking gives them. All times are seconds from the start of the recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from dropscribe.errors import StoreUnavailable

State = Literal["ACCEPTED", "PLANNED", "DONE", "FAILED", "CANCELLED", "DELETED"]

DOCUMENT = "transcript.json"
"""The output file from which a transcript is read (docs/transcript.schema.json)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word."""

    text: str
    """As it was recognised, punctuation included."""
    start: float
    """Start."""
    end: float
    """End, never before `start`."""
    confidence: float
    """The engine's probability of the word, 0 to 1."""
    speaker: int | None = None
    """Number of who says it, from 1; None if speakers are not told apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Some words of one speaker in a row: a sentence, or a paragraph.

    Where people talk at once, those of others lie between its first and its last word.
    """

    text: str
    """Its words, joined by spaces."""
    start: float
    """Start of its first word."""
    end: float
    """Latest end of its words."""
    first_word: int
    """Index of its first word in `words`, from 0."""
    last_word: int
    """Index of its last word in `words`, included."""
    speaker: int | None = None
    """Number of who says it, from 1; None if speakers are not told apart."""
    language: str | None = None
    """BCP-47 code of the language of a sentence, where the weights know several and do not say which they heard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A stretch of the recording, and what transcribed it."""

    start: float
    """Start."""
    end: float
    """End."""
    engine: str
    """Name of the engine, as in `DROPSCRIBE_ENGINES`."""
    model: str
    """Name of the weights."""
    revision: str
    """Exact version of the weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """The transcript of one recording."""

    text: str
    """The whole text: the paragraphs, with an empty line between them. Empty where nothing was said."""
    words: tuple[Word, ...]
    """Every word in order."""
    segments: tuple[Segment, ...]
    """Sentences, or stretches between pauses where the weights write no punctuation."""
    paragraphs: tuple[Segment, ...]
    """Segments of one speaker up to a pause."""
    speakers: Mapping[int, str]
    """Names of speakers, by number; empty if none were given."""
    duration: float
    """Length of the audio as measured while decoding."""
    language: str | None
    """BCP-47 code; None if unknown."""
    method: str
    """The method of the engine, such as `parakeet`; `hybrid`: several engines shared the recording."""
    parts: tuple[Part, ...]
    """What transcribed which stretch, without gaps."""
    warnings: tuple[str, ...]
    """What a reader should know, a sentence each."""
    usd: float
    """What it cost, US dollars; what an earlier call paid included."""
    outputs: Mapping[str, str]
    """Where each output file is, by its name (`transcript.srt`): a path of this machine, `gs://…` or `https://…`."""
    recording: str
    """Key of the recording in its deployment: the same in the page, in logs and in the cost report."""
    source: str
    """URL of the audio: `file:///…` or `gs://…`."""

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that took part, in the order of their first part."""
        return tuple(dict.fromkeys(part.engine for part in self.parts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How far a job of a deployment is."""

    job: str
    """Its id, as `Client.submit` gave it."""
    state: State
    """`ACCEPTED`: it was asked for; `PLANNED`: it is at work; the others are ends."""
    source: str = ""
    """URL of the audio; empty while the deployment has not seen it."""
    recording: str = ""
    """Key of its recording; empty while there is none."""
    chunks: int = 0
    """Parts that the recording is transcribed in; 0 until it is known."""
    chunks_done: int = 0
    """Those that are done."""
    duration: float | None = None
    """Seconds of audio; None until it is known."""
    usd: float = 0.0
    """What it has cost so far, US dollars."""
    reason: str = ""
    """Why there is no transcript, or what it waits for."""
    code: str = ""
    """The same for programs, where the deployment says it."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Where each output file is, by its name; empty until it is done."""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state in {"DONE", "FAILED", "CANCELLED", "DELETED"}


def transcript_of(document: bytes, *, usd: float, outputs: Mapping[str, str]) -> Transcript:
    """A transcript from its document.

    Raises:
        StoreUnavailable: it is no such document.
    """
    try:
        found = msgspec.json.decode(document, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable(
            f"{DOCUMENT} cannot be read: {error}. If it happens again, delete the recording (`dropscribe forget`) and "
            "transcribe it again."
        ) from error
    return Transcript(
        text=found.text,
        words=found.words,
        segments=found.segments,
        paragraphs=tuple(
            Segment(
                text=" ".join(
                    word.text
                    for word in found.words[one.first_word : one.last_word + 1]
                    if word.speaker == one.speaker
                ),
                **{name: getattr(one, name) for name in one.__struct_fields__},
            )
            for one in found.paragraphs
        ),
        speakers={one.speaker: one.name for one in found.speakers},
        duration=found.duration,
        language=found.language,
        method=found.method,
        parts=found.parts,
        warnings=found.warnings,
        usd=usd,
        outputs=dict(outputs),
        recording=found.recording,
        source=found.source["uri"],
    )


class _Paragraph(msgspec.Struct, kw_only=True):
    start: float
    end: float
    first_word: int
    last_word: int
    speaker: int | None = None


class _Speaker(msgspec.Struct, kw_only=True):
    speaker: int
    name: str


class _Document(msgspec.Struct, kw_only=True):
    """What is read of the file; a newer version may have written more."""

    recording: str
    source: dict[str, Any]
    duration: float
    language: str | None
    method: str
    text: str
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]
    paragraphs: tuple[_Paragraph, ...]
    segments: tuple[Segment, ...]
    words: tuple[Word, ...]
    speakers: tuple[_Speaker, ...] = ()
