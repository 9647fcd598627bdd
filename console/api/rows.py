"""A recording as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.api.answers import not_found
from console.api.types import RecordingItem
from shared.flow import record
from shared.in_words import encodable, printable
from shared.state import documents

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.model import Recording
    from shared.ports import Ports


def find(request: Request, ports: Ports) -> Recording:
    """The recording that an address names.

    Raises:
        ApiError: there is none.
    """
    key = request.path_params["id"]
    one = documents.get_recording(ports.records, key) if key.isalnum() and len(key) <= 64 else None
    if one is None:
        raise not_found(key)
    return one


def row(one: Recording, ports: Ports) -> RecordingItem:
    """A recording in a list."""
    engines = {chunk.engine for chunk in one.chunks} or ({one.decision.engine} if one.decision else set())
    return RecordingItem(
        id=one.id,
        name=encodable(printable(one.called)),
        uri=encodable(printable(one.source.uri)) if one.source.name else "",
        state=one.state,
        label=one.label,
        created=one.created,
        finished=one.finished,
        seconds=one.length,
        method=one.decision.method if one.decision else None,
        engines=sorted(engines),
        usd=round(record.cost(one.id, ports), 6) if one.chunks else 0.0,
        chunks=len(one.chunks),
        chunks_done=done(one, ports),
        held=one.is_held,
        trouble=one.trouble,
        reason=encodable(one.reason or (one.held if one.is_held else "")),
        warnings=len(one.warnings),
        language=one.language or one.options.language or "",
        size=one.source.size,
    )


def done(one: Recording, ports: Ports) -> int:
    """Number of chunks that have a result."""
    if one.ended or not one.chunks:
        return len(one.chunks) if one.state == "DONE" else 0
    return documents.count_done(one, ports.records)
