"""Several sandboxes behind one door: the `Media` port."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.audio.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.types import Limits, Pcm, Source
    from shared.model import AudioInfo, Chunk


class MediaPool:
    """As many decoding processes as callers work at one time; they stay for the next job.

    Raises (all methods): what `Sandbox` raises.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[Sandbox] = []
        self._lock = threading.Lock()

    def warm(self, count: int) -> None:
        """Have so many processes ready; returns at once, and whoever comes early waits for his."""
        with self._lock:
            new = [Sandbox(self._limits) for _ in range(count - len(self._idle))]
            self._idle += new
        for sandbox in new:
            threading.Thread(target=sandbox.start, name="warm", daemon=True).start()

    def probe(self, source: Source, *, name: str, track: int) -> AudioInfo:
        """What the container says, from a bounded number of bytes."""
        with self._sandbox() as sandbox:
            return sandbox.probe(source, name=name, track=track)

    def decode(self, source: Source, audio: AudioInfo, chunk: Chunk, *, track: int) -> Pcm:
        """The samples of one chunk with its overlap, mono at 16 kHz."""
        with self._sandbox() as sandbox:
            return sandbox.decode(source, audio, chunk, track=track)

    def close(self) -> None:
        """End the idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for sandbox in idle:
            sandbox.close()

    @contextmanager
    def _sandbox(self) -> Iterator[Sandbox]:
        with self._lock:
            sandbox = self._idle.pop() if self._idle else Sandbox(self._limits)
        try:
            yield sandbox
        finally:
            with self._lock:
                self._idle.append(sandbox)
