"""A deployment over HTTP: the API of its console (docs/api.md)."""

from __future__ import annotations

import mimetypes
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import msgspec

from dropscribe.errors import (
    BadRequest,
    ConfigurationError,
    DropscribeError,
    NotFound,
    OverLimit,
    Permanent,
    StoreUnavailable,
)
from dropscribe.results import State, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from shared import model

Body = TypeVar("Body")

TRIES = 5
"""Tries of a request whose connection breaks, with pauses that double from half a second."""
PIECE = 1024 * 1024
"""Bytes that are sent at one time."""
TIMEOUT = 60.0
"""Seconds without a sign of the server."""
KEY = re.compile(r"[a-z2-7]{26}")
"""What a recording's key looks like (`shared/model.py`)."""
PASSING = {429, 502, 503, 504}
"""Answers of a server, or of a proxy before it, that is asked again."""


class _Download(msgspec.Struct):
    format: str
    url: str


class _Recording(msgspec.Struct):
    """What is read of `GET /recordings/ID`."""

    id: str
    uri: str
    state: State
    seconds: float | None
    usd: float
    chunks: int
    chunks_done: int
    reason: str
    downloads: list[_Download] = []


class _Place(msgspec.Struct):
    """What is read of `POST /uploads`."""

    upload_url: str
    method: str
    headers: dict[str, str]
    uri: str = ""


class _Named(msgspec.Struct):
    """What is read of an upload that is done, and of `POST /recordings`."""

    id: str


class Console:
    """The API of a console. A job is named by the key of its recording.

    Without a token, that in the address counts, or `DROPSCRIBE_CONSOLE_TOKEN`. The headers are sent with each request as
    well.

    Raises:
        BadRequest: the address is not valid.
    """

    def __init__(self, url: str, *, token: str | None, headers: Mapping[str, str]) -> None:
        import httpx

        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadRequest(f"{url} is not a console address: it must start with http:// or https://.")
        asked = parse_qs(parts.query).get("token", [""])[0]
        given = token or asked or os.environ.get("DROPSCRIBE_CONSOLE_TOKEN", "")
        allowed = {"Authorization": f"Bearer {given}"} if given else {}
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._own = httpx.Client(base_url=self._root, headers={**allowed, **headers}, timeout=TIMEOUT)
        # An address of Cloud Storage must not get the token.
        self._other = httpx.Client(timeout=TIMEOUT)

    def close(self) -> None:
        """Let go of its connections."""
        self._own.close()
        self._other.close()

    def submit(
        self,
        source: str,
        options: model.Options | None,
        request_id: str | None,
        metadata: Mapping[str, str],
    ) -> str:
        """Ask for a transcript; the key of its recording."""
        if request_id is not None or metadata:
            raise BadRequest(
                "Over HTTP there are no request_id and no metadata: leave them out, or ask the project itself "
                "(`Client.of_project`)."
            )
        if "://" in source:
            return self._ask(source, options)
        return self._upload(Path(source), options)

    def ended(self, job: str) -> Status | None:
        """How it ended."""
        found = self.status(job)
        return found if found is not None and found.ended else None

    def status(self, job: str) -> Status | None:
        """How far it is; None if it is not known, or has not been seen yet."""
        try:
            found = self._read("GET", f"/api/v1/recordings/{quote(job, safe='')}", _Recording)
        except NotFound:
            if not KEY.fullmatch(job):
                raise
            return None
        return Status(
            job=job,
            state=found.state,
            source=found.uri,
            recording=found.id,
            chunks=found.chunks,
            chunks_done=found.chunks_done,
            duration=found.seconds,
            usd=found.usd,
            reason=found.reason,
            outputs={one.format: urljoin(self._root, one.url) for one in found.downloads},
        )

    def load(self, status: Status, name: str) -> bytes | None:
        """An output file."""
        path = f"/api/v1/recordings/{quote(status.recording, safe='')}/outputs/{quote(name, safe='')}"
        try:
            return self._send("GET", path).content
        except NotFound:
            return None

    def _ask(self, uri: str, options: model.Options | None) -> str:
        body = {"uri": uri, "options": _plain(options)}
        return self._read("POST", "/api/v1/recordings", _Named, json=body).id

    def _upload(self, path: Path, options: model.Options | None) -> str:
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                body = {"name": path.name, "size": size, "media_type": kind, "options": _plain(options)}
                place = self._read("POST", "/api/v1/uploads", _Place, json=body)
                answer = self._put(place, file, size)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"There is no file {str(path)!r}. Check the spelling of the path.") from error
        # An object that went straight to Cloud Storage: only asked for does the console say its recording.
        return self._ask(place.uri, None) if place.uri else _decoded(answer, _Named).id

    def _put(self, place: _Place, file: BinaryIO, size: int) -> httpx.Response:
        """Send a file; where the connection breaks, go on with what is missing."""
        import httpx

        caller = self._own if place.upload_url.startswith("/") else self._other
        first, ask, tries = 0, False, 0
        while True:
            span = f"bytes */{size}" if ask else f"bytes {first}-{size - 1}/{size}" if first else ""
            headers = {**place.headers, **({"Content-Range": span} if span else {})}
            headers["Content-Length"] = "0" if ask else str(size - first)
            content = b"" if ask else _pieces(file, first)
            try:
                answer = caller.request(place.method, place.upload_url, headers=headers, content=content)
            except httpx.TransportError as error:
                why = str(error)
            else:
                if answer.is_success:
                    return answer
                if ask and answer.status_code == 308:
                    there = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("range", ""))
                    now = int(there[1]) + 1 if there else 0
                    tries, first, ask = (0 if now > first else tries), now, False
                    continue
                if answer.status_code != 308 and answer.status_code not in PASSING:
                    raise _error(answer)
                why = f"status {answer.status_code}"
            tries += 1
            if tries == TRIES:
                raise StoreUnavailable(
                    f"The connection broke again and again ({why}). Submit the file once more when it is stable."
                )
            time.sleep(0.25 * 2**tries)
            ask = True

    def _read(self, method: str, path: str, kind: type[Body], **given: Any) -> Body:
        return _decoded(self._send(method, path, **given), kind)

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        import httpx

        for number in range(1, TRIES + 1):
            try:
                answer = self._own.request(method, path, **given)
            except httpx.TransportError as error:
                if number == TRIES:
                    raise StoreUnavailable(
                        f"{self._root} does not answer ({error}). Check the address, and that the console runs "
                        "(`dropscribe up`, or `dropscribe console`)."
                    ) from error
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in PASSING or number == TRIES:
                    raise _error(answer)
            time.sleep(0.25 * 2**number)
        raise AssertionError("the last try returns or raises")


