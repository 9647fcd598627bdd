"""The data model of Dropscribe, as frozen records. Every field has a line with its unit.

All times are seconds, from the start of the recording unless a line says otherwise.
Records are parsed at the border (`shared/messages.py`) and trusted inside.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

Method = str
"""How a recording is transcribed, by the name that callers use: a method of `shared/engines.py`, or `auto`."""
Engine = str
"""Name of an engine of `shared/engines.py`."""
State = Literal["ACCEPTED", "PLANNED", "DONE", "FAILED", "CANCELLED", "DELETED"]


PART = re.compile(
    r"^/?(gcloud|gsutil)/tmp/parallel_composite_uploads/|^gcs-go-sdk-pu-tmp/|^\.gcsfuse_tmp/|;[^/;]+;[0-9]+\.part$"
)
"""Names of parts of an upload, as gcloud (of files from 150 MiB on), gsutil, Google's libraries for Go and Java, and gcsfuse
choose them (https://cloud.google.com/storage/docs/parallel-composite-uploads)."""

FILES_BUCKET = "files"
"""Pseudo bucket for the file system of this machine, where files are transcribed in place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One generation of one object in a bucket."""

    bucket: str
    """Name of the bucket."""
    name: str
    """Name of the object, with slashes, as its uploader chose it."""
    generation: int
    """Changes whenever the content is replaced (Cloud Storage: microseconds since 1970)."""
    size: int
    """Bytes."""
    content_type: str = "application/octet-stream"
    """Media type as its uploader declared it: a hint, never trusted."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Custom metadata of the upload, which may contain options."""

    @property
    def uri(self) -> str:
        """`gs://bucket/name`, or `file:///path`, for people and logs."""
        return f"file:///{self.name}" if self.bucket == FILES_BUCKET else f"gs://{self.bucket}/{self.name}"

    @property
    def shown_name(self) -> str:
        """Its name; of a file that is transcribed in place, its path."""
        return f"/{self.name}" if self.bucket == FILES_BUCKET else self.name

    def is_version(self, other: StoredObject) -> bool:
        """Whether it is the same version of one object as another look at it has found.

        In folders the generation is a time of change, which two versions may share: their sizes tell them apart.
        """
        return (self.generation, self.size) == (other.generation, other.size)

    @property
    def is_upload(self) -> bool:
        """False for a folder and for a part of an upload.

        Consoles, file system mounts and Hadoop represent a folder by an empty object. A part is deleted once the whole is
        there.
        """
        folder = self.name.endswith(("/", "_$folder$")) and not self.size
        return self.bucket == FILES_BUCKET or not (folder or PART.search(self.name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the caller may choose for one recording."""

    method: Method = "auto"
    """`auto` leaves the choice to the router."""
    model: str | None = None
    """Parakeet weights; None for the deployment's default."""
    language: str | None = None
    """BCP-47 code if the caller knows it; with None the engine detects it."""
    track: int = 0
    """Index of the audio track to transcribe, from 0."""
    keyterms: str | None = None
    """Names and terms to listen for, separated by commas. Some engines support it, see `engines.able`."""
    filler_words: bool = False
    """Keep `uh` and `um`, if the engine omits them by default."""
    diarize: bool = False
    """Tell the speakers apart; set as well where any of the four below is."""
    min_speakers: int | None = None
    """Minimum number of speakers, 1 to 50; None: unknown."""
    max_speakers: int | None = None
    """Maximum number of speakers, 1 to 50; if equal to `min_speakers`, exactly that many. None: unknown."""
    channels: Literal["apart", "auto"] | None = None
    """`apart`: the two channels of the recording are its speakers; `auto`: they are if they sound like it; None: its
    channels are mixed, and voices tell the speakers apart."""
    speaker_names: str | None = None
    """Names of the speakers in the order in which they first speak, separated by commas. They replace labels in the
    same transcript, so they are not part of the key: the options that a recording began with count."""
    label: str | None = None
    """Group of the recording in reports; it changes nothing else, and is not part of the key."""
    title: str | None = None
    """What people call the recording where its object is named otherwise; as the label, it changes nothing else."""
    formats: str | None = None
    """Output formats beside the standard ones, separated by commas. They are written from the same words, so they are
    not part of the key: the options that a recording began with count."""
    caption_width: int | None = None
    """Characters per caption line, 16 to 100; None: 42. As `formats`, this and the two below are not part of the key."""
    caption_lines: int | None = None
    """Lines of a caption, 1 to 3; None: 2."""
    caption_speed: int | None = None
    """Reading speed in characters per second, 5 to 50; None: 17."""

    def __post_init__(self) -> None:
        """What says something about speakers asks for them."""
        if any((self.min_speakers, self.max_speakers, self.channels, self.speaker_names)):
            object.__setattr__(self, "diarize", True)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The `keyterms`, one by one."""
        return tuple(term for one in (self.keyterms or "").split(",") if (term := one.strip()))

    def fingerprint(self) -> str:
        """Empty for default options, else a short text that differs whenever the result may differ."""
        chosen = {
            "method": self.method if self.method != "auto" else "",
            "model": self.model or "",
            "language": self.language or "",
            "track": str(self.track) if self.track else "",
            "filler_words": "yes" if self.filler_words else "",
            "diarize": "yes" if self.diarize else "",
            "min_speakers": str(self.min_speakers or ""),
            "max_speakers": str(self.max_speakers or ""),
            "channels": self.channels or "",
            "keyterms": self.keyterms or "",
        }
        return ";".join(f"{name}={value}" for name, value in chosen.items() if value)


def recording_id(source: StoredObject, options: Options) -> str:
    """The key of a recording: 26 characters that are the same for every delivery of one upload.

    Bucket, name and generation identify the upload, never the event's id. Options that change the
    result are part of the key, so that another model gives another transcript.
    """
    text = "\0".join((source.bucket, source.name, str(source.generation), options.fingerprint()))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.b32encode(digest).decode("ascii")[:26].lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One of several recordings in one file, which follow one another: each has a clock of its own."""

    first_byte: int
    """Where it begins in the file."""
    last_byte: int
    """One past its last byte."""
    header: int
    """Bytes at the beginning of the file that it shares, because it has no header of its own; 0 if it has one."""
    start: float
    """Where it begins in the recording, seconds."""
    duration: float
    """Seconds."""
    origin: float
    """What its own timestamps show where it begins, seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioInfo:
    """What the container's header and tail say about the recording."""

    format: str
    """FFmpeg's short name of the container: mp3, wav, mov, matroska, …"""
    codec: str
    """FFmpeg's name of the audio codec: mp3, aac, pcm_s16le, opus, …"""
    sample_rate: int
    """Hertz."""
    channels: int
    """1 is mono, 8 is 7.1."""
    duration: float | None
    """Seconds; None if only decoding can tell."""
    exact: bool
    """False if `duration` is an estimate from the bit rate."""
    splittable_by: Literal["time", "bytes"]
    """`bytes`: a self-synchronising stream without an index (mp3, raw aac) is cut by byte range; the length
    of each part is measured while decoding. `time`: the container can seek."""
    first_byte: int = 0
    """First byte of audio, after tags (for `bytes`, and for wave files of plain samples)."""
    last_byte: int = 0
    """One past the last byte of audio, before tags (for the same)."""
    tracks: int = 1
    """Number of audio tracks."""
    origin: float | None = None
    """What the file's own timestamps show at time zero, seconds: the earliest presentation time of all its streams
    (docs/media.md). None where a plan was made before this was noted."""
    parts: tuple[Part, ...] = ()
    """The recordings that the file consists of, where its clock begins anew; empty where it is one."""
    bytes_read: int = 0
    """Bytes of the file that the probe read."""
    warnings: tuple[str, ...] = ()
    """Oddities for the owner: `the header promises 61.0 s but the file ends after 40.2 s`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Considered:
    """One method for one recording, with the estimates at the time of the decision."""

    method: Method
    usd: float | None = None
    """Estimated cost, US dollars; None if it cannot run."""
    wait: float | None = None
    """Estimated seconds until the transcript is ready, queue and start-up included; None if it cannot run."""
    score: float | None = None
    """`usd` plus the price of waiting, US dollars: lower is better."""
    why_not: str = ""
    """Why it was not chosen, empty for the one that was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The router's choice, and why."""

    method: Method
    engine: Engine
    """Engine of the chunks (in a hybrid each chunk names its own)."""
    model: str
    """Weights to use, e.g. `nvidia/parakeet-tdt-0.6b-v3`."""
    reason: str
    """One sentence for logs, `status` and the cost report."""
    considered: tuple[Considered, ...] = ()
    """Every method with its estimated cost and wait, the chosen one first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """The engines that may take over what another engine gives up."""

    engines: tuple[Engine, ...] = ()
    """Engines that this deployment has and the caller's options allow, in the order of hand-overs: each may take over
    a single chunk."""
    whole: tuple[Engine, ...] = ()
    """The same of those that may only take over the whole recording, because its speakers are told apart."""
    why_not: str = ""
    """Why the deployment's other engines may not; empty if there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """An engine that gave a chunk up."""

    engine: Engine
    error: str
    """Class of the error."""
    reason: str
    """Message of the error, for the owner of the recording."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteSpan:
    """The bytes of a chunk that is cut by byte range. All are offsets into the file."""

    read_from: int
    """First byte to read: the overlap before the chunk begins here."""
    own_from: int
    """Frames that start at or after this byte belong to the chunk …"""
    own_to: int
    """… up to the frames that start at or after this one."""
    read_to: int
    """One past the last byte to read: the overlap after the chunk ends here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One unit of work: a stretch of the recording, plus overlap on both sides."""

    index: int
    """Its number in the recording, from 0. Those of a plan follow one another; where an engine took the recording over
    whole, they go on after those of the plan before, so that results of the two are never taken for one another."""
    start: float
    """Nominal start. Estimated for a chunk with `span`."""
    end: float | None
    """Nominal end; None: the end of the recording."""
    lead: float
    """Overlap to decode before `start`, seconds."""
    tail: float
    """Overlap to decode after `end`, seconds."""
    engine: Engine
    """The engine that transcribes it."""
    span: ByteSpan | None = None
    """Set if the recording is cut by byte range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDigest:
    """One output file."""

    name: str
    """Name in the transcripts bucket."""
    sha256: str
    """SHA-256 of its content, in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """The document of a recording: everything known about one upload."""

    id: str
    """Key, see `recording_id`."""
    source: StoredObject
    """The upload."""
    options: Options
    """The options of its owner."""
    state: State
    """ACCEPTED → PLANNED → DONE, FAILED or CANCELLED (a person ended it); then DELETED, if a person or the retention policy asks for that."""
    created: float
    """When the upload was first seen, seconds since 1970."""
    finished: float | None = None
    """When it ended, seconds since 1970."""
    audio: AudioInfo | None = None
    """Set with the plan."""
    decision: Decision | None = None
    """Set with the plan."""
    chunks: tuple[Chunk, ...] = ()
    """The frozen plan; a retry publishes the same one, and only an engine that takes over the whole recording gets
    another one."""
    planned: float | None = None
    """When its chunks were last due to be published: with the plan or its continuation, or when a budget let it go on,
    seconds since 1970. None before that, and in documents of older versions."""
    published: int = 0
    """How many chunks of the plan have had their messages published: a repeated event publishes the others only.
    0 while there are others, so that a query finds those that are not published."""
    fallback: Fallback = field(default_factory=Fallback)
    """The engines that may take over; set with the plan."""
    given_up: tuple[Tried, ...] = ()
    """The engines that gave it up before another one took over all of it, in order."""
    weights: dict[Engine, str] = field(default_factory=dict)
    """The weights that each engine of the deployment uses for it, also after a takeover; set with the plan."""
    formats: tuple[str, ...] = ()
    """The formats of its files; set with the plan, empty in documents of older versions."""
    reason: str = ""
    """Why it has no transcript: what is wrong and what to do; empty if it is DONE, or in progress and not withdrawn."""
    code: str = ""
    """Short code of the failure, for counts."""
    duration: float | None = None
    """Seconds of audio as measured, set when DONE."""
    words: int | None = None
    """Number of words, set when DONE."""
    language: str = ""
    """BCP-47 code of the language that was heard, set when DONE; empty if unknown."""
    outputs: tuple[str, ...] = ()
    """Names of the output files in the transcripts bucket, set when DONE."""
    announced: bool = False
    """True once `transcripts-ready` has been published; of a DELETED one, once it was erased for the last time."""
    warnings: tuple[str, ...] = ()
    """Those of the transcript; before it is DONE, what happened to it that its owner should know."""
    files: tuple[FileDigest, ...] = ()
    """The output files, set once the transcript is decided: then they are written, and after that it is DONE."""
    withdrawn: Literal["", "FAILED", "CANCELLED"] = ""
    """How it ends instead, for its `reason`, as soon as its files are deleted; empty otherwise."""
    life: int = 0
    """How often it was tried again after an end without a transcript."""
    release: str = ""
    """The release that first saw it; empty if that is not named."""
    held: str = ""
    """Why it is held although it was accepted, e.g. until the budget of the next day; empty if it is not."""
    traceparent: str = ""
    """Its trace, as W3C Trace Context writes it; empty in documents of older versions, see `documents.about`."""
    label: str = ""
    """That of its options, else empty: for queries, as the two below."""
    trouble: bool = False
    """It ended in a failure, or something happened to it on its way that its owner should know."""
    is_held: bool = False
    """Whether there is a reason in `held`."""
    taken_over: bool = False
    """Whether an engine took over all of it: chunks of an earlier plan are not used."""

    def __post_init__(self) -> None:
        """Set the fields for queries, which other fields decide."""
        failed = "FAILED" in (self.state, self.withdrawn)
        on_its_way = self.state in {"ACCEPTED", "PLANNED"}
        object.__setattr__(self, "label", self.options.label or "")
        object.__setattr__(self, "trouble", failed or (on_its_way and bool(self.warnings)))
        object.__setattr__(self, "is_held", on_its_way and bool(self.held))
        object.__setattr__(self, "taken_over", bool(self.chunks) and self.chunks[0].index > 0)

    def chunk(self, index: int) -> Chunk | None:
        """The chunk of its plan with an index; None if that is of an earlier plan."""
        position = self.position(index)
        return self.chunks[position] if 0 <= position < len(self.chunks) else None

    def position(self, index: int) -> int:
        """The position in its plan, from 0, of the chunk with an index."""
        return index - self.chunks[0].index if self.chunks else index

    @property
    def called(self) -> str:
        """What people call it: its title, or the name of its object; empty once it is deleted."""
        return self.options.title or self.source.name

    @property
    def length(self) -> float | None:
        """Seconds of audio as measured, else as its header says; None until it is known."""
        if self.duration is not None:
            return self.duration
        return self.audio.duration if self.audio else None

    @property
    def ended(self) -> bool:
        """True when nothing more will happen to it."""
        return self.state in {"DONE", "FAILED", "CANCELLED", "DELETED"}

    @property
    def ended_without(self) -> bool:
        """True when it ended without a transcript: trying it again continues it."""
        return self.state in {"FAILED", "CANCELLED"}
