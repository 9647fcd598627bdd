"""Records over one table of SQLite: a document is a row with its JSON text."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec

from local.backend.sqlite.schema import FILTERS
from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from local.backend.sqlite.database import Database
    from shared.ports import Fields

_PAGE = 500
PAGED = ("recordings", "created")
"""Collection and field whose pages are read from partial indexes (`schema.py`)."""


class SqliteRecords:
    """Documents in collections; safe to use from several threads and processes.

    Implements `shared.ports.Records`, and `NamedRecords`. Conditions compare as Firestore does: 1 equals 1.0 but neither True
    nor "1", and None finds the fields that are null, not the ones that are missing. Every method raises `StoreUnavailable` if
    the database did not answer in time, and `BadRequest` for fields or conditions that are no JSON values.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, collection: str, key: str, fields: Fields) -> bool:
        """Write a document that does not exist yet; False, and nothing written, where it does."""
        text = _encode(fields)
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO documents (collection, key, fields) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (collection, key, text),
            )
            return cursor.rowcount == 1

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """One document, or None."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT fields FROM documents WHERE collection = ? AND key = ?", (collection, key)
            ).fetchone()
        return None if row is None else _decode(row[0])

    def update(
        self, collection: str, key: str, change: Callable[[dict[str, Any]], Fields | None]
    ) -> dict[str, Any] | None:
        """Read, change and write one document in one transaction, which other writers wait for.

        `change` must be quick and must not write to the database itself.
        """
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT fields FROM documents WHERE collection = ? AND key = ?", (collection, key)
            ).fetchone()
            if row is None:
                return None
            changed = change(_decode(row[0]))
            if changed is None:
                return _decode(row[0])
            text = _encode(changed)
            connection.execute(
                "UPDATE documents SET fields = ? WHERE collection = ? AND key = ?", (text, collection, key)
            )
        return _decode(text)

    def delete(self, collection: str, key: str, *, seen: Fields | None = None) -> bool:
        """Delete one document; False, with nothing deleted, if there is none or it is not as it was seen."""
        with self._database.write() as connection:
            if seen is not None:
                row = connection.execute(
                    "SELECT fields FROM documents WHERE collection = ? AND key = ?", (collection, key)
                ).fetchone()
                if row is None or _decode(row[0]) != seen:
                    return False
            cursor = connection.execute(
                "DELETE FROM documents WHERE collection = ? AND key = ?", (collection, key)
            )
            return cursor.rowcount == 1

    def query(
        self, collection: str, where: Fields | None = None, *, after: str = ""
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys and documents whose top-level fields equal all of `where`, in order of their keys, from `after` on.

        Reads pages of 500 documents, so that neither memory nor a long transaction grows with the answer.
        """
        condition, values = _condition(collection, where)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    f"SELECT key, fields FROM documents WHERE {condition} AND key > ? ORDER BY key LIMIT {_PAGE}",  # noqa: S608 - values are bound, names checked
                    (*values, after),
                ).fetchall()
            for key, text in rows:
                yield key, _decode(text)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def newest(
        self,
        collection: str,
        by: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """Up to `limit` of the documents `query` would give, those with the highest numbers in a field first.

        Those after the page that ended with the number and key `before`. Recordings by `created` are read from an
        index.
        """
        condition, values = _condition(collection, where)
        value, kind = _extract(by)
        index = ""
        if (collection, by) == PAGED:
            # SQLite would read and sort all of them. It takes a partial index only if the statement itself says that
            # it asks for no other documents.
            best = next((name for name in FILTERS if name in (where or {})), "created")
            index, condition = (
                f"INDEXED BY documents_by_{best}",
                f"{condition} AND collection = '{collection}'",
            )
        if before is not None:
            # The first comparison finds the place in an index, the second goes on there.
            condition += f" AND {value} <= ? AND ({value}, key) < (?, ?)"
            values = (*values, before[0], *before)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT key, fields FROM documents {index} WHERE {condition} AND {kind} IN ('integer', 'real') "  # noqa: S608 - values are bound, names checked
                f"ORDER BY {value} DESC, key DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [(key, _decode(text)) for key, text in rows]

    def newest_named(
        self,
        part: str,
        limit: int,
        where: Fields | None = None,
        *,
        before: tuple[float, str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """As `newest` of recordings by `created`: those that have a part in their name, in letters of any case."""
        condition, values = _condition("recordings", where)
        condition += " AND instr(casefold(name), ?)"
        values = (*values, part.casefold())
        if before is not None:
            condition += " AND created <= ? AND (created, names.key) < (?, ?)"
            values = (*values, before[0], *before)
        with self._database.read() as connection:
            rows = connection.execute(
                # A cross join reads the names first, and documents of those that fit only.
                "SELECT names.key, fields FROM names CROSS JOIN documents ON documents.key = names.key "  # noqa: S608 - values are bound, names checked
                f"WHERE {condition} ORDER BY created DESC, names.key DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [(key, _decode(text)) for key, text in rows]

    def count(self, collection: str, where: Fields | None = None) -> int:
        """How many documents `query` would give."""
        condition, values = _condition(collection, where)
        with self._database.read() as connection:
            row = connection.execute(f"SELECT count(*) FROM documents WHERE {condition}", values).fetchone()  # noqa: S608 - values are bound, names checked
        return int(row[0])

    def sum(self, collection: str, field: str, where: Fields | None = None) -> float:
        """Sum of a numeric field over the documents `query` would give; missing fields count 0.

        The sum is rounded once, at its end, so it does not depend on the order of the rows
        (https://docs.python.org/3/library/math.html#math.fsum).
        """
        condition, values = _condition(collection, where)
        value, kind = _extract(field)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {value} FROM documents WHERE {condition} AND {kind} IN ('integer', 'real')",  # noqa: S608 - values are bound, names checked
                values,
            )
            return math.fsum(row[0] for row in rows)

    def together(self) -> AbstractContextManager[None]:
        """See `Database.together`."""
        return self._database.together()

    def scrub(self, *, rewrite: bool = False) -> None:
        """Leave nothing of what was deleted in the database, see `Database.scrub`."""
        self._database.scrub(rewrite=rewrite)

    def close(self) -> None:
        """Close the database, for the queue as well."""
        self._database.close()


def _encode(fields: Fields) -> str:
    try:
        text = json.dumps(dict(fields), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError) as error:
        raise BadRequest(f"a document must consist of JSON values: {error}") from error
    return text


def _decode(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(text)
    return fields


def _condition(collection: str, where: Fields | None) -> tuple[str, tuple[Any, ...]]:
    terms = ["collection = ?"]
    values: list[str | float] = [collection]
    for name, wanted in (where or {}).items():
        value, kind = _extract(name)
        if wanted is None or isinstance(wanted, bool):
            terms.append(f"{kind} = ?")
            values.append({None: "null", True: "true", False: "false"}[wanted])
            if wanted:
                # Indexes are of values.
                terms.append(f"{value} = 1")
        elif isinstance(wanted, (int, float)):
            terms.append(f"{value} = ? AND {kind} IN ('integer', 'real')")
            values.append(wanted)
        elif isinstance(wanted, str):
            terms.append(f"{value} = ? AND {kind} = 'text'")
            values.append(wanted)
        else:
            raise BadRequest(f"cannot look for {name} = {wanted!r}: only text, numbers, booleans and None")
    return " AND ".join(terms), tuple(values)


def _extract(name: str) -> tuple[str, str]:
    """SQL for the value and for the JSON type of a top-level field."""
    # The name becomes part of the statement: as a parameter, it would not match the index's expression.
    if not (name.isascii() and name.isidentifier()):
        raise BadRequest(f"{name!r} cannot be the name of a field: use letters, digits and underscores")
    return f"json_extract(fields, '$.{name}')", f"json_type(fields, '$.{name}')"
