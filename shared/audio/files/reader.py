"""The recording as the decoders see it: a seekable file, every byte of which comes over a network."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = (16, 12 * 1024 * 1024)
"""Blocks kept, and bytes in them: FFmpeg goes to and fro between header, index and data."""
NEAR = 256 * 1024
"""A gap up to this long within an expected run is fetched over, bytes: another request would take longer."""
MOST = 4 * 1024 * 1024
"""Largest read of a decoding job, bytes."""
GROWTH = 7
"""A fetch takes at most so many times what its run has fetched before."""
SURPLUS = 16
"""What a run needs beyond what was expected comes in parts as large as this fraction of it, then larger ones."""


class Reader:
    """A seekable file over `fetch`, where every fetch is a request over a network.

    Reads that follow one another, with or without short gaps, are a run, and its fetches grow while it lasts.
    A look at a header here and a tail there costs what it asks for. Who knows what a run will take says so
    (`expect`), and gets it with fewer requests and little beyond.

    Args:
        fetch: returns the bytes of (offset, length), fewer only at the end.
        size: bytes of the recording.
        block: smallest read, bytes.
        most: largest read-ahead, bytes.
        budget: bytes that may be read in all; after that the file seems to end. None: no bound.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size: int,
        *,
        block: int = 32 * 1024,
        most: int = MOST,
        budget: int | None = None,
    ) -> None:
        self.size = size
        self.bytes_read = 0
        self._fetch = fetch
        self._block = block
        self._most = most
        self._budget = budget
        self._expected: int | None = None
        self._known = (0, 0)
        self._run = 0
        self._run_end = 0
        self._blocks: list[tuple[int, bytes]] = []
        self._position = 0

    def expect(self, length: int, start: int | None = None) -> None:
        """Say what the longest run will take: then its fetches end where it does, or little later.

        Args:
            length: about how many bytes.
            start: its first byte, where that is known: then it is fetched in full at once.
        """
        self._expected = max(1, length)
        self._known = (0, 0) if start is None else (start, start + length)

    @property
    def exhausted(self) -> bool:
        """True where the budget is spent."""
        return self._budget is not None and self.bytes_read >= self._budget

    def at(self, offset: int, length: int, *, block: int | None = None) -> bytes:
        """Exactly the bytes [offset, offset + length), fewer only where the file or the budget ends.

        Args:
            offset: first byte.
            length: how many.
            block: smallest read for this call; small where a walker hops over large boxes.
        """
        parts: list[bytes] = []
        while length > 0:
            part = self._some(offset, length, block or self._block)
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
        part = self._some(self._position, length, self._block)
        self._position += len(part)
        return part

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; as with files."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The position, bytes."""
        return self._position

    def _some(self, offset: int, length: int, block: int) -> bytes:
        for start, data in self._blocks:
            if start <= offset < start + len(data):
                return data[offset - start : offset - start + length]
        if offset < 0 or offset >= self.size:
            return b""
        wanted = min(max(length, self._ahead(offset, block)), max(self._most, block), self.size - offset)
        if self._budget is not None:
            wanted = min(wanted, self._budget - self.bytes_read)
        if wanted <= 0:
            return b""
        data = self._fetch(offset, wanted)
        self.bytes_read += len(data)
        self._run += len(data)
        self._run_end = offset + len(data)
        if data:
            self._blocks.insert(0, (offset, data))
            while len(self._blocks) > KEPT[0] or sum(len(one) for _, one in self._blocks) > KEPT[1]:
                self._blocks.pop()
        return data[:length]

    def _ahead(self, offset: int, block: int) -> int:
        """Bytes to fetch from an offset on, as far as the run that it goes on with, or begins, tells."""
        if self._known[0] <= offset < self._known[1]:
            return max(block, self._known[1] - offset)
        near = 0 if self._expected is None else NEAR
        if not self._run or not 0 <= offset - self._run_end <= near:
            self._run = 0
            return block
        if self._expected is None:
            return max(block, self._run)
        left = self._expected - self._run
        if left <= 0:
            return max(block, self._expected // SURPLUS, -left // 2)
        return max(block, min(GROWTH * self._run, left))
