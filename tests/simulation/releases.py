"""Processes of another release among those of the present one.

earlier   reads and writes only the fields of the first release, as it is kept in `tests/exactly_one/golden/`: those
          that came later do not reach it, it leaves them out of what it makes, and keeps them in what it changes
later     adds a field of its own to each document and message, and to the records in them: nobody may lose it in a
          document, or stumble over it
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE, TRANSCRIPTS_READY
from shared.versions import over
from tests.simulation.scheduler import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.memory import MemoryQueue, MemoryRecords

GOLDEN = json.loads(
    (Path(__file__).parent.parent / "exactly_one" / "golden" / "first.json").read_text("utf-8")
)
AS_A_WHOLE = ("recordings", "ledger", "claims", "failures", "commitments", "uploads", "requests")
"""Collections whose documents are records."""
MAPS = ("weights", "metadata", "options", "counts")
"""Fields whose own are no fields of a record, or ask for something: an option that is unknown is given back."""
LATER = "later"
"""The field of the later release."""


def of_process() -> str:
    """The release of the process that asks; empty: the present one."""
    return str(running().current.process.notes.get("release", ""))


def shape_of(topic: str) -> Any:
    """A message of a topic in the first release; None if others write it."""
    if topic in {AUDIO_FINALIZED, "transcribe-requests"}:
        return None
    own = topic if topic in {CHUNKS_DONE, TRANSCRIPTS_READY} else "chunks-cpu"
    return GOLDEN["messages"][own]


def known(value: Any, shape: Any) -> Any:
    """What a release reads of a value."""
    if isinstance(value, dict) and isinstance(shape, dict):
        kept = {name: one for name, one in value.items() if name in shape}
        return {name: one if name in MAPS else known(one, shape[name]) for name, one in kept.items()}
    if isinstance(value, list | tuple) and isinstance(shape, list) and shape:
        return type(value)(known(one, shape[0]) for one in value)
    return value


def marked(value: Any) -> Any:
    """The same with the field of the later release, in each record of it."""
    if isinstance(value, dict):
        inside = {name: one if name in MAPS else marked(one) for name, one in value.items()}
        return {LATER: "kept"} | inside
    if isinstance(value, list | tuple):
        return [marked(one) for one in value]
    return value


def frozen(value: Any) -> Any:
    """The same with tuples for lists, as records have them."""
    if isinstance(value, dict):
        return {name: frozen(one) for name, one in value.items()}
    return tuple(frozen(one) for one in value) if isinstance(value, list | tuple) else value


def lost(before: Any, after: Any, place: str = "") -> list[str]:
    """Where a field of the later release was, and is no more. A list that is another one now is not compared."""
    if isinstance(before, dict) and isinstance(after, dict):
        gone = [f"{place}.{LATER}"] if LATER in before and LATER not in after else []
        return gone + [
            line
            for name in before
            if name in after
            for line in lost(before[name], after[name], f"{place}.{name}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            line
            for number, one in enumerate(before)
            for line in lost(one, after[number], f"{place}[{number}]")
        ]
    return []


def _plain(fields: Any) -> Any:
    """The same as it is read again, with lists for tuples."""
    return msgspec.json.decode(msgspec.json.encode(fields))


class ReleasedRecords:
    """Records as the release of each process reads and writes them."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self.losses: list[str] = []
        """Fields of the later release that somebody dropped."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def create(self, collection: str, key: str, fields: Any) -> bool:
        return self._records.create(collection, key, self._written(collection, fields))

    def update(self, collection: str, key: str, change: Callable[[dict[str, Any]], Any]) -> Any:
        def changed(stored: dict[str, Any]) -> Any:
            read = self._read(collection, stored)
            after = change(read)
            if after is None:
                return None
            after = self._written(collection, _plain(after))
            if of_process() == "earlier":
                after = over(stored, frozen(read), frozen(after))
                after = _plain(after)
            self.losses += [f"{collection}/{key}: {one}" for one in lost(stored, after)]
            return after

        found = self._records.update(collection, key, changed)
        return None if found is None else self._read(collection, found)

    def get(self, collection: str, key: str) -> Any:
        found = self._records.get(collection, key)
        return None if found is None else self._read(collection, found)

    def query(self, collection: str, where: Any = None, *, after: str = "") -> Any:
        found = self._records.query(collection, where, after=after)
        return ((key, self._read(collection, fields)) for key, fields in found)

    def newest(self, collection: str, by: str, limit: int, where: Any = None, *, before: Any = None) -> Any:
        found = self._records.newest(collection, by, limit, where, before=before)
        return [(key, self._read(collection, fields)) for key, fields in found]

    def _read(self, collection: str, fields: Any) -> Any:
        if of_process() != "earlier" or collection not in AS_A_WHOLE:
            return fields
        return known(fields, GOLDEN["documents"][collection])

    def _written(self, collection: str, fields: Any) -> Any:
        release = of_process() if collection in AS_A_WHOLE else ""
        if release == "later":
            return marked(fields)
        return known(fields, GOLDEN["documents"][collection]) if release == "earlier" else fields


class ReleasedQueue:
    """A queue to which each process writes as its release does."""

    def __init__(self, queue: MemoryQueue) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def publish_many(self, topic: str, messages: Any) -> list[str]:
        release, shape, several = of_process(), shape_of(topic), list(messages)
        if shape is not None and release:
            several = [(written(data, shape, release), attributes) for data, attributes in several]
        return self._queue.publish_many(topic, several)


def written(data: bytes, shape: Any, release: str) -> bytes:
    """A message as a release writes it."""
    fields = json.loads(data)
    return json.dumps(marked(fields) if release == "later" else known(fields, shape)).encode()


def read(data: bytes, topic: str, release: str) -> bytes:
    """A message as a release reads it."""
    shape = shape_of(topic)
    if release != "earlier" or shape is None:
        return data
    try:
        return json.dumps(known(json.loads(data), shape)).encode()
    except ValueError:
        return data  # garbage


def posted(body: bytes, topic: str, release: str) -> bytes:
    """A push as a function of a release reads it."""
    if release != "earlier" or not body:
        return body
    push = json.loads(body)
    data = read(b64decode(push["message"].get("data", "")), topic, release)
    push["message"]["data"] = b64encode(data).decode()
    return json.dumps(push).encode()
