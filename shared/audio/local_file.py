"""A recording on this disk, and all of its samples: for tools that read it as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.engines import PARAKEET_CPU
from shared.model import Chunk

if TYPE_CHECKING:
    from pathlib import Path

    from shared.audio.sandbox.parent import Sandbox


class LocalFile:
    """A `Source` over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        """See `Source`."""
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(length)


def decode_whole(path: Path, sandbox: Sandbox) -> bytes:
    """All samples of a recording, as in `Pcm`.

    Raises:
        BadMedia: it cannot be decoded.
    """
    source = LocalFile(path)
    audio = sandbox.probe(source, name=path.name)
    whole = Chunk(index=0, start=0.0, end=None, lead=0.0, tail=0.0, engine=PARAKEET_CPU.name)
    return sandbox.decode(source, audio, whole).samples
