"""What travels between the steps, and the border where bytes become records.

    topic               from → to                     message
    audio-finalized     bucket → router               a Cloud Storage object (Eventarc's payload)
    chunks-gpu          router → gpu_job              ChunkMessage
    chunks-deepgram     router → functions/deepgram   ChunkMessage
    chunks-done         worker → merger               ChunkDone
    transcripts-ready   merger → whoever listens      TranscriptReady
    dead-letters        any → a person                the message that failed too often

Everything is JSON. Encoding is `msgspec`: typed, fast, and its errors name the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from shared.errors import BadRequest
from shared.model import AudioInfo, Chunk, Options, StoredObject

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIO_FINALIZED = "audio-finalized"
CHUNKS_GPU = "chunks-gpu"
CHUNKS_DEEPGRAM = "chunks-deepgram"
CHUNKS_DONE = "chunks-done"
TRANSCRIPTS_READY = "transcripts-ready"
DEAD_LETTERS = "dead-letters"

FINALIZED_EVENT = "google.cloud.storage.object.v1.finalized"
PUBLISHED_EVENT = "google.cloud.pubsub.topic.v1.messagePublished"

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkMessage:
    """Transcribe this chunk."""

    recording: str
    """Key of the recording."""
    source: StoredObject
    """Where the audio is."""
    options: Options
    """What the caller asked for: the track matters to the decoder."""
    audio: AudioInfo
    """What the probe learned: the decoder need not look again."""
    chunk: Chunk
    """Which stretch of it."""
    model: str
    """Weights to use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkDone:
    """A chunk's result is durable."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptReady:
    """A recording has ended, well or not."""

    recording: str
    """Key of the recording."""
    source: str
    """URI of the audio."""
    state: Literal["DONE", "FAILED"]
    """How it ended."""
    outputs: tuple[str, ...]
    """URIs of the output files."""
    reason: str
    """Why it failed, empty otherwise."""
    duration: float | None
    """Seconds of audio."""
    method: str | None
    """Who transcribed it."""
    usd: float
    """What it cost, US dollars."""


def encode(record: object) -> bytes:
    """A record as JSON."""
    return msgspec.json.encode(record)


def decode(data: bytes, kind: type[Record]) -> Record:
    """JSON as a record.

    Raises:
        BadRequest: names the first field that is wrong.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"not a {kind.__name__}: {error}") from error


def to_fields(record: object) -> dict[str, Any]:
    """A record as a document of JSON values."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return fields


def from_fields(fields: Mapping[str, Any], kind: type[Record]) -> Record:
    """A document as a record. Raises BadRequest where it does not fit."""
    try:
        return msgspec.convert(fields, type=kind)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"not a {kind.__name__}: {error}") from error


def object_from_event(data: Mapping[str, Any]) -> StoredObject:
    """The object of a `storage.object.v1.finalized` event; its int64 fields arrive as strings.

    Raises:
        BadRequest: names the field that is missing or wrong.
    """
    try:
        return StoredObject(
            bucket=str(data["bucket"]),
            name=str(data["name"]),
            generation=int(data["generation"]),
            size=int(data.get("size", 0)),
            content_type=str(data.get("contentType") or "application/octet-stream"),
            metadata={str(k): str(v) for k, v in (data.get("metadata") or {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRequest(f"not a Cloud Storage object: {error!r}") from error


def options_from_metadata(metadata: Mapping[str, str]) -> Options:
    """Options that an upload carries as custom metadata, as `dropscribe-method: parakeet`.

    Raises:
        BadRequest: names the option that is wrong.
    """
    chosen = {
        key.removeprefix("dropscribe-"): value
        for key, value in metadata.items()
        if key.startswith("dropscribe-")
    }
    try:
        return msgspec.convert(chosen, type=Options, strict=False)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"the upload's dropscribe-… metadata is wrong: {error}") from error
