"""Fetches a recording from a web address that a person named, with httpcore.

Addresses are checked, as `connection` says, those of redirects as well: a public address that redirects to a private
one leads nowhere. Size and time are limited. Passwords in addresses are refused, no cookie or proxy is used, and no
message quotes the query of an address, which may be what signs it.
"""

from __future__ import annotations

import io
import re
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpcore

from shared.adapters.web.connection import CONNECT_SECONDS, CheckedBackend, Limits, NotPublicError
from shared.errors import BadRequest, NotFound, OverLimit, StoreUnavailable, Unreachable
from shared.in_words import human_size
from shared.settings import variable

Progress = Callable[[int, int | None], None]
"""Is told how many bytes have come, and how many there are in all; None: the server does not say."""

SECONDS = 6 * 3600.0
"""For a whole download."""
SILENCE = 60.0
"""Seconds without a byte after which a server is given up."""
REDIRECTS = 5
"""Followed at most."""
HEADERS = 1_000_000
"""Bytes that are read beyond the recording itself."""

_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_REFUSED = {401, 402, 403, 407, 451}
_HEADERS = ((b"user-agent", b"dropscribe"), (b"accept", b"*/*"), (b"accept-encoding", b"identity"))


@dataclass(frozen=True, kw_only=True)
class Download:
    """How recordings are fetched."""

    most_bytes: int
    """Most bytes of a recording."""
    seconds: float = SECONDS
    """For a whole download."""
    silence: float = SILENCE
    """Seconds without a byte after which a server is given up."""
    public_only: bool = True
    """Refuse addresses that are not on the public internet."""
    resolver: Callable[[str, int], list[str]] | None = None
    """Gives the addresses of a name and a port; None: the system does."""
    tls: ssl.SSLContext | None = None
    """Which certificates are trusted; None: the usual ones."""

    def __call__(self, url: str, into: BinaryIO, progress: Progress) -> None:
        """Write the recording at an address, `https://…`, into a file, from where it stands.

        Raises:
            BadRequest: the address is malformed or not public, or what it gives is no recording.
            NotFound: there is nothing, or it needs a login.
            OverLimit: it is too large.
            StoreUnavailable: the disk has no room for it.
            Unreachable: the server did not answer, or not to the end; it may do so later.
            OSError: what the system says when the file is written.
        """
        deadline = time.monotonic() + self.seconds
        for _ in range(REDIRECTS + 1):
            location = self._fetch(checked(url), into, progress, deadline)
            if location is None:
                return
            try:
                url = urljoin(url, location)
            except ValueError:
                raise BadRequest(
                    f"{shown(url)} redirects to an invalid address. Find out where it leads, and give that address."
                ) from None
        raise BadRequest(f"{shown(url)} redirects more than {REDIRECTS} times. Give the address of the file.")

    def _fetch(self, url: str, into: BinaryIO, progress: Progress, deadline: float) -> str | None:
        """Write the recording, or return the address to which the server redirects instead, maybe a relative one.

        Raises:
            BadRequest: as `__call__`; also for a redirect that names no address.
        """
        limits = Limits(deadline=deadline, most_bytes=self.most_bytes + HEADERS, public_only=self.public_only)
        backend = CheckedBackend(limits, self.resolver)
        waits = dict.fromkeys(("read", "write", "pool"), self.silence) | {"connect": CONNECT_SECONDS}
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=self.tls, network_backend=backend, max_connections=1
                ) as pool,
                pool.stream("GET", url, headers=list(_HEADERS), extensions={"timeout": waits}) as answer,
            ):
                if answer.status in _REDIRECTS:
                    return _location(url, answer)
                self._check(url, answer, into)
                self._write(url, answer, into, progress)
                return None
        except NotPublicError as error:
            raise BadRequest(f"{error}. Only public addresses are fetched: {_BY_HAND}.") from error
        except httpcore.ConnectError as error:
            raise Unreachable(
                f"{urlsplit(url).hostname} cannot be reached ({str(error) or type(error).__name__}). Check the address and the network."
            ) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise Unreachable(
                f"{shown(url)} broke off ({type(error).__name__}). Run the same command again."
            ) from error

    def _check(self, url: str, answer: httpcore.Response, into: BinaryIO) -> None:
        status, said = answer.status, shown(url)
        if status in _GONE:
            raise NotFound(f"There is nothing at {said} (HTTP {status}). Check the address.")
        if status in _REFUSED:
            raise NotFound(f"{said} is not public (HTTP {status}): {_BY_HAND}.")
        if status != 200:
            raise Unreachable(f"{said} answered HTTP {status}. Try again later.")
        kind = _header(answer, b"content-type").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise BadRequest(f"{said} is a web page, not a recording. Give the address of the file itself.")
        if (coding := _header(answer, b"content-encoding").lower()) not in {"", "identity"}:
            raise BadRequest(f"{said} comes compressed ({coding}): {_BY_HAND}.")
        if (length := _length(answer)) is not None and length > self.most_bytes:
            raise _too_large(said, f"has {human_size(length)}", self.most_bytes)
        if length is not None and (free := _room(into)) is not None and length > free:
            raise StoreUnavailable(
                f"{said} has {human_size(length)}, and the disk of the state folder has {human_size(free)} for it. Make "
                "room, or choose another --state-dir."
            )

    def _write(self, url: str, answer: httpcore.Response, into: BinaryIO, progress: Progress) -> None:
        came, total = 0, _length(answer)
        for piece in answer.iter_stream():
            came += len(piece)
            if came > self.most_bytes:
                raise _too_large(shown(url), "is larger", self.most_bytes)
            into.write(piece)
            progress(came, total)


