"""One poll for all open pages.

A poll reads the newest recordings and those in progress, within a budget of documents a second: on one machine reading is
free, in a project each document costs. What differs from the previous poll becomes a numbered event. A new viewer
is told, after its first poll, to load everything: what changed before has no event. One who reconnects
with the number of the last event that it saw gets all later ones, if they are still kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from anyio import to_thread

from console.api.answers import ApiError
from console.api.rows import row
from console.api.types import RecordingItem
from shared.errors import DropscribeError
from shared.state import dead_letters, documents, pagination
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.model import Recording
    from shared.ports import Ports

KEPT = 1000
"""Events that are kept for viewers who reconnect."""
MOST_VIEWERS = 200
"""Streams at one time."""
MOST_EACH = 50
"""Streams of one account; with a token all viewers are the same."""
PAUSE_HERE, PAUSE_THERE = 0.5, 2.0
"""Seconds between two looks, on one machine and in a project."""
NEWEST_HERE, NEWEST_THERE = 100, 1
"""Newest recordings of each look."""
MOST_AT_ONCE = 100
"""Recordings that are read where something new is seen."""
COUNTED_THERE = 15
"""In a project dead letters are counted with one look of so many: every half minute."""
FOLLOWED_HERE, FOLLOWED_THERE = 200, 2
"""Recordings on the way of each look, in turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something changed."""

    number: int
    """Counts up."""
    kind: str
    """recording, chunks, costs, trouble or reload."""
    data: Any
    """JSON values."""
    recording: str = ""
    """The one it is about; empty: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What one look found."""

    rows: list[RecordingItem]
    """Rows of the newest recordings and of those on the way."""
    letters: int
    """Number of dead letters."""


class Feed:
    """The events of a deployment. For one event loop."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._here = ports.settings.platform == "local"
        self.pause = PAUSE_HERE if self._here else PAUSE_THERE
        self._newest = NEWEST_HERE if self._here else NEWEST_THERE
        self._followed = FOLLOWED_HERE if self._here else FOLLOWED_THERE
        # Numbers of an earlier process are never taken for those of this one.
        self._number = int(time.time() * 1000)
        self._events: deque[Event] = deque(maxlen=KEPT)
        # Those that were looked at last stand last.
        self._rows: dict[str, RecordingItem] = {}
        self._letters: int | None = None
        self._looks = 0
        self._viewers = 0
        self._streams: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def enter(self, who: str = "") -> None:
        """Take a place for a stream that is about to begin, for `leave` to give back.

        `who` is the account; empty if unknown.

        Raises:
            ApiError: there is no place left.
        """
        every, own = self._streams.total(), self._streams[who] if who else 0
        if every >= MOST_VIEWERS or own >= MOST_EACH:
            there = every if every >= MOST_VIEWERS else own
            raise ApiError(
                503, "too_many_streams", f"{there} pages are open. Close some, then load this one again."
            )
        self._streams[who] += 1

    def leave(self, who: str = "") -> None:
        """Give back the place of a stream that has ended."""
        self._streams -= Counter({who: 1})

    async def events(self, last: int | None) -> AsyncGenerator[Event, None]:
        """What changes from now on, or from an earlier event on.

        `last` is the number of the last event that the viewer saw; None: of none.
        """
        self._viewers += 1
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run())
            while True:
                changed = self._changed
                has_looked = self._letters is not None
                if has_looked and (last is None or not self._has_since(last)):
                    last = self._number
                    yield Event(number=last, kind="reload", data={})
                    continue
                for event in [one for one in self._events if one.number > (last or 0)]:
                    last = event.number
                    yield event
                await changed.wait()
        finally:
            self._viewers -= 1

    def _has_since(self, last: int) -> bool:
        oldest = self._events[0].number if self._events else self._number + 1
        return oldest <= last + 1 and last <= self._number

    async def _run(self) -> None:
        try:
            first = True
            while self._viewers:
                try:
                    self._tell(await to_thread.run_sync(self._look), silently=first)
                    first = False
                except DropscribeError as error:
                    log.warning("the page cannot be told what changes now: %s", error)
                await asyncio.sleep(self.pause)
        finally:
            # What changes without a viewer is loaded by the next one.
            self._task = None
            self._rows, self._letters = {}, None
            self._events.clear()
            self._number += 1

    def _look(self) -> _Look:
        ports = self._ports
        self._looks += 1
        newest = pagination.page(ports.records, pagination.Filter(), self._newest).recordings
        if not self._here and self._rows and any(one.id not in self._rows for one in newest):
            # Others may have come with it since the look before.
            last = max(one.created for one in self._rows.values())
            more = pagination.page(ports.records, pagination.Filter(), MOST_AT_ONCE).recordings
            newest = tuple(one for one in more if one.created > last)
        found = {one.id: one for one in newest}
        if self._here:
            on_the_way = pagination.page(
                ports.records, pagination.Filter(in_progress=True), self._followed
            ).recordings
            found |= {one.id: one for one in on_the_way}
        followed = [
            key for key, one in self._rows.items() if one.state in pagination.IN_PROGRESS and key not in found
        ]
        for key in followed[: self._followed]:
            one = documents.glance(ports.records, key)
            if one is not None:
                found[key] = one
        rows = [self._shown(one) for one in found.values() if one.source.name or one.id in self._rows]
        return _Look(rows=rows, letters=self._count_letters())

    def _count_letters(self) -> int:
        """How many dead letters there are; in a project, where counting is a read, as they were counted a moment ago."""
        if not self._here and self._letters is not None and self._looks % COUNTED_THERE:
            return self._letters
        return self._ports.records.count(dead_letters.DEAD_LETTERS)

    def _shown(self, one: Recording) -> RecordingItem:
        """Its row; the sums of one that has ended are not read again, and a deleted one keeps what a page knows of it."""
        before = self._rows.get(one.id)
        if before is not None and not one.source.name:
            return msgspec.structs.replace(before, state=one.state)
        if before is not None and one.ended and (before.state, before.finished) == (one.state, one.finished):
            return before
        return row(one, self._ports)

    def _tell(self, look: _Look, *, silently: bool) -> None:
        money = trouble = False
        for shown in sorted(look.rows, key=lambda one: one.created):
            before = self._rows.pop(shown.id, None)
            self._rows[shown.id] = shown
            if silently or before == shown:
                continue
            money = money or before is None or before.usd != shown.usd
            trouble = trouble or shown.trouble != (before.trouble if before else False)
            self._add("recording", msgspec.to_builtins(shown), shown.id)
            if before is not None and before.chunks_done != shown.chunks_done:
                done = {"id": shown.id, "done": shown.chunks_done, "of": shown.chunks}
                self._add("chunks", done, shown.id)
        trouble = trouble or (not silently and look.letters != self._letters)
        self._letters = look.letters
        for kind, is_so in (("costs", money), ("trouble", trouble)):
            if is_so:
                self._add(kind, {})
        self._changed.set()
        self._changed = asyncio.Event()

    def _add(self, kind: str, data: Any, recording: str = "") -> None:
        self._number += 1
        self._events.append(Event(number=self._number, kind=kind, data=data, recording=recording))
