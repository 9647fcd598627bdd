"""Request bodies that are too large for memory: read in pieces, to disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from anyio import fail_after
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


QUIET = 300.0
"""Seconds without a byte after which a sender counts as gone: a connection that was cut on its way looks like that."""


async def pieces(request: Request, size: int = 1) -> AsyncIterator[bytes]:
    """The body in pieces of at least `size` bytes, but for the last one: fewer and larger writes.

    Raises:
        ClientDisconnect: the sender hung up, or is gone; what came since the last piece is lost.
    """
    gathered, parts = bytearray(), request.stream()
    while True:
        try:
            with fail_after(QUIET):
                some = await anext(parts, None)
        except TimeoutError as error:
            raise ClientDisconnect from error
        if some is None:
            break
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


def free_space(file: BinaryIO) -> int:
    """Bytes that are free on the disk of a file."""
    return shutil.disk_usage(file.fileno()).free
