"""Bodies of requests that are too large for memory, and their end."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def pieces(request: Request, size: int) -> AsyncIterator[bytes]:
    """The body in pieces of at least `size` bytes, but for the last one: fewer and larger writes.

    Raises:
        ClientDisconnect: the sender hung up; what came since the last piece is lost.
    """
    gathered = bytearray()
    async for some in request.stream():
        gathered += some
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def hung_up(request: Request) -> None:
    """Return when the client of a request has hung up; what was not read of its body is dropped."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def room(file: BinaryIO) -> int:
    """Bytes that still fit on the disk of a file."""
    return shutil.disk_usage(file.fileno()).free
