"""The messages between the steps, and the conversion between bytes and records.

    topic               from → to                     message
    audio-finalized     bucket → router               a Cloud Storage object (Eventarc's payload)
    chunks-…            router → gpu_job, hosted      ChunkMessage (a topic for each engine: `shared/engines.py`)
    chunks-done         worker → merger               ChunkDone
    transcribe-requests other services → router       TranscribeRequest
    transcripts-ready   merger → any subscriber       TranscriptReady
    dead-letters        any → sweeper                 the message that failed too often
    budget-alerts       sweeper → any subscriber      BudgetAlert

All messages are JSON, encoded with `msgspec`: typed, fast, and its errors name the field.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

import msgspec

from shared import engines, formats, versions
from shared.errors import BadRequest
from shared.model import AudioInfo, Chunk, Options, StoredObject, Tried

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIO_FINALIZED = "audio-finalized"
CHUNKS_DONE = "chunks-done"
TRANSCRIBE_REQUESTS = "transcribe-requests"
TRANSCRIPTS_READY = "transcripts-ready"
DEAD_LETTERS = "dead-letters"
BUDGET_ALERTS = "budget-alerts"

FINALIZED_EVENT = "google.cloud.storage.object.v1.finalized"
PUBLISHED_EVENT = "google.cloud.pubsub.topic.v1.messagePublished"

DEEPEST = 32
"""Brackets around anything in a message, at most."""

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)

Record = TypeVar("Record")

UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding raises for data that are not what they should be; the second for brackets nested a thousand deep, the
third for text that is not UTF-8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkMessage:
    """Transcribe this chunk."""

    recording: str
    """Key of the recording."""
    source: StoredObject
    """The audio object."""
    options: Options
    """What the caller asked for, e.g. the track for the decoder."""
    audio: AudioInfo
    """What the probe found, so that the decoder need not probe again."""
    chunk: Chunk
    """The stretch to transcribe."""
    model: str
    """Weights of our engines; for a hosted engine, those of the other parts of the recording as it was planned."""
    hosted_model: str = ""
    """Weights of a hosted engine, by the provider's name; empty for ours, and in messages from before this field."""
    turn: int = 0
    """How often the chunk was handed over; a message of an earlier turn than its claim's is void."""
    tried: tuple[Tried, ...] = ()
    """The engines that gave it up before."""
    life: int = 0
    """That of its recording when it was published; a message of an earlier life is void."""
    again: int = 0
    """How often it was published again because its deliveries ran out without enough failures of an engine."""
    planned: float = 0.0
    """When its recording was planned, or planned again because results were gone, seconds since 1970: work on an
    earlier message says nothing about a later one. 0 in messages from before this field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkDone:
    """A chunk's result is durable."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribeRequest:
    """Another service asks for a transcript, see `docs/requests.md`."""

    uri: str
    """`gs://bucket/name`, not percent-encoded; on one machine `file:///path` as well."""
    request_id: str
    """Chosen by the caller: one request, one answer, however often either is delivered."""
    options: Options | None = None
    """None: those of the upload, from its metadata when it was first seen."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Returned with the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptReady:
    """A recording has ended, with a transcript or without; or a request was refused."""

    recording: str
    """Key of the recording; empty if there is none for a request."""
    source: str
    """URI of the audio."""
    state: Literal["DONE", "FAILED", "CANCELLED"]
    """How it ended."""
    outputs: tuple[str, ...]
    """URIs of the output files."""
    reason: str
    """Why there is no transcript, empty if there is one."""
    code: str = ""
    """The same as a short code, empty if there is a transcript."""
    duration: float | None
    """Seconds of audio."""
    method: str | None
    """The method that was used; None if none was chosen."""
    usd: float
    """What it cost, US dollars."""
    request_id: str | None = None
    """The request that this answers; None for the announcement of every recording."""
    metadata: dict[str, str] = field(default_factory=dict)
    """As in the request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetAlert:
    """A share of a budget is reached. Each share is published once per day or month."""

    period: Literal["day", "month"]
    """Which budget."""
    which: str
    """The day, 2026-11-20, or the month, 2026-11, in UTC."""
    percent: int
    """50, 80 or 100."""
    limit_usd: float
    """The budget, US dollars."""
    spent_usd: float
    """Sum of the ledger rows, US dollars."""
    committed_usd: float
    """Estimates of recordings in progress, or that have ended within the last minute, US dollars."""
    forecast_usd: float | None
    """Cost of the month at its end, US dollars; None for a day, or if nothing was spent before today."""
    held: bool
    """True if recordings are held because they do not fit into the budget."""


_RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Metadata = Annotated[
    dict[
        Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)", max_length=64)],
        Annotated[str, msgspec.Meta(max_length=256)],
    ],
    msgspec.Meta(max_length=32),
]


_Channels = Literal["mix", "auto", "apart"]
CHANNELS = get_args(_Channels)
"""What may be said of the two channels of a recording; `mix` says nothing."""

_Speakers = Annotated[float, msgspec.Meta(ge=1, le=50, multiple_of=1)]


class _WireOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Options as others give them; `docs/request.schema.json` is made from this."""

    method: str = engines.AUTO
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    language: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)")] | None = None
    # A number without a fraction, as JSON Schema understands integers: 1.0 is one.
    track: Annotated[float, msgspec.Meta(ge=0, le=999, multiple_of=1)] = 0
    keyterms: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    filler_words: bool = False
    diarize: bool = False
    min_speakers: _Speakers | None = None
    max_speakers: _Speakers | None = None
    channels: _Channels = "mix"
    speaker_names: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    formats: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    caption_width: Annotated[float, msgspec.Meta(ge=16, le=100, multiple_of=1)] | None = None
    caption_lines: Annotated[float, msgspec.Meta(ge=1, le=3, multiple_of=1)] | None = None
    caption_speed: Annotated[float, msgspec.Meta(ge=5, le=50, multiple_of=1)] | None = None

    def __post_init__(self) -> None:
        """Check the names of the method and of the formats, and that texts can be stored. msgspec converts the error into its own."""
        try:
            formats.named(self.formats)
        except BadRequest:
            raise ValueError("unknown format - at `$.formats`") from None
        if self.method not in engines.choices():
            raise ValueError("unknown method - at `$.method`")
        if self.min_speakers and self.max_speakers and self.min_speakers > self.max_speakers:
            raise ValueError("more than max_speakers - at `$.min_speakers`")
        for name, value in msgspec.structs.asdict(self).items():
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise ValueError(f"not Unicode - at `$.{name}`") from None

    def options(self) -> Options:
        """The same for the flow."""
        given = msgspec.structs.asdict(self)
        whole = {name: int(given[name]) for name in _WHOLE if given[name] is not None}
        return Options(**given | whole | {"channels": None if self.channels == "mix" else self.channels})


_WHOLE = ("track", "min_speakers", "max_speakers", "caption_width", "caption_lines", "caption_speed")
"""Options that are whole numbers."""


MUST_BE = {
    "uri": "gs://bucket/name of an object (on one machine file:///path as well), in up to 2,048 characters",
    "request_id": "a text of 1 to 256 characters",
    "metadata": "up to 32 texts of up to 256 characters, with names of letters, digits and _",
    "model": "the name of some weights, or a folder, in up to 256 characters",
    "language": "a language code, such as en or pt-BR",
    "track": "a whole number from 0 to 999",
    "keyterms": "a text of 1 to 2,000 characters, with the terms separated by commas",
    "filler_words": "true or false",
    "diarize": "true or false",
    "min_speakers": "a whole number from 1 to 50, and not more than max_speakers",
    "max_speakers": "a whole number from 1 to 50",
    "channels": f"one of {', '.join(CHANNELS)}",
    "speaker_names": "a text of 1 to 2,000 characters, with the names separated by commas",
    "label": "a text of 1 to 64 characters",
    "title": "a text of 1 to 255 characters",
    "caption_width": "a whole number from 16 to 100 (characters in a line)",
    "caption_lines": "a whole number from 1 to 3",
    "caption_speed": "a whole number from 5 to 50 (characters a second)",
}
"""The limits in words, for all fields except `method` and `formats`, whose values are in their tables."""


def options_schema() -> dict[str, Any]:
    """The options as a JSON schema of an object, for those who ask a person for them.

    `x-engines` names those that support an option which not all of them do.
    """
    properties = msgspec.json.schema(_WireOptions)["$defs"]["_WireOptions"]["properties"]
    # People are asked about several files at one time, and these have names.
    del properties["title"]
    for name, one in properties.items():
        # None is the same as leaving it out.
        one.update(*(some for some in one.pop("anyOf", ()) if some.get("type") != "null"))
        one["description"] = MUST_BE.get(name, "how it is transcribed")
    properties["method"]["enum"] = list(engines.choices())
    properties["method"]["oneOf"] = [
        {"const": one, "title": engines.method_title(one)} for one in engines.choices()
    ]
    properties["keyterms"]["x-engines"] = engines.supported_by("keyterms")
    properties["filler_words"]["x-engines"] = engines.supported_by("filler_words")
    for name in _WHOLE:
        properties[name]["type"] = "integer"
    properties["channels"]["enum"] = list(CHANNELS)
    return {"type": "object", "properties": properties}


class _WireRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request as others send it; `docs/request.schema.json` is made from this."""

    uri: Annotated[str, msgspec.Meta(pattern=r"^(gs://[^/]+/|file:///)[^\r\n]", max_length=2048)]
    request_id: _RequestId
    options: _WireOptions | msgspec.UnsetType = msgspec.UNSET
    metadata: _Metadata = {}


