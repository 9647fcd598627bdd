"""Files in: past this server where the store gives addresses for it, else through it, to disk and then into the store.

A broken upload goes on where it stopped, in the way of Cloud Storage's resumable uploads
(https://cloud.google.com/storage/docs/performing-resumable-uploads): `Content-Range: bytes */SIZE` asks how much is
there, 308 says it, `Content-Range: bytes FIRST-LAST/SIZE` goes on.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from anyio import to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from console.api import storage_uploads
from console.api.answers import ApiError, answered, bad_request, json_of
from console.api.storage_uploads import Names
from console.api.types import Upload, UploadBody
from console.bodies import pieces, room
from shared import client
from shared.flow import refusals
from shared.in_words import human_size
from shared.messages import metadata_of, options_of
from shared.model import StoredObject, recording_id
from shared.state import uploads
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from shared.ports import Ports

MOST = 100
"""Uploads that are under way at one time."""
FORGOTTEN = 3600.0
"""Seconds without a request after which an upload is given up."""
PIECE = 1024 * 1024
"""Bytes that are written at one time."""
LONGEST_NAME = 1024
"""Bytes of an object's name, as Cloud Storage allows."""
SPAN = re.compile(r"bytes (?:\*|(\d{1,18})-(\d{1,18}))/(\d{1,18})")


@dataclass(kw_only=True)
class Place:
    """An upload under way."""

    name: str
    size: int
    metadata: dict[str, str]
    file: BinaryIO
    there: int = 0
    touched: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Places:
    """All of them, by their ids."""

    def __init__(self) -> None:
        self.names = Names()
        self._open: dict[str, Place] = {}

    def add(self, place: Place) -> str:
        """Its id.

        Raises:
            ApiError: there are too many, or it does not fit on the disk; its file is closed.
        """
        now = time.monotonic()
        # Abandoned ones would be counted as coming, and what there is of them fills the disk.
        for key, one in list(self._open.items()):
            if now - one.touched > FORGOTTEN and not one.lock.locked():
                self.drop(key)
        try:
            self._check_room(place)
        except ApiError:
            place.file.close()
            raise
        key = secrets.token_urlsafe(16)
        place.touched = now
        self._open[key] = place
        return key

    def _check_room(self, place: Place) -> None:
        # A copy: other threads end some meanwhile.
        under_way = list(self._open.values())
        free = max(0, room(place.file) - sum(one.size - one.there for one in under_way))
        if place.size > free:
            raise ApiError(
                507,
                "no_space",
                f"{place.name} has {human_size(place.size)}, and the disk of the server has {human_size(free)} for it. Make "
                "room, or send a smaller file.",
            )
        if len(under_way) >= MOST:
            raise ApiError(503, "too_many_uploads", f"{MOST} uploads are under way. Wait for some to end.")

    def find(self, key: str) -> Place:
        """One of them.

        Raises:
            ApiError: there is none.
        """
        if (one := self._open.get(key)) is None:
            raise ApiError(
                404,
                "no_upload",
                "This upload is not known: it ended, or the server was started again. Upload it again.",
            )
        one.touched = time.monotonic()
        return one

    def drop(self, key: str) -> None:
        """Forget one, and what there is of its file."""
        if (one := self._open.pop(key, None)) is not None:
            one.file.close()

    def close(self) -> None:
        """Forget all."""
        for key in list(self._open):
            self.drop(key)


def place(body: UploadBody, request: Request, ports: Ports) -> Upload:
    """`POST /uploads`: where a file goes."""
    name = _name(body.name)
    options = options_of(body.options)
    if body.size < 1:
        raise ApiError(400, "empty", f"{name} is empty. Choose a file with audio in it.")
    bucket = ports.settings.audio_bucket
    refusals.check_size(StoredObject(bucket=bucket, name=name, generation=0, size=body.size), ports.settings)
    places: Places = request.app.state.uploads
    origin = request.headers.get("origin", "")
    begun = storage_uploads.begin(
        _free(name), body.size, body.media_type, options, origin, places.names, ports
    )
    if begun is not None:
        return begun
    made = Place(name=name, size=body.size, metadata=metadata_of(options), file=ports.store.stage(bucket))
    key = places.add(made)
    return Upload(id=key, upload_url=f"/api/v1/uploads/{key}", method="PUT", headers={})


