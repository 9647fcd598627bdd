"""Open a `.nemo` file, which is a tar archive, without believing what it says of its size.

A few kilobytes of gzip, or a sparse member, stand for any number of zeros. An archive may unpack to a few times its size
at most, as weights do: they are noise, and hardly compress.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

from shared.adapters.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP = b"\x1f\x8b"
"""First bytes of a compressed archive."""
MOST_TIMES = 4
"""Size of what is in a compressed archive, as a multiple of its own."""
SLACK = 16_000_000
"""Bytes that a compressed archive may have beyond that: small ones are mostly configuration."""
MOST_MEMBERS = 10_000
"""In one archive; NeMo writes fewer than ten."""


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive with its members listed.

    Raises:
        tarfile.TarError: it is none, or would unpack to far more than its size.
        OSError, EOFError, zlib.error: it cannot be read.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(os.fdopen(open_regular(path), "rb"))
        size = most = os.fstat(file.fileno()).st_size
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        if packed:
            most = MOST_TIMES * size + SLACK
            file = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]  # all that is used of it is there
        # Not `r:*`: other compressions unpack without a bound.
        tar = stack.enter_context(tarfile.open(fileobj=_Bounded(file, most, packed=packed), mode="r:"))
        total = 0
        for count, member in enumerate(tar, start=1):
            total += member.size
            if total > most or count > MOST_MEMBERS:
                raise tarfile.ReadError(f"it unpacks to more than {most:,} bytes, or {MOST_MEMBERS:,} files")
        yield tar


def is_packed(tar: tarfile.TarFile) -> bool:
    """Whether the archive is compressed: its members seek by reading all over again."""
    return isinstance(tar.fileobj, _Bounded) and tar.fileobj.packed


class _Bounded(io.RawIOBase):
    """A file that nobody reads beyond a number of bytes: a header may ask for any number, and get the memory first."""

    def __init__(self, file: IO[bytes], most: int, *, packed: bool) -> None:
        super().__init__()
        self._file = file
        self._most = most
        self.packed = packed

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check(offset if whence == io.SEEK_SET else self.tell() + offset)
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        left = self._most - self.tell()
        self._check(self.tell() + max(0, size))
        return self._file.read(left + 1 if size < 0 else size)

    def _check(self, position: int) -> None:
        if position > self._most:
            raise tarfile.ReadError(f"it unpacks to more than {self._most:,} bytes")
