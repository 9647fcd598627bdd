"""What is in the bodies of the API. Times are seconds since 1970; positions in audio are whole milliseconds."""

from __future__ import annotations

from typing import Any

import msgspec


class RecordingSummary(msgspec.Struct, kw_only=True, frozen=True):
    """What every answer about a recording has."""

    id: str
    name: str
    uri: str
    state: str
    label: str
    created: float
    finished: float | None
    seconds: float | None
    method: str | None
    engines: list[str]
    usd: float
    chunks: int
    chunks_done: int
    held: bool
    trouble: bool
    reason: str
    language: str
    size: int


class RecordingItem(RecordingSummary, kw_only=True, frozen=True):
    """A recording in a list, with the number of its warnings."""

    warnings: int


class RecordingPage(msgspec.Struct, kw_only=True, frozen=True):
    """A page of a list."""

    recordings: list[RecordingItem]
    next: str | None


class Attempt(msgspec.Struct, kw_only=True, frozen=True):
    """A row of the ledger: one attempt of one engine on one chunk."""

    chunk: int | None
    """Its number in the plan, from 0; None: it was of an earlier plan, replaced when another engine took over."""
    engine: str
    started: float
    seconds: float
    usd: float
    outcome: str
    wasted: bool


class MethodEstimate(msgspec.Struct, kw_only=True, frozen=True):
    """A method that the router weighed."""

    method: str
    usd: float | None
    wait: float | None
    score: float | None
    why_not: str


class Download(msgspec.Struct, kw_only=True, frozen=True):
    """An output file."""

    format: str
    url: str
    bytes: int | None


class RevisionRow(msgspec.Struct, kw_only=True, frozen=True):
    """A correction."""

    number: int
    author: str
    created: float
    note: str


class Sound(msgspec.Struct, kw_only=True, frozen=True):
    """What a player plays."""

    url: str
    rendition: bool
    media_type: str
    seconds: float | None


class Detail(RecordingSummary, kw_only=True, frozen=True):
    """A recording with all that is known of it."""

    warnings: list[str]
    options: dict[str, Any]
    why: str
    considered: list[MethodEstimate]
    attempts: list[Attempt]
    downloads: list[Download]
    revisions: list[RevisionRow]
    audio: Sound | None
    peaks_url: str


class WordColumns(msgspec.Struct, kw_only=True, frozen=True):
    """Words, a list for each of their fields."""

    text: list[str]
    start: list[int]
    end: list[int]
    confidence: list[int]
    speaker: list[int | None]


class Words(msgspec.Struct, kw_only=True, frozen=True):
    """A transcript, or as much of it as there is."""

    complete: bool
    revision: int
    words: WordColumns
    """Paragraph after paragraph: where people talk at once, not in the order of time. Edits count in these."""
    paragraphs: list[int]
    """The first word of each."""
    gaps: list[tuple[int, int]]
    speakers: list[str]


class Peaks(msgspec.Struct, kw_only=True, frozen=True):
    """A waveform: one byte for each step, in Base64."""

    rate: int
    encoding: str
    peaks: str
    gaps: list[tuple[int, int]]


class EditBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Other words in the place of some."""

    first: int = msgspec.field(name="from")
    to: int
    text: str


class RevisionBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A correction of a revision that its author saw."""

    based_on: int
    edits: list[EditBody] = []
    speakers: dict[str, str] = {}
    note: str = ""


class RevisionNumber(msgspec.Struct, kw_only=True, frozen=True):
    """The number of a new revision."""

    number: int


class RetriesBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which recordings to try again."""

    ids: list[str] | None = None
    trouble: bool = False
    dry_run: bool = True


class Retries(msgspec.Struct, kw_only=True, frozen=True):
    """What trying them again means, or what was asked for."""

    count: int
    expected_usd: float
    unknown: int
    ids: list[str]
    left_out: dict[str, str]


class RequestBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A transcript of what is there already."""

    uri: str
    options: dict[str, Any] = {}


class UploadBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A file that is to come."""

    name: str
    size: int
    media_type: str = ""
    options: dict[str, Any] = {}


class Upload(msgspec.Struct, kw_only=True, frozen=True):
    """Where it goes: through this server, or to an address of Cloud Storage."""

    id: str
    upload_url: str
    method: str
    headers: dict[str, str]
    uri: str = ""


class QuoteBody(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A file that may come."""

    name: str
    size: int
    seconds: float | None = None
    options: dict[str, Any] = {}


class Quote(msgspec.Struct, kw_only=True, frozen=True):
    """Who would transcribe it, and for how much."""

    method: str
    sentence: str
    usd_low: float | None
    usd_high: float | None
    table: list[MethodEstimate]


class DeadLetter(msgspec.Struct, kw_only=True, frozen=True):
    """A message that could not be handled."""

    id: str
    topic: str
    reason: str
    published: float
    data_preview: str
    replayed: float | None
    why_not: str


class Workers(msgspec.Struct, kw_only=True, frozen=True):
    """Unavailable workers of a pool."""

    pool: str
    status: str
    reason: str


class Trouble(msgspec.Struct, kw_only=True, frozen=True):
    """What a person should look at."""

    failed: list[RecordingItem]
    dead_letters: list[DeadLetter]
    workers: list[Workers]


class Deleted(msgspec.Struct, kw_only=True, frozen=True):
    """What was deleted."""

    id: str
    state: str
    complete: bool


class DeadLetterOutcome(msgspec.Struct, kw_only=True, frozen=True):
    """What became of a dead letter."""

    id: str
    outcome: str


class Hit(msgspec.Struct, kw_only=True, frozen=True):
    """Where some words were said."""

    recording: str
    name: str
    start: int
    snippet: list[tuple[str, bool]]


class Hits(msgspec.Struct, kw_only=True, frozen=True):
    """A page of them."""

    hits: list[Hit]
    next: str | None


class EngineInfo(msgspec.Struct, kw_only=True, frozen=True):
    """An engine of the deployment."""

    name: str
    label: str
    hosted: bool


class FormatRow(msgspec.Struct, kw_only=True, frozen=True):
    """An output format. Files of formats that were not asked for are written when they are loaded."""

    name: str
    label: str
    suffix: str
    media_type: str


class About(msgspec.Struct, kw_only=True, frozen=True):
    """The deployment."""

    version: str
    platform: str
    engines: list[EngineInfo]
    method: str
    model: str
    formats: list[FormatRow]
    options: dict[str, Any]
    can_upload: bool
    largest_upload: int | None
    inbox: str
    labels: list[str]


class ErrorText(msgspec.Struct, kw_only=True, frozen=True):
    """What is wrong."""

    code: str
    message: str


class ErrorBody(msgspec.Struct, kw_only=True, frozen=True):
    """An answer that is an error."""

    error: ErrorText
