"""The recording as FFmpeg is to see it: some stretches replaced, and nothing moved.

So FFmpeg can be spared what a chunk does not need, a table or hours of sound, while every offset in the
file stays true.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.audio.files.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable


ZEROS = bytes(64 * 1024)


class Overlay:
    """A seekable file over another.

    Args:
        reader: the recording.
        patches: (offset, bytes) that stand there instead of the recording's own.
        blanks: (first byte, one past the last) of stretches that read as zeros and are never fetched.
            Neither patches nor blanks overlap one another.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        patches: Iterable[tuple[int, bytes]] = (),
        blanks: Iterable[tuple[int, int]] = (),
    ) -> None:
        self._reader = reader
        parts: list[tuple[int, int, bytes | None]] = [(at, at + len(data), data) for at, data in patches]
        parts += [(start, end, None) for start, end in blanks]
        self._parts = sorted((part for part in parts if part[0] < part[1]), key=lambda part: part[0])
        self._starts = [start for start, _, _ in self._parts]
        self._position = 0

    def read(self, length: int) -> bytes:
        """Up to `length` bytes from the position, at least one unless at the end."""
        at = self._position
        index = bisect_right(self._starts, at)
        if index and at < self._parts[index - 1][1]:
            start, end, data = self._parts[index - 1]
            part = ZEROS[: min(length, end - at)] if data is None else data[at - start : at - start + length]
        else:
            if index < len(self._parts):
                length = min(length, self._parts[index][0] - at)
            self._reader.seek(at)
            part = self._reader.read(length)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortcut:
    """How FFmpeg is to read a file for one chunk."""

    file: Reader | Overlay
    """What it reads."""
    indexed: bool = True
    """False where it must not look for an index, which would be the whole file: what comes first may
    then lie well before the wanted start."""
