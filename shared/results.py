"""What comes out of a recording: words, results of chunks, the transcript, and what it all cost.

Like `shared/model.py`: frozen records, every field with its unit, all times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.model import Decision, Engine, StoredObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One recognised word."""

    text: str
    """As the engine wrote it, punctuation included, without spaces."""
    start: float
    """Start."""
    end: float
    """End, never before `start`."""
    confidence: float
    """Probability of the word by the engine, 0 to 1."""
    speaker: int | None = None
    """Who said it, from 1 in the order in which they first speak; None if nobody tells speakers apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkResult:
    """What an engine heard in one chunk. Times count from the chunk's nominal start."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""
    engine: Engine
    """Who transcribed it."""
    attempt: str
    """Which attempt this is: its ledger row was used, those of other attempts were wasted."""
    model: str
    """Weights used."""
    revision: str
    """Exact version of the weights."""
    words: tuple[Word, ...]
    """In order; from -lead to owned + tail."""
    lead: float
    """Seconds of audio decoded before the nominal start."""
    owned: float
    """Seconds of audio between the chunk's own bounds, as measured while decoding."""
    decoded: float
    """Seconds of audio decoded, overlap included."""
    language: str | None = None
    """BCP-47 code where the engine knows it."""
    warnings: tuple[str, ...] = ()
    """What its owner should know, e.g. where a truncated file stops."""

    @property
    def tail(self) -> float:
        """Seconds of audio decoded after the nominal end."""
        return max(0.0, self.decoded - self.lead - self.owned)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What somebody else's engine answered. Times count from the start of what it was given."""

    words: tuple[Word, ...]
    """In order; starts never decrease."""
    seconds: float
    """Seconds of audio as the engine measured them: what it charges for."""
    request_id: str
    """The engine's own name for the call."""
    model: str
    """Weights used."""
    revision: str
    """Exact version of the weights, empty if it does not say."""
    language: str | None
    """BCP-47 code that was asked for, or that the engine found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A stretch of the transcript and who transcribed it."""

    start: float
    """Start."""
    end: float
    """End."""
    engine: Engine
    """Who transcribed it."""
    model: str
    """Weights used."""
    revision: str
    """Exact version of the weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """The merged result, from which every output file is written."""

    recording: str
    """Key of the recording."""
    source: StoredObject
    """What was transcribed."""
    duration: float
    """Seconds of audio, as measured while decoding."""
    language: str | None
    """BCP-47 code, None if unknown."""
    decision: Decision
    """Method and its reason."""
    parts: tuple[Part, ...]
    """Who transcribed what, without gaps, in order."""
    words: tuple[Word, ...]
    """All words, in order of the audio."""
    warnings: tuple[str, ...] = ()
    """What the owner should know about this transcript."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRow:
    """What one attempt of one engine on one chunk cost."""

    recording: str
    """Key of the recording."""
    chunk: int
    """Index of the chunk."""
    engine: Engine
    """Who was paid."""
    attempt: str
    """Which delivery of which message it was: another delivery is another attempt."""
    audio_seconds: float
    """Audio decoded for it, overlap included."""
    busy_seconds: float
    """Wall time of the engine, shared out by audio seconds where a batch held several chunks."""
    usd: float
    """Price of it, US dollars."""
    prices: str
    """Version of the price table it was priced with."""
    billed_seconds: float | None = None
    """Seconds that somebody else's engine charges for; None if the engine is ours."""
    request_id: str = ""
    """That engine's own name for the call, to find it on the bill; empty if there is none."""
    outcome: Literal["heard", "failed", "lost"] = "heard"
    """`failed`: it ended without words; `lost`: its answer was lost or of no use, and it may charge for it all
    the same. Which of several `heard` ones was used, and which were wasted, the chunk's document says."""
    minute: int = 0
    """When it ended, whole minutes since 1970: what a sweep looks rows up by. 0 if nobody noted it."""
    kind: Literal["attempt", "execution"] = "attempt"
    """`execution`: the start-up and idle time of a worker, which belongs to no recording."""
    owned_seconds: float = 0.0
    """Audio of the chunk itself, without overlap; 0 if nothing was heard."""
    time: float = 0.0
    """When it was written, seconds since 1970."""
    day: str = ""
    """The same as a date in UTC, 2026-11-20."""
    label: str = ""
    """The label that the recording carries, for reports."""
    prefix: str = ""
    """Folder of the recording in its bucket, for reports."""
    worker: str = ""
    """Execution and task of the job in which the engine ran: `dropscribe-gpu-x7k2p.0`; empty elsewhere."""
