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
        self._warming: list[threading.Thread] = []
        self._closed = False
        self._lock = threading.Lock()

    def warm(self, count: int) -> None:
        """Have so many processes ready; returns at once, and whoever comes early waits for his."""
        with self._lock:
            new = [Sandbox(self._limits) for _ in range(count - len(self._idle))]
            self._idle += new
            for sandbox in new:
                thread = threading.Thread(target=self._start, args=(sandbox,), name="warm", daemon=True)
                thread.start()
                self._warming.append(thread)

    def probe(self, source: Source, *, name: str, track: int) -> AudioInfo:
        """What the container says, from a bounded number of bytes."""
        with self._sandbox() as sandbox:
            return sandbox.probe(source, name=name, track=track)

    def decode(self, source: Source, audio: AudioInfo, chunk: Chunk, *, track: int) -> Pcm:
        """The samples of one chunk with its overlap, mono at 16 kHz."""
        with self._sandbox() as sandbox:
            return sandbox.decode(source, audio, chunk, track=track)

    def close(self) -> None:
        """End the processes: those that are idle now, and those that work as soon as they have done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            warming, self._warming = self._warming, []
        # What is just being started would otherwise be there after its end.
        for thread in warming:
            thread.join()
        for sandbox in idle:
            sandbox.close()

    def _start(self, sandbox: Sandbox) -> None:
        with self._lock:
            wanted = sandbox in self._idle
        if wanted:
            sandbox.start()

    @contextmanager
    def _sandbox(self) -> Iterator[Sandbox]:
        with self._lock:
            sandbox = self._idle.pop() if self._idle else Sandbox(self._limits)
        try:
            yield sandbox
        finally:
            with self._lock:
                closed = self._closed
                if not closed:
                    self._idle.append(sandbox)
            if closed:
                sandbox.close()
