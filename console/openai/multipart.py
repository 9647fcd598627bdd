"""The body of a request, `multipart/form-data` (RFC 7578): the file is streamed to disk, the other fields are kept in memory.

At most one piece of the file is in memory, whatever its length.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from console.openai.errors import ApiError, invalid
from shared.audio.probing.sniff import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "file"
"""Name of the field with the recording."""
MOST_FIELDS = 1000
"""Fields of a request, keywords included."""
MOST_BYTES = 1_000_000
"""Bytes of all fields but the file."""
KIND = b"multipart/form-data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A complete body."""

    fields: tuple[tuple[str, str], ...]
    """Names and values of all fields but the file, in their order."""
    file_name: str
    """Name of the file as its sender gave it: anything."""
    sha256: str
    """SHA-256 of the file, in hexadecimal digits."""
    size: int
    """Bytes of the file."""
    head: bytes
    """Its first bytes, up to `sniff.HEAD`."""


class Body:
    """Takes a body piece by piece.

    Args:
        content_type: the header of the request, which names the boundary.
        open_file: gives the file that the recording is written to; called once, when its field begins.

    Raises:
        ApiError: the header is not that of a form.
    """

    def __init__(self, content_type: str, open_file: Callable[[], BinaryIO]) -> None:
        kind, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary")
        if kind != KIND or not boundary:
            raise invalid(
                "The body must be multipart/form-data with a boundary, as OpenAI's clients and `curl --form` send it.",
                None,
                "invalid_content_type",
            )
        self._open_file = open_file
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._file_name = ""
        self._fields: list[tuple[str, bytearray]] = []
        self._kept = 0
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._in_file = self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part,
                    "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _broken(error) from error

    def write(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            ApiError: it is no form, or has too many fields.
            OSError: the file cannot be written.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _broken(error) from error

    def finish(self) -> Received:
        """The body, now that it has ended.

        Raises:
            ApiError: it broke off, or has no file.
        """
        if not self._complete:
            raise invalid(
                "The body ended before its last boundary. Send the request again.", None, "incomplete_body"
            )
        if self._file is None:
            raise invalid(
                "You must provide a file: a field named file with a file name, such as --form file=@talk.mp3 with curl.",
                FILE,
                "missing_required_parameter",
            )
        if not self._size:
            raise invalid("The file is empty. Check what your program sends, then try again.", FILE, "empty")
        return Received(
            fields=tuple((name, value.decode("utf-8", "replace")) for name, value in self._fields),
            file_name=self._file_name,
            sha256=self._digest.hexdigest(),
            size=self._size,
            head=self._head,
        )

    def _on_part(self) -> None:
        self._in_file, self._disposition = False, b""

    def _on_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers(self) -> None:
        _, parameters = parse_options_header(self._disposition.decode("latin-1"))
        name = parameters.get(b"name", b"").decode("utf-8", "replace")
        # Some programs give names that are not ASCII as `filename*=` only.
        is_named = b"filename" in parameters or b"filename*" in self._disposition.lower()
        if name == FILE and is_named:
            if self._file is not None:
                raise invalid("The request has several files. Send a request for each.", FILE)
            self._file, self._in_file = self._open_file(), True
            self._file_name = parameters.get(b"filename", b"").decode("utf-8", "replace")
            return
        if name == FILE:
            raise invalid(
                "The field file has no file name, so it is text. With curl write --form file=@talk.mp3.", FILE
            )
        self._fields.append((name, bytearray()))
        if len(self._fields) > MOST_FIELDS:
            raise invalid(f"The request has more than {MOST_FIELDS} fields. Send fewer.", None)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if not self._in_file:
            self._kept += len(piece)
            if self._kept > MOST_BYTES:
                raise invalid(
                    f"The fields beside the file have more than {MOST_BYTES} bytes. Send less.", None
                )
            self._fields[-1][1].extend(piece)
            return
        assert self._file is not None, "it was opened with its headers"
        self._file.write(piece)
        self._digest.update(piece)
        self._size += len(piece)
        if len(self._head) < HEAD:
            self._head = (self._head + piece)[:HEAD]

    def _on_end(self) -> None:
        self._complete = True


def _broken(error: Exception) -> ApiError:
    return invalid(f"The body is no valid multipart/form-data: {error}.", None, "invalid_body")