_BY_HAND = "download it yourself, and name the file"


def checked(url: str) -> str:
    """An address as it is sent: encoded, and without the part after `#`.

    Raises:
        BadRequest: it is malformed, not `https://`, or has a password.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except (ValueError, UnicodeError):
        raise BadRequest(f"{_bare(url)} is not a valid address. Check its spelling.") from None
    if parts.scheme.lower() != "https":
        raise BadRequest(
            f"{shown(url)} is not encrypted on its way. Give an https:// address, or {_BY_HAND}."
        )
    if not host:
        raise BadRequest(f"{shown(url)} names no server. Check its spelling.")
    if parts.username is not None or parts.password is not None:
        raise BadRequest(f"The address at {host} has a password in it, and none is sent: {_BY_HAND}.")
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    kept = "%/:@!$&'()*+,;=~-._"
    query = f"?{quote(parts.query, safe=kept + '?')}" if parts.query else ""
    return f"https://{place}{quote(parts.path, safe=kept) or '/'}{query}"


def name_of(url: str) -> str:
    """The last part of an address's path, decoded; the name of the server if there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "recording"  # `checked` refuses it
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return last or parts.hostname or "recording"


def shown(url: str) -> str:
    """An address for a message: without password and query. What is no address stays as it is."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return _bare(url)


def _bare(url: str) -> str:
    """What cannot be parsed, without what may be a password, a query or a part after `#`."""
    start, slashes, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("//")
    return start + slashes + rest.rpartition("@")[2]


def _header(answer: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), "")


def _location(url: str, answer: httpcore.Response) -> str:
    if location := _header(answer, b"location").strip():
        return location
    raise BadRequest(f"{shown(url)} redirects, but names no address. Give the address of the file itself.")


def _length(answer: httpcore.Response) -> int | None:
    text = _header(answer, b"content-length")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(said: str, how: str, most: int) -> OverLimit:
    return OverLimit(
        "too-large",
        f"{said} {how}; at most {human_size(most)} are fetched ({variable('max_file_gb')}). {_BY_HAND.capitalize()}.",
    )


def _room(file: BinaryIO) -> int | None:
    """Bytes that still fit on the disk of a file; None where it is on none."""
    try:
        return shutil.disk_usage(file.fileno()).free
    except io.UnsupportedOperation:
        return None
