"""Open a `.nemo` file, which is a tar archive, without trusting the sizes that it states.

A few kilobytes of gzip, or a sparse member, stand for any number of zeros. An archive may unpack to a few times its size
at most, as weights do: they are noise, and hardly compress. Headers are few and short: `tarfile` takes time by the square
of their length, and memory and calls of itself by what they ask for.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

from shared.machine.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GZIP = b"\x1f\x8b"
"""First bytes of a compressed archive."""
MOST_TIMES = 4
"""Size of what is in a compressed archive, as a multiple of its own."""
SLACK = 16_000_000
"""Bytes that a compressed archive may have beyond that: small ones are mostly configuration."""
MOST_HEADER = 2048
"""Bytes of one header, or of what extends it."""
MOST_HEADERS = 256 * 1024
"""Bytes of all headers of an archive: of some 170 files; NeMo writes three for each language."""


@contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive with its members listed.

    Raises:
        tarfile.TarError: it is not a tar file, is damaged, or would unpack to far more than its size.
        OSError: it cannot be read.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(os.fdopen(open_regular(path), "rb"))
        size = most = os.fstat(file.fileno()).st_size
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        if packed:
            most = MOST_TIMES * size + SLACK
            file = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]  # all that is used of it is there
        yield stack.enter_context(_listed(_Bounded(file, most, packed=packed), most))


def _listed(file: _Bounded, most: int) -> tarfile.TarFile:
    """An archive whose members are known, and are no more than they may be.

    Raises: as `open_tar`.
    """
    try:
        # Not `r:*`: other compressions unpack without a bound.
        tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - the caller closes it
        for member in tar:
            _check(member)
        total = sum(member.size for member in tar.getmembers())
    except (OSError, tarfile.TarError, MemoryError):
        raise
    except Exception as error:
        # Of headers that were made to attack: ValueError, IndexError, OverflowError, RecursionError …
        raise tarfile.ReadError(f"its headers are damaged ({type(error).__name__})") from error
    if total > most:
        raise tarfile.ReadError(f"it unpacks to more than {most:,} bytes")
    file.all_headers_are_read()
    return tar


def _check(member: tarfile.TarInfo) -> None:
    """Check that a member is as long as it says.

    Raises:
        tarfile.ReadError: a sparse one is longer, and one of negative length sends its reader back.
    """
    if member.size < 0 or member.issparse():
        raise tarfile.ReadError("a file in it has no length, or not the one that it has there")


def is_packed(tar: tarfile.TarFile) -> bool:
    """Whether the archive is compressed: its members seek by reading all over again."""
    return isinstance(tar.fileobj, _Bounded) and tar.fileobj.packed


class _Bounded(io.RawIOBase):
    """A file that is never read beyond a number of bytes: a header may ask for any number, and get the memory first."""

    def __init__(self, file: IO[bytes], most: int, *, packed: bool) -> None:
        super().__init__()
        self._file = file
        self._most = most
        self._headers: int | None = MOST_HEADERS
        self.packed = packed

    def all_headers_are_read(self) -> None:
        """From now on, what is read is in the members."""
        self._headers = None

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
        if self._headers is not None:
            self._headers -= size
            if not 0 <= size <= MOST_HEADER or self._headers < 0:
                raise tarfile.ReadError(
                    f"it has a header of more than {MOST_HEADER:,} bytes, or {MOST_HEADERS:,} bytes of headers"
                )
        return self._file.read(left + 1 if size < 0 else size)

    def _check(self, position: int) -> None:
        if position > self._most:
            raise tarfile.ReadError(f"it unpacks to more than {self._most:,} bytes")
