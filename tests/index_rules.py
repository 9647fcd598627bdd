"""Which indexes a query needs in Firestore, and records that refuse a query as Firestore would.

The emulator needs no index and serves every query, so this is the only place where a missing one shows before
a deployment does. The rules (https://firebase.google.com/docs/firestore/query-data/index-overview):

- a condition of equality reads the field's own ascending index; several of them are merged, in order of the keys;
- an order by a field, and a sum of it, read that field from an index too: alone from its own, together with
  conditions from a composite index of their fields with this one last; several such indexes are merged where
  each condition has one of them;
- an exempted field has no index of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.backend.sqlite.records import SqliteRecords

FILE = Path(__file__).resolve().parents[1] / "shared" / "adapters" / "firestore_indexes.json"
DATA = json.loads(FILE.read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What of a query decides about its index."""

    collection: str
    """Where it looks."""
    equal: frozenset[str] = frozenset()
    """Fields that are compared for equality."""
    descending: str | None = None
    """Field of its order, which the port `newest` asks for descending."""
    summed: str | None = None
    """Field that is summed."""


def exempted(collection, field, data=DATA):
    """Whether a field has no ascending index of its own."""
    overrides = {
        one["fieldPath"]: one["indexes"]
        for one in data["fieldOverrides"]
        if one["collectionGroup"] == collection
    }
    own = overrides.get(field, overrides.get("*"))
    return own is not None and {"order": "ASCENDING", "queryScope": "COLLECTION"} not in own


def lacking(shape, data=DATA):
    """What a query lacks to be served, in words; empty where nothing."""
    last = shape.descending or shape.summed
    if last is None or not shape.equal:
        fields = sorted(shape.equal) + [last] * (last is not None)
        without = [field for field in fields if exempted(shape.collection, field, data)]
        return f"{shape} reads {without}, which {FILE.name} exempts from indexing" if without else ""
    served = set()
    for index in data["indexes"]:
        *first, final = index["fields"]
        fields = {one["fieldPath"] for one in first}
        if (
            index["collectionGroup"] == shape.collection
            and fields <= shape.equal
            and final["fieldPath"] == last
            and (shape.descending is None or final["order"] == "DESCENDING")
        ):
            served |= fields
    if served == shape.equal:
        return ""
    order = "DESCENDING" if shape.descending else "ASCENDING"
    return f"{shape} needs a composite index: add {sorted(shape.equal)} ASCENDING, {last} {order} to {FILE}"


_lacking = cache(lacking)


def check(shape):
    """Fail where a query would be refused."""
    assert not _lacking(shape), _lacking(shape)


class IndexedRecords(SqliteRecords):
    """Records on one machine that serve no query for which Firestore has no index: what tests and the product open."""

    def query(self, collection, where=None, *, after=""):
        check(Shape(collection=collection, equal=frozenset(where or ())))
        return super().query(collection, where, after=after)

    def newest(self, collection, by, limit, where=None, *, before=None):
        check(Shape(collection=collection, equal=frozenset(where or ()), descending=by))
        return super().newest(collection, by, limit, where, before=before)

    def count(self, collection, where=None):
        check(Shape(collection=collection, equal=frozenset(where or ())))
        return super().count(collection, where)

    def sum(self, collection, field, where=None):
        check(Shape(collection=collection, equal=frozenset(where or ()), summed=field))
        return super().sum(collection, field, where)
