"""Who asked for what, and when. Entries are added, never changed, and have no name or text of a file.

Each is a document, for `dropscribe audit`, and a line of the log, for a collector.
"""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import concurrency
from shared.messages import to_fields
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.ports import Ports, Records

AUDIT = "audit"
"""Collection of the entries; their keys are in the order of time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that a person or a service asked for."""

    time: float
    """When, seconds since 1970."""
    who: str
    """Account and machine of the person, or the part of the deployment that acts without one."""
    action: str
    """What, by the name of its command."""
    about: tuple[str, ...] = ()
    """Keys of the recordings, uploads, requests or messages; flags with their values."""
    count: int = 0
    """How many."""


def note(action: str, about: Sequence[str], ports: Ports, *, who: str = "") -> None:
    """Add an entry, before what it says is done.

    Of the keys in `about` the first hundred are kept. An empty `who` is the account of this process.

    Raises:
        Transient: it is not noted, so do not begin.
    """
    now = ports.clock.now()
    entry = Entry(time=now, who=who or account(), action=action, about=tuple(about[:100]), count=len(about))
    ports.records.create(AUDIT, f"{now:017.6f}-{concurrency.new_id()[:8]}", to_fields(entry))
    log.info("audit: %s asks for %s of %s", entry.who, action, ", ".join(entry.about) or "nothing")


def account() -> str:
    """Account and machine of this process."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "unknown"  # a container may have no name for its account
    return f"{name}@{socket.gethostname()}"


def entries(records: Records, *, after: str = "") -> Iterator[tuple[str, Entry]]:
    """The entries with their keys, the oldest first, all those after a key."""
    return documents.every(AUDIT, Entry, records, after=after)