def request_from_json(data: bytes) -> TranscribeRequest:
    """A request of another service, checked as strictly as its published schema.

    Raises:
        BadRequest: names the first field that is wrong or unknown, and what it must be.
    """
    try:
        # Of fields that are given twice the last one counts, as for all who check by the schema.
        wire = msgspec.convert(msgspec.json.decode(data), type=described(_WireRequest))
    except UNREADABLE as error:
        fields = ", ".join(_WireRequest.__struct_fields__)
        options = ", ".join(_WireOptions.__struct_fields__)
        raise BadRequest(
            f"The request is not valid: {_in_words(error)}. Its fields are {fields}; its options are {options}. "
            "Correct it, and send it with a new request_id."
        ) from error
    options_given = None if wire.options is msgspec.UNSET else wire.options.options()
    return TranscribeRequest(
        uri=wire.uri, request_id=wire.request_id, options=options_given, metadata=wire.metadata
    )


def request_to_json(request: TranscribeRequest) -> bytes:
    """A request as a caller sends it, without the options that are left to Dropscribe."""
    fields = to_fields(request)
    if request.options is None:
        del fields["options"]
    else:
        fields["options"] = {name: value for name, value in fields["options"].items() if value is not None}
    return msgspec.json.encode(fields)


def readable_part(data: bytes) -> TranscribeRequest | None:
    """The readable part of a request; None if it has no valid request_id."""
    with contextlib.suppress(BadRequest):
        return request_from_json(data)

    def readable(name: str, kind: Any, default: Any) -> Any:
        with contextlib.suppress(msgspec.ValidationError, KeyError, UnicodeEncodeError):
            value = msgspec.convert(found[name], type=described(kind))
            json.dumps(
                value, ensure_ascii=False
            ).encode()  # fails for half of a surrogate pair, which nothing can store
            return value
        return default

    try:
        try:
            found = _loosely(data)
        except RecursionError:
            found = _loosely(_without_depths(data))
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    request_id = readable("request_id", _RequestId, None)
    if request_id is None:
        return None
    metadata = readable("metadata", _Metadata, {})
    return TranscribeRequest(uri=readable("uri", str, ""), request_id=request_id, metadata=metadata)


def _loosely(data: bytes) -> Any:
    """What JSON says, whatever the size of its numbers, with halves of surrogate pairs, and with a few wrong bytes."""
    return json.loads(data.decode(json.detect_encoding(data), "replace"), parse_int=float)


def _without_depths(data: bytes) -> bytes:
    """JSON with null in place of what is nested deeper than anything in a message, so that any parser reads it."""
    parts, depth, since = [], 0, 0
    for token in _STRING_OR_BRACKET.finditer(data):
        if token[0] in b"[{":
            depth += 1
            if depth == DEEPEST:
                parts += [data[since : token.start()], b"null"]
        elif token[0] in b"]}":
            if depth == DEEPEST:
                since = token.end()
            depth -= 1
    return b"".join(parts) + data[since:]


_DESCRIBED: set[Any] = set()
_DESCRIBING = threading.Lock()


def described(kind: type[Record]) -> type[Record]:
    """The type itself, once msgspec has noted what it consists of.

    msgspec does so where a type is first used, and crashes if two threads do it at once (seen with 0.22).
    """
    if kind not in _DESCRIBED:
        with _DESCRIBING:
            msgspec.json.Decoder(kind)
            _DESCRIBED.add(kind)
    return kind


def encode(record: object) -> bytes:
    """A record as JSON."""
    return msgspec.json.encode(record)


def decode(data: bytes, kind: type[Record]) -> Record:
    """JSON as a record. What is from a newer version is treated as `shared/versions.py` says.

    Raises:
        BadRequest: names the first field that is wrong.
        NewerVersion: names the value, or the option, that only a newer version knows.
    """
    try:
        if not versions.has_options(kind):
            return msgspec.json.decode(data, type=described(kind))
        fields = msgspec.json.decode(data)
    except UNREADABLE as error:
        raise versions.refusal(kind, error) from error
    return from_fields(fields, kind)


