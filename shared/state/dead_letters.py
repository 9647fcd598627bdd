"""Messages that were given up, kept for a person: to look at, to replay, to discard."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.messages import object_named
from shared.state import documents, failure_log
from shared.telemetry import measure
from shared.topology import topology

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from shared.model import StoredObject
    from shared.ports import Ports, Records
    from shared.state.failure_log import About

DEAD_LETTERS = "dead_letters"
"""Collection of the messages that were given up."""

SOURCE, COUNT, ERROR = (
    "CloudPubSubDeadLetterSourceSubscription",
    "CloudPubSubDeadLetterSourceDeliveryCount",
    "dropscribe-error",
)
"""Attributes of a dead letter; Pub/Sub sets the first two."""

ADDED = ("CloudPubSubDeadLetter", "googclient_", ERROR)
"""Beginnings of the names of attributes that were not published with a message."""

MOST_KEPT = 100_000
"""Bytes of a message that are kept: a document holds 1 million, and one byte may become four characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message that was given up, as it is kept."""

    key: str
    """Id of the message."""
    time: float
    """When it was given up, seconds since 1970."""
    attributes: dict[str, str]
    """Those that it was published with, and what was added since."""
    text: str
    """What was published, at most the first `MOST_KEPT` bytes; bytes that are not UTF-8 as escapes."""
    size: int
    """Bytes that were published."""
    replayed: float | None = None
    """When it was last published again, seconds since 1970; None if never."""

    @property
    def source(self) -> str:
        """The subscription that it was delivered from; empty if that is not known."""
        return self.attributes.get(SOURCE, "")

    @property
    def error(self) -> str:
        """Why it was given up; empty if its attempts noted that themselves."""
        return self.attributes.get(ERROR, "")

    @property
    def about(self) -> About:
        """The recording or the request that it is about."""
        return failure_log.about(self.attributes, self.text.encode(), self.source)

    @property
    def names(self) -> StoredObject | str:
        """The upload whose event it is, or the URI in a request; empty if it is neither, or cannot be read."""
        with contextlib.suppress(ValueError, RecursionError, BadRequest):
            return object_named(self.attributes, self.text.encode())
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(self.text)
            if isinstance(found, dict):
                return str(found.get("uri", ""))
        return ""

    @property
    def published(self) -> dict[str, str]:
        """The attributes that it was published with."""
        return {name: value for name, value in self.attributes.items() if not name.startswith(ADDED)}

    @property
    def whole(self) -> bool:
        """Whether `text` is all that was published, byte by byte."""
        return len(self.text.encode()) == self.size


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What of a letter's document changes."""

    replayed: float | None = None
    """See `Letter`."""


def keep(message: Mapping[str, Any], ports: Ports, error: str = "", *, where: str = "") -> bytes:
    """Keep a message that was given up; returns its data.

    The message is as push delivers it. Without `error` and `where` (the subscription that it was delivered from), its
    attributes say so.

    Raises:
        Transient: it is not kept yet.
    """
    data = data_of(message)
    attributes = dict(message.get("attributes") or {}) | ({SOURCE: where} if where else {})
    new = ports.records.create(
        DEAD_LETTERS,
        key_of(message, data),
        {
            "time": ports.clock.now(),
            "attributes": attributes | ({ERROR: error} if error else {}),
            "data": data[:MOST_KEPT].decode("utf-8", "backslashreplace"),
            "bytes": len(data),
        },
    )
    if new:
        known = {one.name for one in topology(webhooks=True).subscriptions}
        source = attributes.get(SOURCE, "")
        measure("dead_letters_total", where=source if source in known else failure_log.ELSEWHERE)
    return data


def key_of(message: Mapping[str, Any], data: bytes) -> str:
    """Key under which a message, as push delivers it, is kept."""
    return str(message.get("messageId") or hashlib.sha256(data).hexdigest())


def pushed(message_id: str, data: bytes, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A message as push delivers it, for `keep` and the steps that read one."""
    encoded = base64.b64encode(data).decode("ascii")
    return {"data": encoded, "attributes": dict(attributes), "messageId": message_id}


def data_of(message: Mapping[str, Any]) -> bytes:
    """The published bytes; data that are not base64, as push sends them, are returned unchanged."""
    data = message.get("data") or ""
    try:
        return base64.b64decode(data)
    except ValueError:
        return str(data).encode()


def find(key: str, records: Records) -> Letter | None:
    """One letter, or None."""
    fields = records.get(DEAD_LETTERS, key)
    return None if fields is None else _letter(key, fields)


def newest(records: Records, limit: int) -> list[Letter]:
    """Up to `limit` letters, newest first."""
    return [_letter(key, fields) for key, fields in records.newest(DEAD_LETTERS, "time", limit)]


def every(records: Records) -> Iterator[Letter]:
    """All letters, in order of their keys."""
    return (_letter(key, fields) for key, fields in records.query(DEAD_LETTERS))


def reason(letter: Letter, records: Records) -> str:
    """Why a message was given up, as it says itself or as its attempts noted; empty if nothing is known."""
    return letter.error or failure_log.last_reasons(letter.about, records)


def note_replay(letter: Letter, ports: Ports) -> bool:
    """Note that a letter is published again; False, with nothing written, if another process noted that since.

    Raises:
        Transient: the note is not confirmed.
    """
    now = ports.clock.now()

    def noted(stored: Replay) -> Replay | None:
        return Replay(replayed=now) if stored.replayed == letter.replayed else None

    changed = documents.change_first(DEAD_LETTERS, letter.key, Replay, noted, ports.records)
    return changed is not None and changed.by_us


def discard(key: str, records: Records) -> bool:
    """Delete one letter; False if there is none.

    Raises:
        Transient: it may be deleted.
    """
    return records.delete(DEAD_LETTERS, key)


def _letter(key: str, fields: Mapping[str, Any]) -> Letter:
    """What can be read of a letter: a damaged one can be looked at and discarded as well."""

    def sound(name: str, *kinds: type) -> Any:
        value = fields.get(name)
        return value if isinstance(value, kinds) else None

    text = sound("data", str) or ""
    size = sound("bytes", int)
    return Letter(
        key=key,
        time=sound("time", float, int) or 0.0,
        attributes={name: str(value) for name, value in (sound("attributes", dict) or {}).items()},
        text=text,
        size=len(text.encode()) if size is None else size,
        replayed=sound("replayed", float, int),
    )
