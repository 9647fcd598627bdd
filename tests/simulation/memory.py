"""Store, records and queue in memory: they pass the contract tests of the real ones, and are fast.

They have no faults and no threads of their own: `faults.py` stands in front of them.
"""

from __future__ import annotations

import io
import math
import mimetypes
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO
from weakref import WeakKeyDictionary

import msgspec

from local.backend.sqlite.dead_letter_attributes import dead_letter_attributes
from shared.errors import BadMedia, BadRequest
from shared.model import StoredObject
from shared.ports import Clock, Delivery, Hit, Hits
from shared.topology import Topology
from shared.topology import topology as every_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.ports import Fields, Passage
    from shared.topology import Subscription


class MemoryStore:
    """Objects in buckets. Implements `shared.ports.Store`.

    Args:
        clock: gives the generations.
        url: the address of an object; None: there is none.
    """

    def __init__(self, clock: Clock, url: Callable[[StoredObject], str] | None = None) -> None:
        self.objects: dict[tuple[str, str], tuple[StoredObject, bytes]] = {}
        self.made: Counter[tuple[str, str]] = Counter()
        """How often each object was written."""
        self.deleted: Counter[tuple[str, str]] = Counter()
        """How often it was deleted. If that is less often by more than one, it was overwritten."""
        self._clock = clock
        self._url = url
        self._last = 0
        self._from: WeakKeyDictionary[BinaryIO, StoredObject] = WeakKeyDictionary()

    def put(
        self, bucket: str, name: str, data: bytes, *, size: int | None = None, **more: Any
    ) -> StoredObject:
        """Write or replace an object; `size` if its data do not matter."""
        self._last = max(self._last + 1, int(self._clock.now() * 1e6))
        length = len(data) if size is None else size
        made = StoredObject(bucket=bucket, name=name, generation=self._last, size=length, **more)
        self.objects[bucket, name] = made, data
        self.made[bucket, name] += 1
        return made

    def stat(self, bucket: str, name: str) -> StoredObject | None:
        found = self.objects.get((bucket, name))
        return None if found is None else found[0]

    def read(self, source: StoredObject, start: int, length: int) -> bytes:
        found = self.objects.get((source.bucket, source.name))
        if found is None or found[0].generation != source.generation:
            raise BadMedia("missing", f"{source.uri} is gone")
        return found[1][start : start + length]

    def create(self, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        if (bucket, name) in self.objects:
            return False
        self.put(bucket, name, bytes(data), content_type=content_type)
        return True

    def create_all(self, bucket: str, objects: Mapping[str, tuple[bytes, str]]) -> set[str]:
        return {name for name, (data, kind) in objects.items() if self.create(bucket, name, data, kind)}

    def stage(self, bucket: str) -> BinaryIO:
        return io.BytesIO()

    def create_from(
        self,
        bucket: str,
        name: str,
        file: BinaryIO,
        *,
        metadata: Mapping[str, str],
        ahead: Callable[[StoredObject], object],
    ) -> StoredObject | None:
        before = self._from.get(file)
        if before is not None and self.stat(bucket, name) == before:
            return before
        file.seek(0)
        data = file.read()
        self._last = max(self._last + 1, int(self._clock.now() * 1e6))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        made = StoredObject(
            bucket=bucket,
            name=name,
            generation=self._last,
            size=len(data),
            content_type=kind,
            metadata=dict(metadata),
        )
        if self.objects.setdefault((bucket, name), (made, data))[0] is not made:
            return None
        self._from[file] = made
        return made

    def delete(self, bucket: str, name: str, generation: int) -> bool:
        found = self.objects.get((bucket, name))
        if found is None or found[0].generation != generation:
            return False
        del self.objects[bucket, name]
        self.deleted[bucket, name] += 1
        return True

    def load(self, bucket: str, name: str) -> bytes | None:
        found = self.objects.get((bucket, name))
        return None if found is None else found[1]

    def signed_url(self, source: StoredObject, seconds: float) -> str | None:
        return None if self._url is None else self._url(source)

    def upload_url(self, bucket: str, name: str, **more: Any) -> str | None:
        return None

    def list(self, bucket: str, prefix: str = "") -> Iterator[StoredObject]:
        names = sorted(name for there, name in self.objects if there == bucket and name.startswith(prefix))
        yield from (self.objects[bucket, name][0] for name in names)

    def close(self) -> None:
        """Nothing to do."""


class MemoryRecords:
    """Documents in collections. Implements `shared.ports.Records`."""

    def __init__(self) -> None:
        self.documents: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        """JSON by collection and key."""

    def create(self, collection: str, key: str, fields: Fields) -> bool:
        if key in self.documents[collection]:
            return False
        self.documents[collection][key] = _encoded(fields)
        return True

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        text = self.documents[collection].get(key)
        return None if text is None else _decoded(text)

    def update(
        self, collection: str, key: str, change: Callable[[dict[str, Any]], Fields | None]
    ) -> dict[str, Any] | None:
        text = self.documents[collection].get(key)
        if text is None:
            return None
        changed = change(_decoded(text))
        if changed is not None:
            text = self.documents[collection][key] = _encoded(changed)
        return _decoded(text)

    def delete(self, collection: str, key: str, *, seen: Fields | None = None) -> bool:
        if seen is not None and self.get(collection, key) != seen:
            return False
        return self.documents[collection].pop(key, None) is not None

    def query(
        self, collection: str, where: Fields | None = None, *, after: str = ""
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        # Most texts need not be read: they have no such text in them.
        wanted = (where or {}).items()
        needed = [_pair(name, value) for name, value in wanted if isinstance(value, str | bool)]
        documents = self.documents[collection]
        for key in sorted([one for one in documents if one > after]):
            text = documents.get(key)
            if text is None:
                continue  # deleted meanwhile
            if any(one not in text for one in needed):
                continue
            fields = _decoded(text)
            if all(name in fields and _equal(fields[name], value) for name, value in wanted):
                yield key, fields

    def newest(
        self,
        collection: str,
        by: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        found = [(key, fields) for key, fields in self.query(collection, where) if _is_number(fields.get(by))]
        rest = (one for one in found if before is None or (one[1][by], one[0]) < before)
        return sorted(rest, key=lambda one: (one[1][by], one[0]), reverse=True)[:limit]

    def count(self, collection: str, where: Fields | None = None) -> int:
        return sum(1 for _ in self.query(collection, where))

    def sum(self, collection: str, field: str, where: Fields | None = None) -> float:
        values = (fields.get(field) for _, fields in self.query(collection, where))
        return math.fsum(one for one in values if _is_number(one))

    def close(self) -> None:
        """Nothing to do."""


class MemorySearch:
    """The words of all transcripts. Implements `shared.ports.Search` but for pages."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        """Of the words of each recording."""
        self._rows: dict[str, tuple[float, tuple[Passage, ...]]] = {}

    def put(self, recording: str, at: float, version: int, passages: Sequence[Passage]) -> None:
        if self.versions.get(recording, -1) < version:
            self.versions[recording] = version
            self._rows[recording] = at, tuple(passages)

    def remove(self, recording: str) -> None:
        self.versions.pop(recording, None)
        self._rows.pop(recording, None)

    def find(self, typed: str, limit: int, cursor: str | None = None) -> Hits:
        assert cursor is None, "one page is enough here"
        newest = sorted(self._rows.items(), key=lambda one: (one[1][0], one[0]), reverse=True)
        hits = (
            Hit(recording=key, start=passage.start, parts=((passage.text, True),))
            for key, (_, passages) in newest
            for passage in passages
            if set(typed.split()) <= set(passage.text.split())
        )
        return Hits(hits=tuple(islice(hits, limit)), cursor=None)


@dataclass(kw_only=True, slots=True)
class Message:
    """One message for one subscription."""

    id: str
    data: bytes
    attributes: dict[str, str]
    published: float
    due: float
    """When it may be pulled: the end of its lease, or of its back-off."""
    attempt: int = 0
    lease: str = ""
    error: str = ""


@dataclass
class MemoryQueue:
    """Topics with subscriptions. Implements `shared.ports.Queue`."""

    clock: Clock
    """Decides what is due."""
    topology: Topology = field(default_factory=every_topic)
    """Topics and subscriptions."""
    order: Callable[[list[Message]], list[Message]] = lambda due: due
    """The order in which messages are given that are due, the one that is due longest first."""
    waiting: defaultdict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """What is not acknowledged, by subscription."""
    numbers: int = 0

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        return self.publish_many(topic, [(data, attributes or {})])[0]

    def publish_many(self, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> list[str]:
        ids = []
        subscriptions = self.topology.of_topic(topic)
        for data, attributes in messages:
            ids.append(f"m{self._number()}")
            now = self.clock.now()
            for one in subscriptions:
                self.waiting[one.name].append(
                    Message(id=ids[-1], data=data, attributes=dict(attributes), published=now, due=now)
                )
        return ids

    def pull(self, subscription: str, limit: int, lease_seconds: float) -> list[Delivery]:
        policy, now = self.topology.subscription(subscription), self.clock.now()
        if limit < 1 or lease_seconds <= 0:
            raise BadRequest("a pull needs a limit of 1 or more and a lease of more than 0 seconds")
        due = sorted((one for one in self.waiting[subscription] if one.due <= now), key=lambda one: one.due)
        taken: list[Delivery] = []
        for one in self.order(due):
            if policy.exhausted(one.attempt):
                self._bury(one, policy)
            elif len(taken) < limit:
                one.lease, one.attempt, one.due = f"l{self._number()}", one.attempt + 1, now + lease_seconds
                taken.append(
                    Delivery(
                        message_id=one.id,
                        lease=one.lease,
                        data=one.data,
                        attributes=one.attributes,
                        attempt=one.attempt,
                        published=one.published,
                    )
                )
        return taken

    def extend(self, subscription: str, lease: str, lease_seconds: float) -> bool:
        one = self._leased(subscription, lease)
        if one is not None:
            one.due = self.clock.now() + lease_seconds
        return one is not None

    def ack(self, subscription: str, lease: str) -> bool:
        one = self._leased(subscription, lease)
        if one is not None:
            self.waiting[subscription].remove(one)
        return one is not None

    def nack(self, subscription: str, lease: str, error: str = "") -> bool:
        policy, one = self.topology.subscription(subscription), self._leased(subscription, lease)
        if one is not None:
            one.lease, one.error, one.due = "", error, self.clock.now() + policy.backoff(one.attempt)
            if policy.exhausted(one.attempt):
                self._bury(one, policy)
        return one is not None

    def postpone(self, subscription: str, lease: str, seconds: float) -> bool:
        one = self._leased(subscription, lease)
        if one is not None:
            one.lease, one.attempt, one.due = "", one.attempt - 1, self.clock.now() + seconds
        return one is not None

    def deliver_again(self, subscription: str, delivery: Delivery, *, after: float) -> None:
        """Deliver a message once more, whatever becomes of it meanwhile, as Pub/Sub may."""
        self.waiting[subscription].append(
            Message(
                id=delivery.message_id,
                data=delivery.data,
                attributes=dict(delivery.attributes),
                published=delivery.published,
                due=self.clock.now() + after,
                attempt=delivery.attempt,
            )
        )

    def next_due(self, subscription: str) -> float:
        """When the next message may be pulled; never, if there is none."""
        several = self.waiting[subscription]
        return min([one.due for one in several]) if several else math.inf

    def pending(self, subscription: str) -> int:
        """How many messages are not acknowledged."""
        return len(self.waiting[subscription])

    def close(self) -> None:
        """Nothing to do."""

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _leased(self, subscription: str, lease: str) -> Message | None:
        now = self.clock.now()
        found = (one for one in self.waiting[subscription] if one.lease == lease and one.due > now)
        return next(found, None) if lease else None

    def _bury(self, one: Message, policy: Subscription) -> None:
        self.waiting[policy.name].remove(one)
        assert policy.dead_letter_topic is not None, "only a policy with one is ever exhausted"
        attributes = dead_letter_attributes(
            one.attributes, policy.name, one.attempt, one.published, one.error
        )
        self.publish(policy.dead_letter_topic, one.data, attributes)


_JSON = msgspec.json.Encoder()


def _encoded(fields: Fields) -> bytes:
    try:
        return _JSON.encode(dict(fields))
    except (TypeError, ValueError) as error:
        raise BadRequest(f"a document must consist of JSON values: {error}") from error


@lru_cache(1024)
def _pair(name: str, value: str | bool) -> bytes:  # noqa: FBT001 - a value, by nature
    return _encoded({name: value})[1:-1]


_decoded: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder().decode


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equal(value: object, wanted: object) -> bool:
    """As Firestore compares: 1 equals 1.0, but neither True nor "1"."""
    if _is_number(value) and _is_number(wanted):
        return value == wanted
    return type(value) is type(wanted) and value == wanted