def _plain(options: model.Options | None) -> dict[str, Any]:
    """Options as the API takes them, without those at their defaults."""
    from shared.messages import to_fields
    from shared.model import Options

    usual = to_fields(Options())
    given = to_fields(options or Options())
    return {name: value for name, value in given.items() if value != usual[name]}


def _pieces(file: BinaryIO, first: int) -> Iterator[bytes]:
    file.seek(first)
    while piece := file.read(PIECE):
        yield piece


def _decoded(answer: httpx.Response, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{answer.request.url.copy_with(query=None)} answers, but not as a console of Dropscribe does: {error}. "
            "Check the address, and the version of the server."
        ) from error


def _error(answer: httpx.Response) -> DropscribeError:
    """What an answer says is wrong."""
    status = answer.status_code
    if answer.is_redirect:
        return ConfigurationError(
            f"{answer.request.url.host} sends this request elsewhere: a proxy in front of the console requires a sign-in. "
            "Pass the headers that it requires as `headers`, or use another address."
        )
    try:
        said = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        said = f"{answer.request.url.host} answered with status {status}."
    if status in {401, 403}:
        return ConfigurationError(
            f"{said} The token is in the address that `dropscribe up` and `dropscribe console` print: give that address "
            "whole, or `token`."
        )
    if status == 404:
        return NotFound(said)
    if status == 413:
        return OverLimit("too-large", said)
    if status in PASSING or status >= 500:
        return StoreUnavailable(said)
    return BadRequest(said) if status == 400 else Permanent(said)
