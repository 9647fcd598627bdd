"""The recording as a seekable file whose bytes are fetched over a network, in few requests."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CACHED_BLOCKS, CACHED_BYTES = 16, 12 * 1024 * 1024
"""Most blocks that are cached, and bytes in them: FFmpeg goes back and forth between header, index and data."""
LONGEST_GAP = 256 * 1024
"""A gap up to this long within an expected run is fetched as well, bytes: another request would take longer."""
MAX_READ = 4 * 1024 * 1024
"""Largest read while decoding, bytes."""
READ_AHEAD = 7
"""A fetch takes at most this many times what its run has fetched before."""
SURPLUS = 16
"""What a run needs beyond what was expected is fetched in parts: first the expected length divided by this, then more."""


class Seekable:
    """A file of `size` bytes, with a position."""

    size: int
    _position = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; as with files."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position, bytes."""
        return self._position


class Reader(Seekable):
    """A seekable file over `fetch`, where every fetch is a request over a network.

    Reads that follow one another, with or without short gaps, are a run, and its fetches grow while it lasts.
    A single read of a header or a tail fetches just that. A caller that knows how long a run will be says so
    (`expect`, `expect_span`): then it takes fewer requests and fetches little beyond its end.

    Args:
        fetch: returns the bytes of (offset, length), fewer only at the end.
        size: bytes of the recording.
        block: smallest read, bytes.
        max_read: largest read-ahead, bytes; 0 where `fetch` is that of another reader, which reads ahead itself.
        budget: bytes that may be read in all; after that the file seems to end. None: no bound.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        *,
        block: int = 32 * 1024,
        max_read: int = MAX_READ,
        budget: int | None = None,
    ) -> None:
        self.size = size
        self.bytes_read = 0
        self._fetch = fetch
        self._block = block
        self._max_read = max_read
        self._budget = budget
        self._expected: int | None = None
        self._span = (0, 0)
        self._run = 0
        self._run_end = 0
        self._blocks: list[tuple[int, bytes]] = []

    def expect(self, length: int) -> None:
        """Say about how many bytes the longest run will be, so that its fetches end where it does, or little later."""
        self._expected = max(1, length)

    def expect_span(self, start: int, end: int) -> None:
        """Say that every byte from one to before another will be read: then they are fetched at once."""
        self._span = (start, end)

    def allow(self, length: int) -> None:
        """Let so many bytes more be read than the budget says."""
        if self._budget is not None:
            self._budget += length

    @property
    def exhausted(self) -> bool:
        """True where the budget is spent."""
        return self._budget is not None and self.bytes_read >= self._budget

    def at(self, offset: int, length: int, *, block: int | None = None) -> bytes:
        """Exactly the bytes [offset, offset + length), fewer only where the file or the budget ends.

        Args:
            offset: first byte.
            length: how many.
            block: smallest read for this call, bytes; small where a parser skips large boxes.
        """
        parts: list[bytes] = []
        while length > 0:
            part = self._read_some(offset, length, block or self._block)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read(self, length: int = -1) -> bytes:
        """Up to `length` bytes from the position, at least one unless at the end."""
        if length < 0:
            length = self.size - self._position
        part = self._read_some(self._position, length, self._block)
        self._position += len(part)
        return part

    def _read_some(self, offset: int, length: int, block: int) -> bytes:
        for start, data in self._blocks:
            if start <= offset < start + len(data):
                return data[offset - start : offset - start + length]
        if offset < 0 or offset >= self.size:
            return b""
        wanted = min(
            max(length, self._read_size(offset, block)), max(self._max_read, block), self.size - offset
        )
        if self._budget is not None:
            wanted = min(wanted, self._budget - self.bytes_read)
        if wanted <= 0:
            return b""
        data = self._fetch(offset, wanted)
        self.bytes_read += len(data)
        self._run = 0 if self._in_span(offset) else self._run + len(data)
        self._run_end = offset + len(data)
        if data:
            self._blocks.insert(0, (offset, data))
            while (
                len(self._blocks) > CACHED_BLOCKS or sum(len(one) for _, one in self._blocks) > CACHED_BYTES
            ):
                self._blocks.pop()
        return data[:length]

    def _read_size(self, offset: int, block: int) -> int:
        """How many bytes to fetch from an offset on, by the run that it continues or begins."""
        if self._in_span(offset):
            return max(block, self._span[1] - offset)
        near = 0 if self._expected is None else LONGEST_GAP
        if not self._run or not 0 <= offset - self._run_end <= near:
            self._run = 0
            return block
        if self._expected is None:
            return max(block, self._run)
        left = self._expected - self._run
        if left <= 0:
            return max(block, self._expected // SURPLUS, -left // 2)
        return max(block, min(READ_AHEAD * self._run, left))

    def _in_span(self, offset: int) -> bool:
        return self._span[0] <= offset < self._span[1]


def part_reader(fetch: Callable[[int, int], bytes], first: int, last: int, *, header: int) -> Reader:
    """One of several recordings in a file, as a file of its own.

    Args:
        fetch: returns the bytes of (offset, length) of the whole file.
        first: where the part begins.
        last: one past its last byte.
        header: bytes at the beginning of the file that come before it.
    """
    return Reader(partial(_fetch, fetch, first - header, header), header + last - first)


def _fetch(fetch: Callable[[int, int], bytes], shift: int, header: int, offset: int, length: int) -> bytes:
    before = fetch(offset, min(length, header - offset)) if offset < header else b""
    rest = length - len(before)
    return before + fetch(max(offset, header) + shift, rest) if rest else before
