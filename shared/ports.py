"""The interfaces between the flow and its adapters, and what implements them.

    port         Google Cloud                 one machine (`local/`)
    Store        Cloud Storage                folders
    Records      Firestore                    SQLite
    Queue        Pub/Sub                      SQLite
    Media        FFmpeg in its own process    the same
    Search       shards in Cloud Storage      SQLite
    GpuJobs      a Cloud Run job              nothing to start: `dropscribe up` keeps a worker
    HostedEngine hosted engines               the same
    Clock        time.time                    time.time, or a settable clock in tests

Both columns pass the same contract tests (`tests/contract/`).

A method whose service does not answer raises `Transient`, mostly as `StoreUnavailable`: a retry may help, and what was to
be written may have been written. So may every function that calls one; its docstring says so only if there is more to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, runtime_checkable

from shared.model import AudioInfo, Chunk, Engine, Options, Recording, StoredObject
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.audio.types import BothChannels, Pcm, Source
    from shared.results import Heard

Fields = Mapping[str, Any]
"""A document: JSON values only (str, int, float, bool, None, list, dict)."""


class Store(Protocol):
    """Objects in buckets."""

    def stat(self, bucket: str, name: str) -> StoredObject | None:
        """The live generation of an object, or None if there is no such object."""

    def read(self, source: StoredObject, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end of the object.

        Raises:
            BadMedia: code `missing`, if this generation is gone (deleted or replaced).
        """

    def create(self, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        """Write an object unless it exists; False, with nothing written, if it does.

        The object appears whole or not at all, and is durable when this returns.
        """

    def create_all(self, bucket: str, objects: Mapping[str, tuple[bytes, str]]) -> set[str]:
        """Write the objects that do not exist yet, and return their names; like `create`, but in parallel.

        `objects` has the data and the content type of each, by its name.
        """

    def stage(self, bucket: str) -> BinaryIO:
        """A new, empty file on this machine, for what `create_from` will create in the bucket; gone once it is closed."""

    def create_from(
        self,
        bucket: str,
        name: str,
        file: BinaryIO,
        *,
        metadata: Mapping[str, str],
        ahead: Callable[[StoredObject], object],
    ) -> StoredObject | None:
        """Write an object with the content of a file from `stage`; None, with nothing written, if it exists.

        The object appears whole or not at all, and is durable when this returns. Whatever its size, a few megabytes of
        it are in memory. The file stays open. Called again with the same file, as after a failure, it gives the object
        that an earlier call wrote.

        Where a store keeps no metadata, `ahead` is called with the object and them before the object can be seen. It
        must bear being called for an object that is never written. If it gives False, the object counts as one that exists.
        """

    def delete(self, bucket: str, name: str, generation: int) -> bool:
        """Delete one generation of an object; False, with nothing deleted, if it is not the live one.

        A call whose reply was lost may say False although it deleted the object.
        """

    def load(self, bucket: str, name: str) -> bytes | None:
        """The whole content of a small object, or None if there is no such object."""

    def signed_url(self, source: StoredObject, seconds: float) -> str | None:
        """An address that gives anyone read access to the object for `seconds`; None if there is none."""

    def upload_url(
        self,
        bucket: str,
        name: str,
        *,
        size: int,
        content_type: str,
        metadata: Mapping[str, str],
        origin: str,
    ) -> str | None:
        """An address whose holder may upload one new object past this process; None if there is none.

        The bytes are sent with PUT, whole or in pieces with Content-Range, for a week. The object appears whole or not
        at all, and replaces none. Where there is no such address, the caller writes what it receives with `create_from`.

        Args:
            bucket: name of the bucket.
            name: of the object.
            size: bytes that will be sent.
            content_type: media type as the uploader declares it.
            metadata: custom metadata of the object.
            origin: of the page whose scripts may use it, as `https://host`; empty: none.

        Raises:
            BadRequest: the name cannot be that of an object.
        """

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        """The live objects whose name starts with `prefix`, in order of their names."""


class Records(Protocol):
    """Documents in collections."""

    def create(self, collection: str, key: str, fields: Fields) -> bool:
        """Write a document unless it exists; False, with nothing written, if it does."""

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """One document, or None."""

    def update(
        self, collection: str, key: str, change: Callable[[dict[str, Any]], Fields | None]
    ) -> dict[str, Any] | None:
        """Read, change and write one document in one transaction.

        `change` gets a copy and returns the new fields, or None to leave it as it is. It may be
        called more than once and must have no side effects. Returns the document afterwards, or None if there
        is no such document.
        """

    def delete(self, collection: str, key: str, *, seen: Fields | None = None) -> bool:
        """Delete one document; False, with nothing deleted, if there is none or it is not as it was seen.

        A call whose reply was lost may say True although another one deleted the document. `seen` are the fields that it
        must still have, all of them and no others; None: whatever it has.
        """

    def query(
        self, collection: str, where: Fields | None = None, *, after: str = ""
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys and documents whose top-level fields equal all of `where`, in order of their keys.

        Read in pages: a document that changes meanwhile may be read before or after its change. Only those with a
        greater key than `after`; empty: all.
        """

    def newest(
        self,
        collection: str,
        by: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """Up to `limit` of the documents that `query` would return, in descending order of a numeric field.

        Of equal numbers the greater key comes first. Documents without a number in the field `by` are left out. `before`
        has number and key of the last document of the page before; None: the first page.
        """

    def count(self, collection: str, where: Fields | None = None) -> int:
        """How many documents `query` would return."""

    def sum(self, collection: str, field: str, where: Fields | None = None) -> float:
        """Sum of a numeric field over the documents that `query` would return; missing fields count as 0."""


@runtime_checkable
class NamedRecords(Protocol):
    """Records that find recordings by their names without reading all of them."""

    def newest_named(
        self,
        part: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """As `newest` of recordings by `created`: those that have a part in their name, in letters of any case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message under lease."""

    message_id: str
    """The same for every delivery of one message, until it is postponed."""
    lease: str
    """Id of the lease, needed to extend, ack or nack."""
    data: bytes
    """The message as published."""
    attributes: Mapping[str, str]
    """Its attributes as published."""
    attempt: int
    """Number of this delivery, from 1; postponed ones do not count."""
    published: float
    """When it was published, seconds since 1970."""


class Queue(Protocol):
    """Topics with subscriptions: at least once, in any order."""

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Publish a message, durable when this returns. Returns its id."""

    def publish_many(self, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> list[str]:
        """Publish messages with their attributes in few round trips; all are durable when this returns.

        Returns their ids in order. If it raises, some of them may have been published.
        """

    def pull(self, subscription: str, limit: int, lease_seconds: float) -> list[Delivery]:
        """Up to `limit` messages that are available now, each under a lease; does not wait for more."""

    def extend(self, subscription: str, lease: str, lease_seconds: float) -> bool:
        """Renew a lease from now; False if it has expired, so that the message may be delivered elsewhere."""

    def ack(self, subscription: str, lease: str) -> bool:
        """Acknowledge a message; False if the lease had expired (the message may be redelivered)."""

    def nack(self, subscription: str, lease: str, error: str = "") -> bool:
        """Give a message back; it is redelivered after the back-off, or goes to the dead letter topic.

        `error` says why, for a reader of the dead letter.
        """

    def postpone(self, subscription: str, lease: str, seconds: float) -> bool:
        """Give a message back as if it had never been delivered, because its receiver did not fail on it.

        It is redelivered after `seconds` if the queue supports that, else at once, and possibly with another
        id. False if the lease had expired: then the delivery counts.
        """


class Media(Protocol):
    """Reads untrusted media. Raises BadMedia if the file is at fault."""

    def probe(self, source: Source, *, name: str, track: int, both: BothChannels = "no") -> AudioInfo:
        """What the container says about the audio, from a bounded number of bytes.

        `both` is what will be wanted of both channels when it is decoded.
        """

    def decode(
        self,
        source: Source,
        audio: AudioInfo,
        chunk: Chunk,
        *,
        track: int,
        both: BothChannels = "no",
    ) -> Pcm:
        """The samples of one chunk with its overlap, mono at 16 kHz, and what `both` wants of both channels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerState:
    """Whether workers are available, as a value: if not, the router sends recordings elsewhere."""

    status: Literal["ready", "quota", "pending", "unfit", "denied", "missing", "unreachable"]
    """`quota`: no more capacity now; `pending`: what was started waits for a machine, and nothing runs; `unfit`: the
    workers say that they cannot work as they are deployed; `denied`: a permission is missing; `missing`: no such job."""
    running: int = 0
    """Tasks that are running or about to start."""
    reason: str = ""
    """The platform's message, and what to do."""
    pending: int = 0
    """Tasks that were started and wait for a machine."""
    most: int | None = None
    """Most tasks that can run at one time; None: as many as the settings allow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRun:
    """One ended task of an execution, as the platform bills it."""

    execution: str
    """Name of the execution."""
    index: int
    """Index of the task in it, from 0."""
    started: float
    """When its instance started, seconds since 1970."""
    ended: float
    """When it ended, seconds since 1970."""
    completed: float
    """When the last task of the execution ended, seconds since 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A stretch of a transcript that is found as one."""

    start: float
    """Where it begins, seconds."""
    text: str
    """Its words with one space between them; no control characters."""
    times: tuple[float, ...]
    """Start of each word, seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A place in a recording where something was said."""

    recording: str
    """Key of the recording."""
    start: float
    """When the first of the words is said, seconds from the start of the recording."""
    parts: tuple[tuple[str, bool], ...]
    """The words around it, in pieces; True for those that were looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """A page of hits."""

    hits: tuple[Hit, ...]
    """Those of the newest recordings first, those of one recording in order; may be none although there are more."""
    cursor: str | None
    """What gives the next page; None if this is the last one."""


class Search(Protocol):
    """The words of all transcripts. What is put or removed is found, or not found any more, when the call returns."""

    def put(self, recording: str, at: float, version: int, passages: Sequence[Passage]) -> None:
        """Add the words of a recording, in place of those of an earlier version; may be repeated.

        Args:
            recording: its key.
            at: when it ended, seconds since 1970: the order of hits.
            version: greater for newer words; those of a version that is not greater change nothing.
            passages: in order.

        Raises:
            Transient: they may have been added; try again.
        """

    def remove(self, recording: str) -> None:
        """Delete the words of a recording, if there are any, so that nothing of them is stored any more.

        Raises:
            Transient: not everything is deleted; try again.
        """

    def find(self, typed: str, limit: int, cursor: str | None = None) -> Hits:
        """Up to `limit` passages that have all words of a search.

        Args:
            typed: words, and "words in this order". Case, accents and punctuation do not count.
            limit: most hits, from 1.
            cursor: of the page before; None: the first page.

        Raises:
            BadRequest: this cannot be searched for, or the cursor is not valid.
        """


class GpuJobs(Protocol):
    """The job whose executions are the workers."""

    def state(self) -> WorkerState:
        """How many tasks run now. Never raises: a failure is in the state."""

    def start(self, tasks: int) -> WorkerState:
        """Start an execution with this many tasks. Too many are harmless: a worker without work ends."""

    def ended(self, since: float) -> list[TaskRun]:
        """The tasks of all executions that have completed since `since` (seconds since 1970)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedJob:
    """One call of a hosted engine."""

    tag: str
    """Tag on the provider's usage report: key of the chunk."""
    model: str
    """Weights to use, by the provider's name."""
    options: Options
    """What the caller of the recording asked for."""
    seconds: float
    """Approximate length of the audio, seconds."""
    patience: float
    """Seconds until the answer must be there, tries and pauses included."""
    url: str | None = None
    """Address of the recording, which the engine reads itself; None: `samples` are sent."""
    samples: bytes = b""
    """16-bit signed integers in this machine's byte order, mono, 16 kHz."""
    plain: bool = False
    """Punctuation and capitals, but numbers, dates and amounts as words, in Parakeet's style: for a transcript of
    which Parakeet writes other parts."""


class HostedEngine(Protocol):
    """An engine that a provider runs and charges for."""

    def transcribe(self, job: HostedJob) -> Heard:
        """Words of one recording or chunk.

        Raises:
            EngineLimit: the engine cannot read this audio, it is too much, or an option, such as the language, is not
                supported.
            EngineRefused: it does not work for this deployment: bad key, no credit, not allowed.
            EngineFailed: it failed this time; the error says whether it may charge for it.
        """


class Clock(Protocol):
    """The source of the time."""

    def now(self) -> float:
        """Seconds since 1970."""

    @property
    def boot(self) -> str:
        """Which start of the machine this is; empty if the system does not say."""

    def since_boot(self) -> float:
        """Seconds since then, suspended ones too, by a clock that cannot be set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Everything a step of the flow may touch."""

    store: Store
    """Audio in, transcripts out."""
    records: Records
    """Recordings, chunks and the ledger."""
    queue: Queue
    """Messages between the steps."""
    media: Media
    """Probing and decoding."""
    gpu_jobs: GpuJobs
    """Starts workers if they do not run all the time."""
    clock: Clock
    """The time."""
    settings: Settings
    """The deployment's settings."""
    engines: frozenset[Engine]
    """The engines that can run in this deployment now."""
    cpu_jobs: GpuJobs | None = None
    """Starts workers without a GPU; None if they have no job of their own."""
    canary_jobs: GpuJobs | None = None
    """Starts workers of the next release while it is rolled out; None if the platform has none."""
    hosted: Mapping[Engine, HostedEngine] = field(default_factory=dict)
    """The hosted engines that have a key."""
    search: Search | None = None
    """The words of all transcripts; None: they are not searched."""
    process: str = ""
    """Id of this process where others can tell from it whether it is alive, else empty."""

    def is_gone(self, process: str) -> bool:  # noqa: ARG002 - for those that can tell
        """Whether another process, by its id, is certainly no longer running; False if unknown."""
        return False

    def nothing_runs(self) -> bool:
        """Whether no process takes messages here until a person starts one; False if unknown."""
        return False

    def out_of_reach(self, recording: Recording) -> str:  # noqa: ARG002 - for those that can tell
        """Why this process cannot go on with a recording for now, for a person, so that its tries do not count; empty if it can."""
        return ""

    def together(self) -> AbstractContextManager[None]:
        """Let what this thread writes to the records become durable together, with the next message that it publishes.

        For a step that is repeated if it was not complete. If the power fails in between, the records are as they were
        at some moment of it: nothing is there without what was written before. A killed process loses nothing.
        """
        return nullcontext()

    def erase_copies(self, recording: Recording) -> None:
        """Delete what only this platform keeps of a recording that is deleted; nothing in a project."""
