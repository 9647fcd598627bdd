"""The audio of a recording, for a player that seeks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import Response, StreamingResponse

from console.api.answers import ApiError, answered
from console.api.rows import find
from console.api.types import Sound
from console.bodies import hung_up
from shared.audio.containers import BY_NAME
from shared.errors import BadMedia
from shared.flow.reading import rendition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from console.renditions import Renditions
    from shared.model import Recording, StoredObject
    from shared.ports import Ports

PATIENCE = 600
"""Seconds that a player waits for a rendition."""
PIECE = 256 * 1024
"""Bytes that are read at one time."""
LARGEST = 30 * 1024 * 1024
"""Bytes of an answer that says its length. Cloud Run lets out 32 MiB of such answers, and any number of bytes of those
that come in chunks (https://cloud.google.com/run/quotas)."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def sound(one: Recording) -> Sound | None:
    """What a player of this recording loads; None if there is none.

    Browsers cannot play every format, and cannot seek precisely in some. These get a rendition, which is made when a
    player first asks for it.
    """
    if one.state == "DELETED" or one.audio is None or not one.chunks:
        return None
    url = f"/api/v1/recordings/{one.id}/audio"
    if rendition.wanted(one):
        return Sound(
            url=f"{url}?rendition=1", rendition=True, media_type=rendition.MEDIA_TYPE, seconds=one.length
        )
    return Sound(url=url, rendition=False, media_type=_type(one), seconds=one.length)


def _type(one: Recording) -> str:
    """What browsers play: an answer has no other type, whatever the upload claims."""
    container = BY_NAME.get(one.audio.format) if one.audio else None
    return (container and container.media_type) or "application/octet-stream"


async def _prepared(one: Recording, request: Request, ports: Ports) -> StoredObject:
    """Its rendition, which may have to be made.

    Raises:
        ApiError: it takes too long.
        DropscribeError: it cannot be made.
    """
    renditions: Renditions = request.app.state.renditions
    made = await to_thread.run_sync(rendition.kept, one, ports)
    if made is None:
        made = await renditions.made(one, ports, hung_up(request), PATIENCE)
    if made is None:
        raise ApiError(
            503, "not_yet", "The sound is still being prepared. Load the recording again in a few minutes."
        )
    return made


def _stored(one: Recording, ports: Ports) -> StoredObject:
    """What was uploaded.

    Raises:
        ApiError: there is nothing to play.
    """
    if one.state == "DELETED":
        raise _no_audio("it was deleted.")
    if one.audio is None:
        raise _no_audio(
            "its file could not be read." if one.ended else "its file has not been read yet. Try again later."
        )
    live = ports.store.stat(one.source.bucket, one.source.name)
    if live is None or not live.is_version(one.source):
        raise _no_audio("its file is gone or was replaced. Upload it again to listen.")
    return live


def _no_audio(why: str) -> ApiError:
    return ApiError(404, "no_audio", f"There is no audio to play: {why}")


@answered
async def audio(request: Request) -> Response:
    """`GET /recordings/ID/audio`, whole or a range (RFC 9110, 14)."""
    ports: Ports = request.app.state.ports
    one = await to_thread.run_sync(find, request, ports)
    if request.query_params.get("rendition") == "1" and one.chunks and one.state != "DELETED":
        live, kind = await _prepared(one, request, ports), rendition.MEDIA_TYPE
    else:
        live, kind = await to_thread.run_sync(_stored, one, ports), _type(one)
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
    if end - start <= LARGEST or request.method == "HEAD":
        headers["Content-Length"] = str(end - start)
    status = 200 if given is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    body = _bytes(live, start, end, ports)
    return StreamingResponse(body, status, headers, kind)


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
            f"The file has {size:,} bytes, and {given[:60]!r} is not a valid single range. Reload the page.",
        )
    return start, end


async def _bytes(source: StoredObject, start: int, end: int, ports: Ports) -> AsyncIterator[bytes]:
    while start < end:
        data = await to_thread.run_sync(ports.store.read, source, start, min(PIECE, end - start))
        if not data:
            # An answer in chunks that just ended would pass for a whole one.
            raise BadMedia("missing", f"{source.uri} is shorter than it was.")
        start += len(data)
        yield data
