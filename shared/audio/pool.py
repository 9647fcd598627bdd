"""A pool of sandboxes: the `Media` port."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import BothChannels, DecodedAhead, Limits, Pcm, Source
from shared.model import AudioInfo, Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MAX_AHEAD = 64 * 1024 * 1024
"""Bytes of samples decoded ahead that are kept until they are asked for: half an hour of sound."""


class MediaPool:
    """One decoding process for each concurrent caller; they stay for the next job.

    Raises (all methods): what `Sandbox` raises.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[Sandbox] = []
        self._warming: list[threading.Thread] = []
        self._choose: Callable[[AudioInfo, int], Chunk | None] | None = None
        self._ahead: list[_Ahead] = []
        self._slots: AbstractContextManager[object] = nullcontext()
        self._closed = False
        self._lock = threading.Lock()

    def warm(self, count: int, *, wait: bool = False) -> None:
        """Start processes before they are needed.

        Args:
            count: how many are to be ready.
            wait: return when they are; otherwise at once, and a caller that comes too early waits for its own.
        """
        with self._lock:
            new = [Sandbox(self._limits) for _ in range(count - len(self._idle))]
            self._idle += new
            for sandbox in new:
                thread = threading.Thread(target=self._start, args=(sandbox,), name="warm", daemon=True)
                thread.start()
                self._warming.append(thread)
            warming = list(self._warming) if wait else []
        for thread in warming:
            thread.join()

    def look_ahead(self, count: int, choose: Callable[[AudioInfo, int], Chunk | None]) -> None:
        """From now on decode short recordings together with their probe, for a worker in this process.

        The samples are kept until they are asked for, once. Where too many are kept already, or decoding fails, the
        recording is decoded when it is asked for, as usual.

        Args:
            count: decoding processes at one time; further callers wait for one.
            choose: the chunk that will be asked for, from what the probe found and the size in bytes; None for
                recordings that are not to be decoded ahead.
        """
        with self._lock:
            self._choose = choose
            self._slots = threading.Semaphore(count)

    def probe(self, source: Source, *, name: str, track: int, both: BothChannels = "no") -> AudioInfo:
        """What the container says, from a bounded number of bytes; `both`: what will be wanted of both channels."""
        choose = self._choose
        if choose is None or self._is_full():
            with self._sandbox() as sandbox:
                return sandbox.probe(source, name=name, track=track)
        with self._sandbox() as sandbox:
            audio, ahead = sandbox.probe_and_decode(
                source,
                lambda audio: choose(audio, source.size),
                name=name,
                track=track,
                both=both,
            )
        if ahead is not None:
            entry = _Ahead(source=source, track=track, both=both, audio=audio, ahead=ahead)
            with self._lock:
                if not any(one.is_of(source, audio, ahead.chunk, track, both) for one in self._ahead):
                    self._ahead.append(entry)
        return audio

    def decode(
        self,
        source: Source,
        audio: AudioInfo,
        chunk: Chunk,
        *,
        track: int,
        both: BothChannels = "no",
    ) -> Pcm:
        """The samples of one chunk with its overlap, mono at 16 kHz, and what `both` wants of both channels."""
        pcm = self._take(source, audio, chunk, track, both)
        if pcm is not None:
            return pcm
        with self._sandbox() as sandbox:
            return sandbox.decode(source, audio, chunk, track=track, both=both)

    def close(self) -> None:
        """End the processes: those that are idle now, and the others as soon as their job is done."""
        with self._lock:
            self._closed = True
            self._ahead.clear()
            idle, self._idle = self._idle, []
            warming, self._warming = self._warming, []
        # A process that is just being started would otherwise outlive the pool.
        for thread in warming:
            thread.join()
        for sandbox in idle:
            sandbox.close()

    def _start(self, sandbox: Sandbox) -> None:
        with self._lock:
            wanted = sandbox in self._idle
        if wanted:
            sandbox.start()

    def _is_full(self) -> bool:
        with self._lock:
            return sum(one.ahead.pcm.size for one in self._ahead) >= MAX_AHEAD

    def _take(
        self, source: Source, audio: AudioInfo, chunk: Chunk, track: int, both: BothChannels
    ) -> Pcm | None:
        with self._lock:
            for one in self._ahead:
                if one.is_of(source, audio, chunk, track, both):
                    self._ahead.remove(one)
                    return one.ahead.pcm
        return None

    @contextmanager
    def _sandbox(self) -> Iterator[Sandbox]:
        with self._slots:
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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Ahead:
    """A chunk that was decoded ahead, and of which recording."""

    source: Source
    track: int
    both: BothChannels
    audio: AudioInfo
    ahead: DecodedAhead

    def is_of(self, source: Source, audio: AudioInfo, chunk: Chunk, track: int, both: BothChannels) -> bool:
        """True for the same chunk of the same recording, whichever engine transcribes it."""
        # Of a recording without two channels nothing else is told.
        return (
            self.track == track
            and (both in {"no", self.both} or audio.channels != 2)
            and self.source == source
            and self.audio == audio
            and self.ahead.chunk == replace(chunk, engine=self.ahead.chunk.engine)
        )
