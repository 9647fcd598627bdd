"""The collections of the flow, and how a recording's document is read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import BadRequest
from shared.messages import from_fields, to_fields
from shared.model import Recording
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.ports import Fields, Ports, Records

RECORDINGS = "recordings"
CHUNKS = "chunks"
LEDGER = "ledger"


def put(collection: str, key: str, fields: Fields, ports: Ports) -> None:
    """Write a document, whether there was one or not.

    Raises:
        Transient: the write is not confirmed.
    """
    if not ports.records.create(collection, key, fields):
        ports.records.update(collection, key, lambda _: fields)


def chunk_key(recording: str, index: int) -> str:
    """Key of a chunk's document, and stem of its result object."""
    return f"{recording}.{index:05d}"


def get_recording(records: Records, key: str) -> Recording | None:
    """One recording, or None."""
    fields = records.get(RECORDINGS, key)
    return None if fields is None else from_fields(fields, Recording)


def recordings(records: Records, where: Fields | None = None) -> Iterator[Recording]:
    """All recordings whose fields equal `where`; one that this version cannot read is logged and left out."""
    for key, fields in records.query(RECORDINGS, where):
        try:
            yield from_fields(fields, Recording)
        except BadRequest as error:
            log.warning("recording %s cannot be read: %s", key, error)


def change_recording(
    ports: Ports, key: str, change: Callable[[Recording], Recording | None]
) -> Recording | None:
    """Change a recording in one transaction; `change` returns None to leave it as it is.

    Returns:
        The recording afterwards, or None if there is none.
    """

    def on_fields(fields: dict[str, Any]) -> Fields | None:
        changed = change(from_fields(fields, Recording))
        return None if changed is None else to_fields(changed)

    fields = ports.records.update(RECORDINGS, key, on_fields)
    return None if fields is None else from_fields(fields, Recording)
