"""Few large reads instead of many small ones, for sources where every read is a request over a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.audio.types import Source

KEPT = 4
"""Windows kept: demuxers go to and fro between an index and the data."""


class ReadAhead:
    """A `Source` over another, for one reader at a time.

    A reader that hops onwards in short steps, as a demuxer does that looks for the header of each fragment,
    gets windows that grow up to `most` bytes. Each at most doubles what the run has fetched so far, so a run
    that ends early has fetched less than twice what lies between its ends. All other reads fetch what they
    ask for and no more: who reads without gaps (`Reader`) grows its reads by itself, and a look at a header
    here and a tail there costs what it costs without this.

    Args:
        source: where the bytes come from.
        most: largest window, bytes.
        near: a gap up to this long, bytes, is fetched with what follows it: a request takes longer than
            these bytes.
    """

    def __init__(self, source: Source, *, most: int = 1024 * 1024, near: int = 256 * 1024) -> None:
        self._source = source
        self._most = most
        self._near = near
        self._windows: list[tuple[int, bytes]] = []
        self._run = 0
        self._run_end = 0
        self._hops = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self._source.size

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end."""
        length = max(0, min(length, self.size - start))
        parts: list[bytes] = []
        while length > 0:
            part = self._held(start, length) or self._fetch(start, length)[:length]
            if not part:
                break
            parts.append(part)
            start += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _held(self, start: int, length: int) -> bytes:
        for at, data in self._windows:
            if at <= start < at + len(data):
                return data[start - at : start - at + length]
        return b""

    def _fetch(self, start: int, length: int) -> bytes:
        gap = start - self._run_end
        onwards = 0 <= gap <= self._near and self._run > 0
        self._hops = onwards and (self._hops or gap > 0)
        wanted = max(length, min(self._most, self._run)) if self._hops else length
        data = self._source.read(start, min(wanted, self.size - start))
        self._run = (self._run if onwards else 0) + len(data)
        self._run_end = start + len(data)
        self._windows = [(start, data), *self._windows[: KEPT - 1]]
        return data
