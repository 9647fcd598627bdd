"""The sound of a recording, for a player that seeks in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import Response, StreamingResponse

from console.api.answers import ApiError, answered
from console.api.rows import find, seconds
from console.api.types import Sound
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from shared.model import Recording, StoredObject
    from shared.ports import Ports

TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "mov": "audio/mp4",
    "aac": "audio/aac",
    "matroska": "video/webm",
}
"""What browsers play, by FFmpeg's name of the container: an answer has no other type, whatever the upload claims."""
PIECE = 256 * 1024
"""Bytes that are read at one time."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def sound(one: Recording, ports: Ports) -> Sound | None:
    """What a player of this recording loads; None if there is nothing that browsers play."""
    del ports
    kind = TYPES.get(one.audio.format.partition(",")[0]) if one.audio else None
    if kind is None or one.state == "DELETED":
        return None
    return Sound(
        url=f"/api/v1/recordings/{one.id}/audio", rendition=False, media_type=kind, seconds=seconds(one)
    )


@answered
async def audio(request: Request) -> Response:
    """`GET /recordings/ID/audio`, whole or a range (RFC 9110, 14)."""
    ports: Ports = request.app.state.ports
    one = await to_thread.run_sync(find, request, ports)
    found = sound(one, ports)
    live = await to_thread.run_sync(ports.store.stat, one.source.bucket, one.source.name)
    if found is None or live is None or live.generation != one.source.generation:
        raise ApiError(
            404,
            "no_audio",
            "There is no audio to play: its file is gone or was replaced, or browsers do not play its format. "
            "Download it from where it was uploaded.",
        )
    size, given = live.size, request.headers.get("range")
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{live.generation}"',
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": "inline",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    start, end = 0, size
    if given is not None:
        start, end = span(given, size)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    status = 200 if given is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=found.media_type)
    body = _bytes(live, start, end, ports)
    return StreamingResponse(body, status, headers, found.media_type)


def span(given: str, size: int) -> tuple[int, int]:
    """First byte, and one past the last, of a `Range` header.

    Raises:
        ApiError: 416, there is no such range.
    """
    match = RANGE.fullmatch(given.strip())
    first, last = (match[1], match[2]) if match else ("", "")
    if first:
        start, end = int(first), min(size, int(last) + 1) if last else size
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        start = end = size
    if start >= end:
        raise ApiError(
            416,
            "range",
            f"The file has {size:,} bytes, and {given[:60]!r} is no single range of them. Load it anew.",
        )
    return start, end


async def _bytes(source: StoredObject, start: int, end: int, ports: Ports) -> AsyncIterator[bytes]:
    while start < end:
        try:
            data = await to_thread.run_sync(ports.store.read, source, start, min(PIECE, end - start))
        except BadMedia:
            return
        if not data:
            return
        start += len(data)
        yield data
