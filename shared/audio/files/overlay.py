"""The recording as FFmpeg is to see it: with other bytes at one place, and every other byte where it was."""

from __future__ import annotations

from shared.audio.files.reader import Reader, Seekable


class Overlay(Seekable):
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
        self.size = reader.size

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
