"""The tables of a full-text index (SQLite's FTS5), and what is done with them.

The row of a passage says when its recording ended: rows are in the order of time, so the newest hits are found without
looking at the others, however common a word is. Case and accents do not count, punctuation neither.
"""

from __future__ import annotations

import array
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.ports import Hit, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


TABLES = (
    "CREATE TABLE recordings (recording TEXT PRIMARY KEY, version INTEGER, slot INTEGER, slots INTEGER) WITHOUT ROWID",
    "CREATE UNIQUE INDEX recordings_by_slot ON recordings (slot)",
    "CREATE TABLE passages (id INTEGER PRIMARY KEY, text TEXT, start INTEGER, times BLOB)",
    (
        "CREATE VIRTUAL TABLE words USING fts5("
        "text, content = 'passages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2')"
    ),
)
"""Statements that make them."""
VERSION = 1
"""Version of these tables."""

ROOM = 4096
"""Passages of one slot; a slot is ten microseconds of the time in which recordings ended."""
_SLOTS = 100_000
"""In a second."""
AROUND = 12
"""Words of a snippet on each side of the first hit."""
_OPEN, _CLOSE = "\x01", "\x02"
_MARKS = re.compile(f"([{_OPEN}{_CLOSE}])")
_TICK = 100
"""Parts of a second in which times of words are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A hit and its place."""

    place: tuple[int, str]
    """Row and recording: greater is newer."""
    hit: Hit
    """What is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The words of one recording."""

    recording: str
    """Key of the recording."""
    at: float
    """When it ended, seconds since 1970."""
    version: int
    """Counts up with corrections: a greater one has newer words."""
    passages: tuple[Passage, ...]
    """Its words, in order."""

    @property
    def words(self) -> int:
        """Number of words."""
        return sum(len(one.times) for one in self.passages)


