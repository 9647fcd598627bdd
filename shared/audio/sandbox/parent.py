"""The caller's side of the decoding process: sends it jobs, answers their reads, ends it when time is up."""

from __future__ import annotations

import logging
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from shared.audio.sandbox import process, wire
from shared.audio.sandbox.checks import BreachError
from shared.audio.sandbox.dialogue import Dialogue
from shared.audio.sandbox.job_end import BREACH, JobEnd
from shared.audio.sandbox.process import ProcessLostError, TimeUpError, UnfitError
from shared.audio.types import BothChannels, Decoded, DecodedAhead, Limits, Pcm, Source
from shared.model import AudioInfo, Chunk

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Callable


log = logging.getLogger(__name__)


class Sandbox:
    """One decoding process; one job at a time (further callers wait).

    The process starts with the first job and stays, so that a job costs a fork and not an import.
    Whatever a file does to it, the sandbox stays usable: the next job gets a fresh process.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. The sandbox may be used again; it then starts another one."""
        with self._lock:
            self._stop()

    def start(self) -> None:
        """Start the process now, so that the first job need not wait for it."""
        with self._lock:
            self._connection()

    def probe(self, source: Source, *, name: str = "", track: int = 0) -> AudioInfo:
        """Learn format, duration and tracks from the header and the tail.

        `track` counts from 0; `name` is what its owner calls it, for messages.

        Raises:
            BadMedia: it is no recording, or not one that can be decoded.
        """
        job = wire.Job(size=source.size, name=name, track=track, limits=self.limits)
        end, _ = self._serve(source, job)
        found = end.outcome()
        assert isinstance(found, AudioInfo), "a probe's result is checked to be one"
        return found

    def decode(
        self,
        source: Source,
        audio: AudioInfo,
        chunk: Chunk,
        *,
        track: int = 0,
        both: BothChannels = "no",
    ) -> Pcm:
        """Decode one chunk with its overlap to 16 kHz mono.

        Raises:
            BadMedia: nothing in it decodes, or it exceeds its limits.
        """
        job = wire.Job(
            size=source.size,
            name="",
            track=track,
            limits=self.limits,
            audio=audio,
            chunk=chunk,
            both=both != "no",
            sound=both == "sound",
        )
        return _pcm(*self._serve(source, job))

    def probe_and_decode(
        self,
        source: Source,
        choose: Callable[[AudioInfo], Chunk | None],
        *,
        name: str = "",
        track: int = 0,
        both: BothChannels = "no",
    ) -> tuple[AudioInfo, DecodedAhead | None]:
        """Probe, and decode a chunk in the same fork: a short file costs one fork, not two.

        `choose` gives the chunk to decode from what the probe found, or None; it must be quick.

        Returns:
            What the probe found, and the chunk. None also if decoding failed: `decode` says why.

        Raises:
            BadMedia: as `probe`.
        """
        job = wire.Job(size=source.size, name=name, track=track, limits=self.limits, awaits_next=True)
        chosen: list[tuple[AudioInfo, Chunk | None, float]] = []

        def next_job(audio: AudioInfo) -> wire.Job | None:
            chosen.append((audio, chunk := choose(audio), time.monotonic()))
            if chunk is None:
                return None
            told = both if audio.channels == 2 else "no"
            return replace(
                job,
                awaits_next=False,
                audio=audio,
                chunk=chunk,
                both=told != "no",
                sound=told == "sound",
            )

        end, samples = self._serve(source, job, next_job)
        if not chosen or end.is_breach:
            end.outcome()
            raise AssertionError("a probe has a result or a reason")
        audio, chunk, began = chosen[0]
        if chunk is None or not end.succeeded:
            return audio, None
        pcm = _pcm(end, samples)
        return audio, DecodedAhead(chunk=chunk, pcm=replace(pcm, seconds_ahead=time.monotonic() - began))

    def _serve(
        self, source: Source, job: wire.Job, following: Callable[[AudioInfo], wire.Job | None] | None = None
    ) -> tuple[JobEnd, bytes]:
        with self._lock:
            end, samples = JobEnd(), b""
            try:
                samples = Dialogue(self._connection(), source, job, end).run(following)
            except TimeUpError:
                self._stop()
                end.refusal = wire.Refusal(
                    code="limit",
                    message=f"This file kept the decoder busy for more than {self.limits.timeout_s:g} s. It is "
                    "probably damaged; convert it to another format (for example FLAC) and try again.",
                )
            except BreachError as error:
                self._stop()
                log.warning("a decoding process was killed: it sent %s", error)
                end.refusal = wire.Refusal(
                    code=BREACH,
                    message="The decoder did something while it read this file that decoding never does, and was "
                    "ended. The file is damaged, or was made to attack programs that read it. If it plays, convert "
                    "it to another format (for example FLAC) and try again.",
                )
            except UnfitError as error:
                self._stop()
                raise process.unfit(str(error)) from None
            except ProcessLostError:
                # Not the job but the process itself: the system may have ended it for memory.
                self._stop()
                end.status = -signal.SIGKILL
            except BaseException:
                # The state of the conversation is unknown.
                self._stop()
                raise
        return end, samples

    def _connection(self) -> socket.socket:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._stop()
            self._process, self._socket = process.start()
        return self._socket

    def _stop(self) -> None:
        process.stop(self._process, self._socket)
        self._process = self._socket = None


def _pcm(end: JobEnd, samples: bytes) -> Pcm:
    done = end.outcome()
    assert isinstance(done, Decoded), "a decoding job's result is checked to be one"
    return Pcm(
        samples=samples,
        start=done.start,
        owned=done.owned,
        warnings=done.warnings,
        levels=end.levels,
        sound=end.sound,
    )
