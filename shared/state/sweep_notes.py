"""What one sweep leaves to the next: the progress of each recording, and marks of how far it looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports

SWEEPS = "sweeps"
"""Collection of the notes and marks."""

WORKERS = "workers"
"""Key of the note on all chunks of all recordings; the other notes have the keys of recordings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a sweep remembers of a recording in progress, or of all of them."""

    done: int
    """Chunks with a result at the last look."""
    since: float
    """When it last made progress or was pushed, seconds since 1970."""
    looked: float
    """When it was last looked at, seconds since 1970; kept up to date for `WORKERS` only."""
    awake: float = 0.0
    """Since when there have been sweeps without a pause, seconds since 1970; for `WORKERS` only."""
    tries: int = 0
    """How often it was pushed since it last made progress."""


def read(key: str, ports: Ports) -> Note | None:
    """The note on a recording, or on all of them (`WORKERS`); None before the first look."""
    return documents.mark(SWEEPS, key, Note, ports.records)


def write(key: str, note: Note, ports: Ports) -> None:
    """Write a note, whether there was one or not."""
    documents.put(SWEEPS, key, note, ports)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Where a part of the sweep stopped, because more waited than a tick looks at."""

    after: str
    """Key of the last thing that it looked at."""


def stopped_at(part: str, ports: Ports) -> str:
    """The key behind which a part of the sweep goes on; empty: at the beginning."""
    stop = documents.mark(SWEEPS, part, Stop, ports.records)
    return "" if stop is None else stop.after


def stop_at(part: str, key: str, ports: Ports) -> None:
    """Note the key behind which a part of the sweep goes on."""
    documents.put(SWEEPS, part, Stop(after=key), ports)