def put(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Add the words of a recording in place of those of an earlier version; False if they are there already.

    The connection is inside a transaction.
    """
    if (there := version_of(connection, entry.recording)) is not None:
        if there >= entry.version:
            return False
        remove(connection, entry.recording)
    slots = max(1, -(-len(entry.passages) // ROOM))
    slot = _free(connection, int(entry.at * _SLOTS), slots)
    connection.execute(
        "INSERT INTO recordings VALUES (?, ?, ?, ?)", (entry.recording, entry.version, slot, slots)
    )
    # Rows are read backwards, a recording is not.
    last = (slot + slots) * ROOM - 1
    rows = [
        (last - index, one.text, round(one.start * 1000), _packed(one))
        for index, one in enumerate(entry.passages)
    ]
    connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", (row[:2] for row in rows))
    return True


def remove(connection: sqlite3.Connection, recording: str) -> bool:
    """Take the words of a recording out; False if there are none. `tidy` erases what the file still holds of them."""
    found = connection.execute(
        "SELECT slot, slots FROM recordings WHERE recording = ?", (recording,)
    ).fetchone()
    if found is None:
        return False
    bounds = (found[0] * ROOM, (found[0] + found[1]) * ROOM - 1)
    connection.execute(
        "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM passages WHERE id BETWEEN ? AND ?",
        bounds,
    )
    connection.execute("DELETE FROM passages WHERE id BETWEEN ? AND ?", bounds)
    connection.execute("DELETE FROM recordings WHERE recording = ?", (recording,))
    return True


def tidy(connection: sqlite3.Connection) -> None:
    """Write the index anew, so that nothing of what was taken out is in it. Fifty million words take half a minute."""
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")


def find(
    connection: sqlite3.Connection, wanted: Sequence[str], limit: int, before: tuple[int, str] | None
) -> list[Row]:
    """Up to `limit` passages that have all phrases, the newest first.

    `wanted` is from `wanted.phrases`; `before` the place of the last passage of the page before.

    Raises:
        BadRequest: the index cannot look for this.
    """
    # What is quoted is never an operator; the tokenizer drops the punctuation.
    match = " AND ".join('"' + one.replace('"', " ") + '"' for one in wanted)
    condition = "" if before is None else "AND words.rowid <= ?"
    # One more for the row of `before` itself.
    values = (_OPEN, _CLOSE, match, *(() if before is None else (before[0],)), limit + (before is not None))
    try:
        rows = connection.execute(
            "SELECT words.rowid, highlight(words, 0, ?, ?), passages.start, passages.times "  # noqa: S608 - values are bound
            f"FROM words JOIN passages ON passages.id = words.rowid WHERE words MATCH ? {condition} "
            "ORDER BY words.rowid DESC LIMIT ?",
            values,
        ).fetchall()
    except sqlite3.OperationalError as error:
        if "fts5" not in str(error):
            raise
        raise BadRequest("Nothing to search for. Try other words.") from error
    found = []
    for row, marked, start, times in rows:
        (recording,) = connection.execute(
            "SELECT recording FROM recordings WHERE slot <= ? ORDER BY slot DESC LIMIT 1", (row // ROOM,)
        ).fetchone()
        if before is None or (row, recording) < before:
            found.append(Row(place=(row, recording), hit=_hit(recording, marked, start, times)))
    return found[:limit]


def version_of(connection: sqlite3.Connection, recording: str) -> int | None:
    """The version of a recording's words; None if there are none."""
    found = connection.execute("SELECT version FROM recordings WHERE recording = ?", (recording,)).fetchone()
    return None if found is None else int(found[0])


def recordings(connection: sqlite3.Connection) -> list[str]:
    """The keys of all recordings, the oldest first."""
    return [key for (key,) in connection.execute("SELECT recording FROM recordings ORDER BY slot")]


def words(connection: sqlite3.Connection) -> int:
    """Number of words of all recordings."""
    # Two bytes are the time of a word.
    (found,) = connection.execute("SELECT coalesce(sum(length(times)), 0) / 2 FROM passages").fetchone()
    return int(found)


def everything(connection: sqlite3.Connection) -> Iterator[Entry]:
    """The words of all recordings, the oldest first."""
    for recording, version, slot, slots in connection.execute(
        "SELECT * FROM recordings ORDER BY slot"
    ).fetchall():
        rows = connection.execute(
            "SELECT text, start, times FROM passages WHERE id BETWEEN ? AND ? ORDER BY id DESC",
            (slot * ROOM, (slot + slots) * ROOM - 1),
        )
        passages = tuple(_unpacked(*row) for row in rows)
        yield Entry(recording=recording, at=slot / _SLOTS, version=version, passages=passages)


def place_of(cursor: str | None) -> tuple[int, str] | None:
    """The place that a cursor stands for.

    Raises:
        BadRequest: it is not valid.
    """
    if cursor is None:
        return None
    row, dot, recording = cursor.partition(".")
    if not dot or not row.isdecimal() or len(row) > 18 or not recording:
        raise BadRequest("The cursor of the search is not valid. Search again.")
    return int(row), recording


def cursor_of(place: tuple[int, str]) -> str:
    """A place as a text for callers."""
    return f"{place[0]}.{place[1]}"


def _free(connection: sqlite3.Connection, slot: int, slots: int) -> int:
    """The first room at a time or after it."""
    while True:
        taken = connection.execute(
            "SELECT slot + slots FROM recordings WHERE slot < ? ORDER BY slot DESC LIMIT 1", (slot + slots,)
        ).fetchone()
        if taken is None or taken[0] <= slot:
            return slot
        slot = taken[0]


def _packed(one: Passage) -> bytes:
    """Times of words from the start of the passage, in hundredths of a second; those after ten minutes are cut."""
    found = array.array("H", (min(65_535, max(0, round((time - one.start) * _TICK))) for time in one.times))
    return found.tobytes()


def _unpacked(text: str, start: int, times: bytes) -> Passage:
    at = start / 1000
    return Passage(start=at, text=text, times=tuple(at + tick / _TICK for tick in array.array("H", times)))


def _hit(recording: str, marked: str, start: int, times: bytes) -> Hit:
    words = marked.split(" ")
    first = next((index for index, word in enumerate(words) if _OPEN in word), 0)
    ticks = array.array("H", times)
    at = start / 1000 + (ticks[first] / _TICK if first < len(ticks) else 0.0)
    some = words[max(0, first - AROUND) : first + AROUND + 1]
    text = " ".join(some)
    if first > AROUND:
        text = f"… {text}"
    if first + AROUND + 1 < len(words):
        text = f"{text} …"
    parts, inside = [], False
    for piece in _MARKS.split(text):
        if piece in (_OPEN, _CLOSE):
            inside = piece == _OPEN
        elif piece:
            parts.append((piece, inside))
    return Hit(recording=recording, start=at, parts=tuple(parts))
