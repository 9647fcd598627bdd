"""Uploads: directly to the bucket where it has upload URLs, else through this server, to disk and then into the bucket.

An interrupted upload resumes where it stopped, as Cloud Storage's resumable uploads do
(https://cloud.google.com/storage/docs/performing-resumable-uploads): `Content-Range: bytes */SIZE` asks how much is
there, 308 states it, `Content-Range: bytes FIRST-LAST/SIZE` continues. A client that asks once all is stored, because the response
was lost, gets that response, even from a restarted server: the document of the upload's options has its id.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

from anyio import CancelScope, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console.api import storage_uploads
from console.api.answers import ApiError, answered, bad_request, json_of
from console.api.storage_uploads import Names
from console.api.types import Upload, UploadBody
from console.bodies import free_space, pieces
from shared import client
from shared.flow import refusals
from shared.in_words import human_size
from shared.messages import metadata_of, options_of
from shared.model import StoredObject, recording_id
from shared.state import answers, uploads
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import Ports

MOST = 100
"""Uploads that are under way at one time."""
FORGOTTEN = 3600.0
"""Seconds without a request after which an upload is given up."""
PIECE = 1024 * 1024
"""Bytes that are written at one time."""
LONGEST_NAME = 1024
"""Bytes of an object's name, as Cloud Storage allows."""
MOST_OF_ONE_NAME = 1000
TOKEN, TOKEN_LENGTH = 16, 22
"""Random bytes of an id, and how many characters they are."""
SPAN = re.compile(r"bytes (?:\*|(\d{1,18})-(\d{1,18}))/(\d{1,18})")


