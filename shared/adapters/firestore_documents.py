"""Documents in Firestore: their keys, their paths, their fields, and what is stored beside these.

A field is stored as it is where that works, so that it can be queried, summed and read in the console. It is
packed (compressed JSON in a bytes value, which JSON itself never has) where Firestore would refuse it or
suffer from it:

- a list inside a list, a name that is empty or `__like_this__`, deep nesting, a whole number beyond 64 bits;
- long values: every element of a list is an index entry, and a document holds 1 MiB at most. A plan of 2,160
  chunks is 410 kB of JSON and packs to a tenth.

Limits: https://cloud.google.com/firestore/quotas#collections_documents_and_fields.
"""

from __future__ import annotations

import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1.field_path import FieldPath

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.cloud import firestore

    Snapshot = firestore.DocumentSnapshot[firestore.DocumentReference]

WRITES = "_writes"
"""Field that says which calls wrote the document first and last: `{"first": …, "last": …}`."""
EXPIRES = "_expires"
"""Field that says when a TTL policy may delete the document: a timestamp, as such policies want it."""
OURS = frozenset({WRITES, EXPIRES})
"""Fields that are no part of the document."""
LONG = 8192
"""Characters of JSON above which a value is packed."""
DEEPEST = 16
"""Levels of nesting that are stored as they are; Firestore takes 20."""
LONGEST_NAME = 1500
"""Bytes of a field's name or of a key."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

INDEXES = json.loads(Path(__file__).with_name("firestore_indexes.json").read_text("utf-8"))
"""What a database must be set up with, in the form of Firestore's own `firestore.indexes.json`: composite indexes
and what is set for single fields. Beside them, `ttlDays` by collection."""

KEPT = {collection: timedelta(days=days) for collection, days in INDEXES["ttlDays"].items()}
"""How long after its last write a document may be deleted, by collection; the others are for good. Firestore
deletes where a TTL policy on the field `_expires` is set for the collection, and nowhere else."""


def fields_of(snapshot: Snapshot) -> dict[str, Any]:
    """The document as it was given to the adapter."""
    return from_stored(snapshot.to_dict() or {})


def tokens_of(snapshot: Snapshot) -> dict[str, Any]:
    """Which calls wrote it first and last; empty where another program did."""
    found = (snapshot.to_dict() or {}).get(WRITES)
    return found if isinstance(found, dict) else {}


def marks(collection: str, first: str | None, last: str) -> dict[str, Any]:
    """What is stored beside a document: who wrote it, and when it may go."""
    marks: dict[str, Any] = {WRITES: {"first": first, "last": last}}
    if collection in KEPT:
        marks[EXPIRES] = datetime.now(UTC) + KEPT[collection]
    return marks


def path_of(name: str) -> str:
    """The name of a top-level field where the library wants a path."""
    return FieldPath(name).to_api_repr()


def checked(key: str) -> str:
    """A name of a collection or document that Firestore takes.

    Raises:
        BadRequest: it does not (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
    """
    if not is_plain_name(key) or "/" in key or key in {".", ".."}:
        raise BadRequest(
            f"{key[:80]!r} cannot be a key in Firestore: use 1 to {LONGEST_NAME} bytes without slashes"
        )
    return key


def to_stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A document as the fields to store.

    Raises:
        BadRequest: a value is not JSON, or a name is one that Firestore keeps for itself.
    """
    for name in fields:
        # The path of a name with control characters is read as another name, and the value is lost.
        if not is_plain_name(name) or _CONTROL.search(name) or name in OURS:
            raise BadRequest(f"{name[:80]!r} cannot be the name of a field in Firestore: choose another")
    return {name: _to_value(name, value) for name, value in fields.items()}


def from_stored(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The document that `to_stored` was given."""
    return {
        name: json.loads(zlib.decompress(value)) if isinstance(value, bytes) else value
        for name, value in stored.items()
        if name not in OURS
    }


def is_plain_name(name: object) -> bool:
    """Whether Firestore takes this as the name of a field."""
    if not isinstance(name, str) or (name.startswith("__") and name.endswith("__")):
        return False
    try:
        return 0 < len(name.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _to_value(name: str, value: Any) -> Any:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = f"{name}{text}".encode()[len(name.encode()) :]
    except (TypeError, ValueError) as error:
        raise BadRequest(f"a document must consist of JSON values: {name}: {error}") from error
    if len(text) <= LONG and _fits(plain := json.loads(text), DEEPEST):
        return plain
    return zlib.compress(data)


def _fits(value: Any, levels: int) -> bool:
    """Whether Firestore can hold a JSON value as it is."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, (list, tuple)):
        return levels > 0 and all(
            not isinstance(one, (list, tuple)) and _fits(one, levels - 1) for one in value
        )
    if isinstance(value, dict):
        return levels > 0 and all(
            is_plain_name(name) and _fits(one, levels - 1) for name, one in value.items()
        )
    return True
