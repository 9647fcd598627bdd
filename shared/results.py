"""The results of a recording: words, chunk results, the transcript, and the cost.

Like `shared/model.py`: frozen records, every field with its unit, all times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.model import Decision, Engine, StoredObject

PEAK_RATE = 10
"""Peaks of a waveform in a second."""
LEVEL_RATE = 50
"""Levels of both channels in a second."""


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
    """The engine's probability of the word, 0 to 1."""
    speaker: int | None = None
    """Number of its speaker, from 1 in the order of their first words; None if speakers are not told apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """One speaker as a window of a chunk tells it from the others in that window; whose voice it is, is found later."""

    window: int
    """Index of the window in its chunk: voices of one window are rather those of different people."""
    turns: tuple[tuple[int, int], ...]
    """When it speaks within what the window answers for: start and end, milliseconds from the chunk's nominal start."""
    clean: float
    """Seconds of it alone, from which the embedding was made; 0 without one."""
    embedding: bytes = field(default=b"", repr=False)
    """192 numbers, little-endian float16, of length 1: cosines of them say how alike two voices are. Empty if there was
    too little of it alone. Biometric: it stays in the result of its chunk, and never gets into outputs or logs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkResult:
    """An engine's result for one chunk. Times count from the chunk's nominal start."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""
    engine: Engine
    """The engine that transcribed it."""
    attempt: str
    """Name of the attempt: its ledger row counts as used, those of other attempts as wasted."""
    model: str
    """Weights used."""
    revision: str
    """Exact version of the weights."""
    words: tuple[Word, ...]
    """The words in order, with times from -lead to owned + tail."""
    lead: float
    """Seconds of audio decoded before the nominal start."""
    owned: float
    """Seconds of audio between the chunk's own bounds, as measured while decoding."""
    decoded: float
    """Seconds of audio decoded, overlap included."""
    language: str | None = None
    """BCP-47 code if the engine reports it."""
    warnings: tuple[str, ...] = ()
    """Warnings for the owner, e.g. where a truncated file stops."""
    peaks: bytes = b""
    """How loud each tenth of a second of `owned` is, 0 to 255; empty if it was not decoded here, or by an older version."""
    sides: bytes = b""
    """How loud both channels are in each fiftieth of a second of `owned`: two bytes, left and right, half decibels below
    full scale. Empty if the options do not ask for channels, or if the recording has not two of them."""
    word_sides: bytes = b""
    """The channel of each word, a byte of 0 or 1, where both were recognised one by one; empty where their mix was."""
    voices: tuple[Voice, ...] = ()
    """Who speaks in `owned`, window by window; empty if nobody does, or if it was not diarized."""
    voice_revision: str = ""
    """Exact versions of the networks that found the voices, silent chunks included; empty if it was not diarized."""

    @property
    def tail(self) -> float:
        """Seconds of audio decoded after the nominal end."""
        return max(0.0, self.decoded - self.lead - self.owned)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """The answer of a hosted engine. Times count from the start of the audio that it was given."""

    words: tuple[Word, ...]
    """The words in order; starts never decrease."""
    seconds: float
    """Seconds of audio as measured by the engine, which it charges for."""
    request_id: str
    """The engine's id for the call."""
    model: str
    """Weights used."""
    revision: str
    """Exact version of the weights, empty if it does not say."""
    language: str | None
    """BCP-47 code that was asked for, or that the engine detected."""
    sent_bytes: int | None = None
    """Bytes of audio that were sent to it; None if it read the recording from an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A stretch of the transcript and the engine that transcribed it."""

    start: float
    """Start."""
    end: float
    """End."""
    engine: Engine
    """The engine."""
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
    """The upload."""
    duration: float
    """Seconds of audio, as measured while decoding."""
    language: str | None
    """BCP-47 code, None if unknown."""
    decision: Decision
    """Method and its reason."""
    parts: tuple[Part, ...]
    """Which engine transcribed what, without gaps, in order."""
    words: tuple[Word, ...]
    """All words, in the order of the audio."""
    warnings: tuple[str, ...] = ()
    """Warnings for the owner about this transcript."""
    speakers: Mapping[int, str] = field(default_factory=dict)
    """Names that a person gave to speakers, by their numbers."""
    revision: int = 0
    """Number of the correction that it is; 0: as the engines wrote it."""
    title: str | None = None
    """What people call the recording where its object is named otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRow:
    """What one attempt of one engine on one chunk cost."""

    recording: str
    """Key of the recording."""
    chunk: int
    """Index of the chunk."""
    engine: Engine
    attempt: str
    """Name of the attempt: its number if the row was written before the engine began, else a name of its own."""
    audio_seconds: float
    """Seconds of audio decoded for it, overlap included."""
    busy_seconds: float
    """Wall time of the engine; for a batch of several chunks, its share by audio seconds."""
    usd: float
    """Its price, US dollars, `egress_usd` included."""
    prices: str
    """Version of the price table that it was priced with."""
    billed_seconds: float | None = None
    """Seconds that are charged for: those of a hosted engine, or of an execution; None for an engine of ours."""
    egress_usd: float = 0.0
    """What Google charges for sending the audio to the hosted engine, US dollars."""
    request_id: str = ""
    """The hosted engine's id for the call, to find it on the bill; empty if there is none."""
    outcome: Literal["open", "heard", "failed", "lost"] = "heard"
    """`open`: it has not ended, and has the price that is expected; `failed`: it ended without words; `lost`: its
    answer was lost or unusable, and may be charged for anyway. An open row past its `until` counts as lost. The
    chunk's document says which of several `heard` rows was used; the others were wasted."""
    until: float = 0.0
    """How long its process may be at work on the chunk, its result included, seconds since 1970; 0: not any more."""
    process: str = ""
    """The process that works on it, on one machine, where others see whether it is alive."""
    life: int = 0
    """That of its recording: what an engine did in an earlier one says nothing about this one."""
    minute: int = 0
    """When it was last written, whole minutes since 1970, for queries of the sweep; 0 if it is not known."""
    kind: Literal["attempt", "execution"] = "attempt"
    """`execution`: the start-up and idle time of a worker, which belongs to no recording."""
    owned_seconds: float = 0.0
    """Seconds of audio of the chunk itself, without overlap; 0 if nothing was heard."""
    time: float = 0.0
    """When it was last written, seconds since 1970."""
    day: str = ""
    """The same as a date in UTC, 2026-11-20."""
    label: str = ""
    """Label of the recording, for reports."""
    prefix: str = ""
    """Folder of the recording in its bucket, for reports."""
    release: str = ""
    """The release of the process that wrote it last; empty if that is not named."""
    worker: str = ""
    """Execution and task of the job in which the engine ran: `dropscribe-gpu-x7k2p.0`; empty elsewhere."""
    wasted: bool = False
    """It was heard and not used. Set once the recording is deleted; before that, its documents tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Audio that a provider counted."""

    day: str
    """UTC date."""
    tag: str
    """Tag of the call: key of its chunk."""
    seconds: float
    """Seconds of audio."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a provider says."""

    usd: Mapping[str, float] = field(default_factory=dict)
    """US dollars by UTC date; a day that is missing cost nothing."""
    counted: tuple[Counted, ...] = ()
    """Audio by call, if it tells."""
