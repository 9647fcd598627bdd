"""Receive the body of a request, up to its limits, with its file on disk; a refused body is discarded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request

from console.bodies import free_space, pieces
from console.openai import errors
from console.openai.errors import ApiError
from console.openai.multipart import MOST_BYTES, Body, Received
from shared.in_words import human_size
from shared.settings import variable
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports

CLOUD_RUN_BYTES = 32 * 1024 * 1024
"""Largest body of a request that Cloud Run lets in (cloud.google.com/run/quotas)."""
PIECE = 256 * 1024
"""Bytes of a body that are written at one time."""
DRAINED = 64 * 1024 * 1024
"""Bytes of a refused body that are read and dropped, so that its sender sees the answer instead of a broken connection."""


async def receive(request: Request, ports: Ports, files: list[BinaryIO]) -> Received:
    """The body of a request, with its file on disk.

    `files` gets the file, for the caller to close.

    Raises:
        ApiError: it is no form, it is too large, or the disk has no room for it.
    """
    limit = _limit(ports)
    given = request.headers.get("content-length", "")
    length = int(given) if given.isdecimal() else None
    if limit is not None and length is not None and length > limit.body:
        await drain(request)
        raise errors.too_large(length, limit.file, limit.instead)

    def open_file() -> BinaryIO:
        files.append(ports.store.stage(ports.settings.audio_bucket))
        if length is not None and length > (free := free_space(files[-1])):
            raise _no_space(f"it has {human_size(length)}, and its disk has {human_size(free)} for it")
        return files[-1]

    body = Body(request.headers.get("content-type", ""), open_file)
    size = 0
    try:
        async for piece in pieces(request, PIECE):
            size += len(piece)
            if limit is not None and size > limit.body:
                raise errors.too_large(None, limit.file, limit.instead)
            await to_thread.run_sync(body.write, piece)
    except ApiError:
        await drain(request)
        raise
    except OSError as error:
        log.error("an upload cannot be written: %s", error)
        raise _no_space(str(error.strerror)) from error
    return body.finish()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limit:
    """What a request may have."""

    body: int
    """Most bytes of its body."""
    file: int
    """Most bytes of its file, as it is told."""
    instead: str
    """What to do with a larger one, as a sentence."""


def _limit(ports: Ports) -> _Limit | None:
    """The limit of a request; None: there is none."""
    most, limits = ports.settings.max_file_gb, []
    if most is not None:
        file = round(most * 1e9)
        raised = f"{variable('max_file_gb')} raised, which is {most:g}"
        limits.append(
            _Limit(body=file + 2 * MOST_BYTES, file=file, instead=f"Split or compress it, or have {raised}.")
        )
    if os.environ.get("K_SERVICE"):
        bucket = ports.settings.audio_bucket
        instead = (
            f"Upload it with `gcloud storage cp FILE gs://{bucket}/`, or in parts as POST /api/v1/uploads says; its "
            "transcript is then in the transcripts bucket and on the console's page."
        )
        limits.append(_Limit(body=CLOUD_RUN_BYTES, file=CLOUD_RUN_BYTES, instead=instead))
    return min(limits, key=lambda one: one.body, default=None)


def _no_space(why: str) -> ApiError:
    return ApiError(
        status=HTTPStatus.INSUFFICIENT_STORAGE,
        message=f"The server cannot store the file: {why}. Have its operator make room, then send it again.",
        type=errors.SERVER,
        code="insufficient_storage",
        headers=errors.NO_RETRY,
    )


async def drain(request: Request) -> None:
    """Read a refused body up to a limit, and drop it."""
    dropped = 0
    try:
        async for piece in pieces(request):
            dropped += len(piece)
            if dropped > DRAINED:
                return
    except (ClientDisconnect, RuntimeError):
        return