def to_fields(record: object) -> dict[str, Any]:
    """A record as a document of JSON values."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return fields


def from_fields(fields: Mapping[str, Any], kind: type[Record]) -> Record:
    """A document as a record. What is from a newer version is treated as `shared/versions.py` says.

    Raises:
        BadRequest: names the first field that is wrong.
        NewerVersion: names the value, or the option, that only a newer version knows.
    """
    try:
        record = msgspec.convert(fields, type=described(kind))
    except UNREADABLE as error:
        raise versions.refusal(kind, error) from error
    versions.check_options(fields, kind)
    return record


_Int64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# 0 stands for no object, where a caller sets a condition.
_Generation = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class _Resource(msgspec.Struct):
    """What is used of an object's resource: https://cloud.google.com/storage/docs/json_api/v1/objects."""

    bucket: Annotated[str, msgspec.Meta(min_length=1)]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    generation: _Generation
    size: _Int64 = 0
    contentType: str | None = None  # noqa: N815 - Cloud Storage's name
    metadata: dict[str, Any] | None = None


def object_from_event(data: Mapping[str, Any]) -> StoredObject:
    """The object of a `storage.object.v1.finalized` event; its int64 fields arrive as strings.

    Raises:
        BadRequest: names the field that is missing or wrong.
    """
    try:
        found = msgspec.convert(data, type=described(_Resource), strict=False)
    except UNREADABLE as error:
        raise BadRequest(f"not a Cloud Storage object: {error}") from error
    return StoredObject(
        bucket=found.bucket,
        name=found.name,
        generation=found.generation,
        size=found.size,
        content_type=found.contentType or "application/octet-stream",
        metadata={name: str(value) for name, value in (found.metadata or {}).items()},
    )


NAMED_BY = ("bucketId", "objectId", "objectGeneration")
"""Attributes of a notification that name the object."""


def object_named(attributes: Mapping[str, str], data: bytes) -> StoredObject:
    """The object that a notification is about; one without a payload names it by its attributes alone.

    Raises:
        ValueError, RecursionError, BadRequest: it is no notification.
    """
    if data:
        return object_from_event(json.loads(data))
    named = zip(("bucket", "name", "generation"), NAMED_BY, strict=True)
    return object_from_event({field: attributes.get(one, "") for field, one in named})


def options_from_metadata(metadata: Mapping[str, str]) -> Options:
    """Options in the custom metadata of an upload, e.g. `dropscribe-method: parakeet`.

    Raises:
        BadRequest: names the option that is wrong.
    """
    chosen = {
        key.removeprefix("dropscribe-"): value
        for key, value in metadata.items()
        if key.startswith("dropscribe-")
    }
    try:
        return options_of(chosen)
    except BadRequest as error:
        raise BadRequest(f"the upload's dropscribe-… metadata is wrong: {error}") from error


def metadata_of(options: Options) -> dict[str, str]:
    """Options as the custom metadata of an upload, without those at their defaults."""
    usual = to_fields(Options())
    chosen = {name: value for name, value in to_fields(options).items() if value != usual[name]}
    return {f"dropscribe-{name}": str(value) for name, value in chosen.items()}


def options_of(given: Mapping[str, Any]) -> Options:
    """Options by their names, as a person or an upload gives them; text is converted to each option's type.

    Raises:
        BadRequest: names the option that is wrong or unknown, and what it must be.
    """
    try:
        wire = msgspec.convert(dict(given), type=described(_WireOptions), strict=False)
    except UNREADABLE as error:
        said = _in_words(error)
        unknown = "unknown field" in said
        options = f" The options are {', '.join(_WireOptions.__struct_fields__)}." if unknown else ""
        raise BadRequest(f"{said}.{options}") from error
    return wire.options()


def _in_words(error: Exception) -> str:
    """What is wrong with a request or its options, without the patterns of the check."""
    at = re.search(r"`\$\.(?:options\.)?(\w+)", str(error))
    words = must_be()
    return f"{at[1]} must be {words[at[1]]}" if at and at[1] in words else str(error)


def must_be() -> dict[str, str]:
    """What each field and option must be, in words."""
    return MUST_BE | {
        "method": f"one of {', '.join(engines.choices())}",
        "formats": f"some of {', '.join(formats.FORMATS)}, separated by commas",
    }
