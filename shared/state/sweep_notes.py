"""What one sweep leaves to the next: how far each recording had come, and marks of how far was looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.messages import from_fields, to_fields
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports

SWEEPS = "sweeps"
"""Collection of what one sweep leaves to the next."""

WORKERS = "workers"
"""Key of the note on all chunks of all recordings; the others have the keys of recordings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a sweep remembers of a recording that is on its way, or of all of them."""

    done: int
    """Chunks with a result when last looked at."""
    since: float
    """When it last went on or was pushed, seconds since 1970."""
    looked: float
    """When it was last looked at, seconds since 1970; kept up to date for `WORKERS` only."""
    tries: int = 0
    """How often it was pushed since it last went on."""


def read(key: str, ports: Ports) -> Note | None:
    """The note on a recording, or on all of them (`WORKERS`); None where nobody has looked yet.

    Raises:
        Transient: the records did not answer.
    """
    fields = ports.records.get(SWEEPS, key)
    return None if fields is None else from_fields(fields, Note)


def write(key: str, note: Note, ports: Ports) -> None:
    """Write a note, whether there was one or not.

    Raises:
        Transient: it is not known to be written.
    """
    documents.put(SWEEPS, key, to_fields(note), ports)