@dataclass(kw_only=True)
class Place:
    """An upload under way."""

    name: str
    size: int
    metadata: dict[str, str]
    file: BinaryIO
    there: int = 0
    number: int = 1
    """The number in its name: those before are taken."""
    stored: StoredObject | None = None
    touched: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request that receives or stores it."""
    receiving: CancelScope | None = None
    newest: int = 0
    """Number of the newest request about it."""

    def interrupt(self) -> int:
        """Let no older request receive any more of it: its connection may be broken, without a word to this server.

        Returns:
            The number of this request.
        """
        if self.receiving is not None:
            self.receiving.cancel()
        self.newest += 1
        return self.newest


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
        key = _id_of(place.name)
        place.touched = now
        self._open[key] = place
        return key

    def _check_room(self, place: Place) -> None:
        # A copy: other threads end some meanwhile.
        under_way = list(self._open.values())
        free = max(0, free_space(place.file) - sum(one.size - one.there for one in under_way))
        if place.size > free:
            raise ApiError(
                507,
                "no_space",
                f"{place.name} has {human_size(place.size)}, and the disk of the server has {human_size(free)} for it. Make "
                "room, or send a smaller file.",
            )
        if len(under_way) >= MOST:
            raise ApiError(503, "too_many_uploads", f"{MOST} uploads are under way. Wait for some to end.")

    def find(self, key: str) -> Place | None:
        """One of them; None if it is not under way."""
        if (one := self._open.get(key)) is not None:
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
    given = request.headers.get("content-range")
    one = places.find(key)
    if one is None:
        return await to_thread.run_sync(_answer_again, key, given, ports)
    number = one.interrupt()
    async with one.lock:
        if places.find(key) is not one:
            return await to_thread.run_sync(_answer_again, key, given, ports)
        first = _first(given, one.size)
        # Asked how much is there when all of it is, it may be that storing it failed before.
        if first != one.there and not (first is None and one.there == one.size):
            return _so_far(one)
        try:
            await _write(request, one, number)
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
        answer = await to_thread.run_sync(_finish, key, one, ports)
        places.drop(key)
        return answer


@answered
async def stop(request: Request) -> Response:
    """`DELETE /uploads/ID`: what came of it goes, and the disk has its room for others."""
    places: Places = request.app.state.uploads
    key = request.path_params["id"]
    one = places.find(key)
    if one is None:
        raise _unknown()
    one.interrupt()
    async with one.lock:
        if places.find(key) is not one:
            raise _unknown()
        places.drop(key)
    return Response(status_code=204)


async def _write(request: Request, one: Place, number: int) -> None:
    """Write what comes of it, until a newer request comes."""
    # A write that failed may have left some of its bytes.
    await to_thread.run_sync(one.file.seek, one.there)
    with CancelScope() as one.receiving:
        if number < one.newest:
            one.receiving.cancel()
        async for piece in pieces(request, PIECE):
            if one.there + len(piece) > one.size:
                raise ApiError(
                    400,
                    "too_long",
                    f"Received more than the declared {one.size:,} bytes. Upload the file again.",
                )
            await to_thread.run_sync(one.file.write, piece)
            one.there += len(piece)
    one.receiving = None
    one.touched = time.monotonic()


def _finish(key: str, one: Place, ports: Ports) -> Response:
    """Store a file that is whole, under another name if there is one of that name. Can be repeated if it fails."""
    token = _token(key)

    def is_ours(source: StoredObject) -> bool:
        # Another upload of that name and the same time of change may be about to be stored.
        return uploads.fix(source, ports.records, received=token).received == token

    while one.stored is None:
        one.stored = ports.store.create_from(
            ports.settings.audio_bucket,
            _numbered(one.name, one.number),
            one.file,
            metadata=one.metadata,
            ahead=is_ours,
        )
        if one.stored is None:
            one.number += 1
    return _take(key, one.stored, ports)


def _answer_again(key: str, content_range: str | None, ports: Ports) -> Response:
    """The answer to an upload that is not under way: once more, if its file was stored.

    Raises:
        ApiError: there is no such upload, or the header makes no sense.
    """
    bucket = ports.settings.audio_bucket
    for name in _free(_name_in(key)):
        source = ports.store.stat(bucket, name)
        if source is None:
            break
        if uploads.received_as(source, ports.records) == _token(key):
            _first(content_range, source.size)
            return _take(key, source, ports)
    raise _unknown()


def _take(key: str, stored: StoredObject, ports: Ports) -> Response:
    """Ask for the transcript of an upload that is stored, once, and say that it is."""
    asks = uploads.taken(stored, ports.records) or uploads.fix(stored, ports.records)
    # The watcher passes some names over, and waits until a file rests: a request is sooner, and for all names.
    if stored.bucket in ports.settings.request_bucket_set:
        request_id = f"upload-{_token(key)}"
        if answers.find(request_id, ports.records) is None:
            client.submit(stored.uri, ports=ports, options=asks.options, request_id=request_id)
    return json_of({"id": recording_id(stored, asks.options), "uri": stored.uri, "size": stored.size}, 201)


def _id_of(name: str) -> str:
    """A new id: a random one, by which the upload is known, and the name, under which it is looked for."""
    return secrets.token_urlsafe(TOKEN) + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _token(key: str) -> str:
    return key[:TOKEN_LENGTH]


def _name_in(key: str) -> str:
    """The name in an id.

    Raises:
        ApiError: it is no id.
    """
    rest = key[TOKEN_LENGTH:]
    try:
        return _name(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode())
    except (binascii.Error, ValueError, ApiError) as error:
        raise _unknown() from error


def _unknown() -> ApiError:
    return ApiError(
        404,
        "no_upload",
        "This upload is not known: it was given up, or the server was started again. Upload it again.",
    )


def _free(name: str) -> Iterator[str]:
    """A name, and those to take if it is taken, as `_numbered` gives them."""
    for number in count(1):
        yield _numbered(name, number)


def _numbered(name: str, number: int) -> str:
    """A name, or the one to take if so many are taken.

    Raises:
        ApiError: too many of them are.
    """
    if number == MOST_OF_ONE_NAME:
        raise ApiError(409, "exists", f"1,000 files are already called {name}. Choose another name.")
    stem, dot, suffix = name.rpartition(".")
    return name if number == 1 else f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"


def _first(given: str | None, size: int) -> int | None:
    """Index of the first byte that comes; None: only a question.

    Raises:
        ApiError: the header makes no sense.
    """
    if given is None:
        return 0
    match = SPAN.fullmatch(given)
    if match is None or int(match[3]) != size:
        raise bad_request(
            f"Content-Range {given[:60]!r} does not fit a file of {size:,} bytes. Upload it again."
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
