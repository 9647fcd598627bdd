"""Words of all transcripts in Cloud Storage: immutable shards, each an index of SQLite, and the newest recordings one by one.

    search/new/RECORDING.00000    words of one recording, from the moment it is put
    search/shards/ID.sqlite       an index of many recordings
    search/shards/ID.recordings   their keys, one a line

A process that searches keeps the shards on its disk and the newest recordings in memory. One in `EACH` recordings folds the new
ones into a shard. One document says which shards count, and is changed by compare and set: a fold that loses, or dies, leaves
objects that are never read. Nothing runs and nothing is read without a transcript or a search.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared import concurrency
from shared.errors import BadRequest, StoreUnavailable, Transient
from shared.messages import decode, encode, from_fields
from shared.ports import Hits, Passage, Records, Store
from shared.search import wanted, words_index
from shared.search.words_index import Entry, Row
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model import StoredObject

NEW, SHARDS = "search/new/", "search/shards/"
STATE, CATALOGUE = "state", "search"
"""Collection and key of the document that names the shards."""
EACH = 32
"""One in so many recordings folds those that are new."""
FULL = 2_000_000
"""Words of a shard that is not rewritten any more but for deletions: some 40 MB."""
_EMPTY: dict[str, Any] = {"version": 0, "shards": []}
TRIES = 5
"""How often a process that meets others begins again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shard:
    """What the catalogue says of a shard."""

    name: str
    words: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Catalogue:
    """The document that names the shards."""

    version: int
    shards: tuple[_Shard, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Built:
    """A new index."""

    data: bytes
    recordings: list[str]
    words: int


class ObjectSearch:
    """The full-text index of a project; safe to use from several threads and processes.

    Implements `shared.ports.Search` over the two ports below it.
    """

    def __init__(
        self, store: Store, records: Records, bucket: str, *, each: int = EACH, full: int = FULL
    ) -> None:
        self._store, self._records, self._bucket = store, records, bucket
        self._each, self._full = each, full
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._shards: dict[str, sqlite3.Connection] = {}
        self._newest: sqlite3.Connection | None = None
        self._there: dict[str, Entry] = {}

    def put(self, recording: str, at: float, version: int, passages: Sequence[Passage]) -> None:
        """Add the words of a recording, in place of those of an earlier version."""
        made = Entry(recording=recording, at=at, version=version, passages=tuple(passages))
        name = f"{NEW}{recording}.{version:05d}"
        if not self._store.create(self._bucket, name, zlib.compress(encode(made), 1), "application/zlib"):
            return
        if int(hashlib.sha256(name.encode()).hexdigest(), 16) % self._each == 0:
            # The words are there; if this fails, the next one does it.
            with contextlib.suppress(Transient):
                self.fold()

    def remove(self, recording: str) -> None:
        """Delete the words of a recording: its own object, and every shard that has it is written anew.

        Raises:
            StoreUnavailable: no answer in time, or others kept changing the shards.
        """
        self._delete(list(self._store.list(self._bucket, f"{NEW}{recording}.")))
        # A fold that still has the words in hand is not to count.
        self._catalogue()
        self._records.create(STATE, CATALOGUE, _EMPTY)
        self._records.update(STATE, CATALOGUE, lambda stored: {**stored, "version": stored["version"] + 1})
        for _ in range(TRIES):
            holding = [one for one in self._catalogue().shards if recording in self._recordings(one)]
            if all(self._without(one, recording) for one in holding):
                return
        raise StoreUnavailable("the search index is being changed by others; try again")

    def find(self, typed: str, limit: int, cursor: str | None = None) -> Hits:
        """Up to `limit` passages that have all words of a search, the newest first.

        The first search of a process loads the shards.

        Raises:
            BadRequest: this cannot be searched for, or the cursor is not valid.
        """
        phrases, before = wanted.phrases(typed), words_index.place_of(cursor)
        with self._lock:
            indexes = self._current()
            rows = [
                (row, index) for index in indexes for row in words_index.find(index, phrases, limit, before)
            ]
            rows.sort(key=lambda one: one[0].place, reverse=True)
            page = rows[:limit]
            hits = tuple(row.hit for row, index in page if index is _owner(row, indexes))
        more = words_index.cursor_of(page[-1][0].place) if len(page) == limit else None
        return Hits(hits=hits, cursor=more)

    def fold(self) -> bool:
        """Write the new recordings, and the shards that are not larger, into one shard; False if others did so first."""
        catalogue = self._catalogue()
        new = list(self._store.list(self._bucket, NEW))
        loaded = [made for one in new if (made := self._load_new(one.name)) is not None]
        if not loaded:
            return False
        words, merged = sum(one.words for one in loaded), []
        for one in sorted(catalogue.shards, key=lambda shard: shard.words):
            if one.words <= words and one.words < self._full:
                words += one.words
                merged.append(one)
        kept = [one for one in catalogue.shards if one not in merged]
        swapped = self._swap(catalogue.version, kept, [self._fetched(one) for one in merged], loaded)
        if swapped:
            self._delete([*new, *self._objects(merged)])
        return swapped

    def close(self) -> None:
        """Forget what is kept here of the shards."""
        with self._lock:
            for one in (*self._shards.values(), *([self._newest] if self._newest else ())):
                one.close()
            self._shards, self._there, self._newest = {}, {}, None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _without(self, shard: _Shard, recording: str) -> bool:
        catalogue = self._catalogue()
        kept = [one for one in catalogue.shards if one != shard]
        if len(kept) == len(catalogue.shards):
            return False
        swapped = self._swap(catalogue.version, kept, [self._fetched(shard)], [], leave=recording)
        if swapped:
            self._delete(self._objects([shard]))
        return swapped

    def _swap(
        self,
        version: int,
        kept: list[_Shard],
        parts: list[bytes],
        entries: Iterable[Entry],
        *,
        leave: str = "",
    ) -> bool:
        """Make a shard of others and of new recordings, and let it count in their place unless another process was faster."""
        built = _built(parts, entries, leave)
        made = _Shard(name=f"{SHARDS}{concurrency.new_id()}", words=built.words)
        self._store.create(self._bucket, f"{made.name}.sqlite", built.data, "application/vnd.sqlite3")
        self._store.create(
            self._bucket, f"{made.name}.recordings", "\n".join(built.recordings).encode(), "text/plain"
        )
        now = [*kept, *([made] if built.recordings else [])]
        after = {"version": version + 1, "shards": [{"name": one.name, "words": one.words} for one in now]}
        self._records.create(STATE, CATALOGUE, _EMPTY)

        def to_swapped(stored: dict[str, Any]) -> dict[str, Any] | None:
            return after if stored.get("version") == version else None

        ours = self._records.update(STATE, CATALOGUE, to_swapped) == after
        if not ours or not built.recordings:
            self._delete(self._objects([made]))
        return ours

    def _catalogue(self) -> _Catalogue:
        stored = self._records.get(STATE, CATALOGUE)
        try:
            return from_fields(_EMPTY if stored is None else stored, _Catalogue)
        except BadRequest as error:
            log.error(
                "%s/%s cannot be read (%s), so the search begins anew: `dropscribe reindex` adds all transcripts again",
                STATE, CATALOGUE, error,
            )  # fmt: skip
            # What cannot be found any more is not to stay.
            shards = list(self._store.list(self._bucket, SHARDS))
            anew = {"version": int(concurrency.new_id()[:12], 16), "shards": []}
            self._records.update(STATE, CATALOGUE, lambda now: anew if now == stored else None)
            self._delete(shards)
            return self._catalogue()

    def _recordings(self, shard: _Shard) -> set[str]:
        return set(self._fetched(shard, "recordings").decode().split("\n"))

    def _fetched(self, shard: _Shard, suffix: str = "sqlite") -> bytes:
        data = self._store.load(self._bucket, f"{shard.name}.{suffix}")
        if data is None:
            raise StoreUnavailable("a shard of the search index was replaced just now; try again")
        return data

    def _objects(self, shards: list[_Shard]) -> list[StoredObject]:
        return [found for one in shards for found in self._store.list(self._bucket, f"{one.name}.")]

    def _delete(self, objects: Iterable[StoredObject]) -> None:
        for one in objects:
            self._store.delete(self._bucket, one.name, one.generation)

    def _load_new(self, name: str) -> Entry | None:
        data = self._store.load(self._bucket, name)
        return None if data is None else decode(zlib.decompress(data), Entry)

    def _current(self) -> list[sqlite3.Connection]:
        """The indexes as they are now: the new recordings, then all shards."""
        for _ in range(TRIES):
            # In this order: what is folded in between is in both.
            new = {one.name for one in self._store.list(self._bucket, NEW)}
            shards = self._catalogue().shards
            try:
                self._keep(shards)
            except StoreUnavailable as error:
                log.info("the shards change: %s", error)
                continue
            return [self._tail(new), *(self._shards[one.name] for one in shards)]
        raise StoreUnavailable("the search index is being changed by others; try again")

    def _keep(self, shards: Sequence[_Shard]) -> None:
        """Have exactly these shards on this disk."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="dropscribe-search-")
        wanted_now = {one.name: one for one in shards}
        for name in [one for one in self._shards if one not in wanted_now]:
            self._shards.pop(name).close()
            self._path(name).unlink(missing_ok=True)
        for name, one in wanted_now.items():
            if name not in self._shards:
                self._path(name).write_bytes(self._fetched(one))
                self._shards[name] = sqlite3.connect(
                    f"{self._path(name).as_uri()}?immutable=1", uri=True, check_same_thread=False
                )

    def _tail(self, names: set[str]) -> sqlite3.Connection:
        """An index in memory of the new recordings."""
        if self._newest is None or self._there.keys() - names:
            if self._newest is not None:
                self._newest.close()
            self._newest, known = _empty(":memory:"), self._there
            self._there = {}
        else:
            known = {}
        for name in sorted(names - self._there.keys()):
            made = known.get(name) or self._load_new(name)
            if made is not None:
                words_index.put(self._newest, made)
                self._there[name] = made
        return self._newest

    def _path(self, name: str) -> Path:
        assert self._folder is not None, "it is made before"
        return Path(self._folder.name) / f"{name.rpartition('/')[2]}.sqlite"


def _owner(row: Row, indexes: Sequence[sqlite3.Connection]) -> sqlite3.Connection:
    """The index whose words of a recording count: the newest version, and of equal ones the first."""
    versions = [words_index.version_of(one, row.hit.recording) for one in indexes]
    newest = max(one for one in versions if one is not None)
    return indexes[versions.index(newest)]


def _built(parts: list[bytes], entries: Iterable[Entry], leave: str) -> _Built:
    """A new index of others and of new recordings, without the one to `leave` out."""
    with tempfile.TemporaryDirectory(prefix="dropscribe-search-") as folder:
        path = Path(folder) / "made.sqlite"
        index = _empty(str(path))
        try:
            for one in (*_of(parts, Path(folder)), *entries):
                if one.recording != leave:
                    words_index.put(index, one)
            words_index.tidy(index)
            index.commit()
            recordings, words = words_index.recordings(index), words_index.words(index)
            index.execute("VACUUM")
        finally:
            index.close()
        return _Built(data=path.read_bytes(), recordings=recordings, words=words)


def _of(parts: list[bytes], folder: Path) -> Iterable[Entry]:
    for number, data in enumerate(parts):
        path = folder / f"{number}.sqlite"
        path.write_bytes(data)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            yield from words_index.everything(connection)


def _empty(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    # A process that dies on the way leaves a file that is never read.
    connection.execute("PRAGMA synchronous = OFF")
    for statement in words_index.TABLES:
        connection.execute(statement)
    return connection