@answered
async def receive(request: Request) -> Response:
    """`PUT /uploads/ID`: the file, or what is missing of it."""
    ports: Ports = request.app.state.ports
    places: Places = request.app.state.uploads
    key = request.path_params["id"]
    one = places.find(key)
    if one.lock.locked():
        raise ApiError(
            409, "busy", "This upload is being received on another connection. Wait for it to end."
        )
    async with one.lock:
        first = _first(request.headers.get("content-range"), one)
        # Asked how much is there when all of it is, it may be that storing it failed before.
        if first != one.there and not (first is None and one.there == one.size):
            return _so_far(one)
        try:
            await _write(request, one)
        except ClientDisconnect:
            return _so_far(one)
        except ApiError:
            places.drop(key)
            raise
        except OSError as error:
            log.error("an upload cannot be written: %s", error)
            raise ApiError(
                507,
                "no_space",
                f"The server cannot store the file: {error.strerror}. Make room, then continue.",
            ) from error
        if one.there < one.size:
            return _so_far(one)
        stored = await to_thread.run_sync(_finish, one, ports)
        places.drop(key)
    asked = await to_thread.run_sync(uploads.fix, stored, ports.records)
    return json_of({"id": recording_id(stored, asked.options), "uri": stored.uri, "size": stored.size}, 201)


@answered
async def stop(request: Request) -> Response:
    """`DELETE /uploads/ID`: what came of it goes, and the disk has its room for others."""
    places: Places = request.app.state.uploads
    key = request.path_params["id"]
    one = places.find(key)
    # Its sender may not have noticed yet.
    async with one.lock:
        places.drop(key)
    return Response(status_code=204)


async def _write(request: Request, one: Place) -> None:
    # A write that failed may have left some of its bytes.
    await to_thread.run_sync(one.file.seek, one.there)
    async for piece in pieces(request, PIECE):
        if one.there + len(piece) > one.size:
            raise ApiError(
                400,
                "too_long",
                f"Received more than the declared {one.size:,} bytes. Upload the file again.",
            )
        await to_thread.run_sync(one.file.write, piece)
        one.there += len(piece)
    one.touched = time.monotonic()


def _finish(one: Place, ports: Ports) -> StoredObject:
    """The object of a file that is whole; under another name if there is one of that name."""
    bucket = ports.settings.audio_bucket
    names = _free(one.name)
    while True:
        name = next(names)
        stored = ports.store.create_from(
            bucket,
            name,
            one.file,
            metadata=one.metadata,
            ahead=lambda source: uploads.fix(source, ports.records),
        )
        if stored is not None:
            # The watcher passes some names over, and waits until a file rests: a request is sooner, and for all names.
            if bucket in ports.settings.request_bucket_set:
                client.submit(stored.uri, ports=ports)
            return stored


def _free(name: str) -> Iterator[str]:
    """A name, and those to take if it is taken.

    Raises:
        ApiError: a thousand of them are.
    """
    stem, dot, suffix = name.rpartition(".")
    for number in range(1, 1000):
        yield name if number == 1 else f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"
    raise ApiError(409, "exists", f"1,000 files are already called {name}. Choose another name.")


def _first(given: str | None, one: Place) -> int | None:
    """Index of the first byte that comes; None: only a question.

    Raises:
        ApiError: the header makes no sense.
    """
    if given is None:
        return 0
    match = SPAN.fullmatch(given)
    if match is None or int(match[3]) != one.size:
        raise bad_request(
            f"Content-Range {given[:60]!r} does not fit a file of {one.size:,} bytes. Upload it again."
        )
    return None if match[1] is None else int(match[1])


def _so_far(one: Place) -> Response:
    headers = {"Range": f"bytes=0-{one.there - 1}"} if one.there else {}
    return Response(status_code=308, headers=headers)


def _name(given: str) -> str:
    """The name of the object.

    Raises:
        ApiError: it cannot be one.
    """
    name = given.strip().lstrip("/")
    parts = name.split("/")
    if not name or any(part in {"", ".", ".."} or part.startswith(".") for part in parts):
        raise ApiError(
            400, "bad_name", "A file needs a name that does not begin with a dot. Give it another name."
        )
    if (
        len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME
        or max(len(part.encode("utf-8", "replace")) for part in parts) > 255
    ):
        raise ApiError(
            400, "bad_name", "The name of the file is too long: 255 bytes at most. Give it a shorter name."
        )
    if any(ord(letter) < 32 or ord(letter) == 127 or 0xD800 <= ord(letter) < 0xE000 for letter in name):
        raise ApiError(
            400,
            "bad_name",
            "The name of the file has characters that cannot be stored. Give it another name.",
        )
    return name
