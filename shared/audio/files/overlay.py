"""The recording as FFmpeg is to see it: with other bytes at one place, and every other byte where it was."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader


class Overlay:
    """A seekable file over another, with a position of its own.

    Args:
        reader: the recording.
        start: first byte of what is replaced.
        patch: the bytes that stand there instead; those of the recording are never fetched.
    """

    def __init__(self, reader: Reader, start: int, patch: bytes) -> None:
        self._reader = reader
        self._start = start
        self._patch = patch
        self._position = 0

    def read(self, length: int) -> bytes:
        """Up to `length` bytes from the position, at least one unless at the end."""
        inside = self._position - self._start
        if 0 <= inside < len(self._patch):
            part = self._patch[inside : inside + length]
        else:
            self._reader.seek(self._position)
            part = self._reader.read(min(length, -inside) if inside < 0 else length)
        self._position += len(part)
        return part

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; as with files."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._reader.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position, bytes."""
        return self._position
