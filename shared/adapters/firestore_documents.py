"""Documents in Firestore: their keys, their paths, and what is stored beside the fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1.field_path import FieldPath

from shared.adapters.firestore_values import EXPIRES, LONGEST_NAME, WRITES, from_stored, is_plain_name
from shared.errors import BadRequest

if TYPE_CHECKING:
    from google.cloud import firestore

    Snapshot = firestore.DocumentSnapshot[firestore.DocumentReference]

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
