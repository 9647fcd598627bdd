"""Find the recording with the content of a file, so that one that was renamed after it was transcribed is known again.

Renaming keeps size and time of change, so both are compared, and besides the content: all of a file up to 4 MB, of a
larger one its beginning, its end, and places between them. What was copied with another time is transcribed again:
only reading all of it would tell whether it is the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Options, Recording, StoredObject
    from shared.ports import Ports

COLLECTION = "contents"
"""One document for each content and options."""

WHOLE = 4 * 1024 * 1024
"""Bytes up to which a file is read in full."""
ENDS, PLACE, PLACES = 1024 * 1024, 64 * 1024, 14
"""Bytes at the beginning and at the end of a larger one, bytes at each place between them, and how many places."""
KEPT = 15
"""How many recordings are known of a content besides the newest: enough of them are DONE and were not deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The document."""

    recording: str
    """Key of the newest recording that was made of it."""
    earlier: tuple[str, ...] = ()
    """Those before it, newest first, at most `KEPT`."""


def key_of(source: StoredObject, options: Options, ports: Ports) -> str:
    """Key of the document for a file and the options that change its transcript.

    Raises:
        Permanent: the file cannot be read, or has changed.
        Transient: the disk did not answer.
    """
    digest = hashlib.sha256(f"{source.size} {source.generation} {options.fingerprint()}\0".encode())
    for start, length in _parts(source.size):
        digest.update(ports.store.read(source, start, length))
    return digest.hexdigest()


def _parts(size: int) -> list[tuple[int, int]]:
    if size <= WHOLE:
        return [(0, size)]
    between = size - 2 * ENDS - PLACE
    places = [(ENDS + between * one // (PLACES - 1), PLACE) for one in range(PLACES)]
    return [(0, ENDS), *places, (size - ENDS, ENDS)]


def remember(key: str, recording: str, ports: Ports, *, done: Recording | None = None) -> None:
    """Note a recording of a content, besides those that are known: the last one may never be done, or be deleted.

    Args:
        key: of the content.
        recording: key of the newest one.
        done: a finished one, which is not forgotten for many that are not.
        ports: the adapters to use.
    """

    def noted(before: Content) -> Content:
        known = dict.fromkeys((recording, *((done.id,) if done else ()), before.recording, *before.earlier))
        newest, *earlier = known
        return Content(recording=newest, earlier=tuple(earlier[:KEPT]))

    documents.change(COLLECTION, key, Content, noted, ports.records, first=Content(recording=recording))


def find(key: str, ports: Ports, fits: Callable[[Recording], bool] = lambda _: True) -> Recording | None:
    """The newest finished recording of a content that fits; None if there is none, or not any more."""
    known = documents.mark(COLLECTION, key, Content, ports.records)
    if known is None:
        return None
    for one in (known.recording, *known.earlier):
        found = documents.glance(ports.records, one)
        if found is not None and found.state == "DONE" and fits(found):
            return found
    return None
