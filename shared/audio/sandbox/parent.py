"""The caller's side of the decoding process: start it, answer its reads, end it when time is up."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from shared.audio.sandbox import wire
from shared.audio.types import Decoded, DecodedAhead, Limits, Pcm, Source
from shared.errors import BadMedia, ConfigurationError
from shared.messages import decode as from_json
from shared.messages import encode as to_json
from shared.model import AudioInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Chunk

START_TIMEOUT = 60.0
"""Seconds the process may take to load FFmpeg: a cold disk is slow."""
INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ")
"""Environment variables that the child inherits: what the loader and the C library need, and no secrets."""
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024), "MALLOC_MMAP_THRESHOLD_": str(16 * 1024 * 1024)}
"""For glibc: without them, giving the memory of each frame back takes a twentieth of the work."""


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

        Args:
            source: the recording.
            name: what its owner calls it, for messages.
            track: the audio track that will be decoded, from 0.

        Raises:
            BadMedia: it is no recording, or not one that can be decoded.
        """
        job = wire.Job(size=source.size, name=name, track=track, limits=self.limits)
        result, _ = self._run(source, job)
        return from_json(result, AudioInfo)

    def decode(self, source: Source, audio: AudioInfo, chunk: Chunk, *, track: int = 0) -> Pcm:
        """Decode one chunk with its overlap to 16 kHz mono.

        Args:
            source: the recording.
            audio: what `probe` found.
            chunk: which part of it.
            track: which audio track, from 0.

        Raises:
            BadMedia: nothing in it decodes, or it exceeds its limits.
        """
        job = wire.Job(size=source.size, name="", track=track, limits=self.limits, audio=audio, chunk=chunk)
        return _pcm(*self._run(source, job))

    def probe_and_decode(
        self, source: Source, choose: Callable[[AudioInfo], Chunk | None], *, name: str = "", track: int = 0
    ) -> tuple[AudioInfo, DecodedAhead | None]:
        """Probe, and decode a chunk in the same fork: a short file costs one fork, not two.

        Args:
            source: the recording.
            choose: the chunk to decode, from what the probe found; None for none. Must be quick.
            name: what its owner calls it, for messages.
            track: the audio track, from 0.

        Returns:
            What the probe found, and the chunk. None also if decoding failed: `decode` says why.

        Raises:
            BadMedia: as `probe`.
        """
        job = wire.Job(size=source.size, name=name, track=track, limits=self.limits, awaits_next=True)
        chosen: list[tuple[AudioInfo, Chunk | None, float]] = []

        def next_job(result: bytes) -> wire.Job | None:
            audio = from_json(result, AudioInfo)
            chosen.append((audio, chunk := choose(audio), time.monotonic()))
            return None if chunk is None else replace(job, awaits_next=False, audio=audio, chunk=chunk)

        end, samples = self._serve(source, job, next_job)
        if not chosen:
            end.outcome()
            raise AssertionError("a probe has a result or a reason")
        audio, chunk, began = chosen[0]
        if chunk is None or not end.succeeded:
            return audio, None
        pcm = _pcm(end.result, samples)
        return audio, DecodedAhead(chunk=chunk, pcm=replace(pcm, seconds_ahead=time.monotonic() - began))

    def _run(self, source: Source, job: wire.Job) -> tuple[bytes, bytes]:
        end, samples = self._serve(source, job)
        return end.outcome(), samples

    def _serve(
        self, source: Source, job: wire.Job, next_job: Callable[[bytes], wire.Job | None] | None = None
    ) -> tuple[_JobEnd, bytes]:
        with self._lock:
            end, samples = _JobEnd(), b""
            try:
                samples = self._talk(self._connection(), source, job, end, next_job)
            except _TimeUp:
                self._stop()
                end.refusal = wire.Refusal(
                    code="limit",
                    message=f"This file kept the decoder busy for more than {self.limits.timeout_s:g} s. It is "
                    "probably damaged; convert it to another format (for example FLAC) and upload it again.",
                )
            except _ProcessLost:
                # Not the job but the process itself: the system may have ended it for memory.
                self._stop()
                end.status = -signal.SIGKILL
            except BaseException:
                # The state of the conversation is unknown.
                self._stop()
                raise
        return end, samples

    def _talk(
        self,
        connection: socket.socket,
        source: Source,
        job: wire.Job,
        end: _JobEnd,
        next_job: Callable[[bytes], wire.Job | None] | None,
    ) -> bytes:
        """Send a job, serve it to its end, and return the samples. How it ends is noted in `end`.

        Args:
            connection: to the process.
            source: the recording.
            job: what to do.
            end: takes the result, or why there is none.
            next_job: makes the next job from the result of one that awaits it.
        """
        samples = bytearray()
        buffer = memoryview(bytearray(wire.RECEIVE))
        left = self.limits.timeout_s
        connection.settimeout(left)
        _send(connection, wire.JOB, to_json(job))
        while True:
            before = time.monotonic()
            connection.settimeout(max(left, 0.001))
            frame = buffer[: _receive(connection, buffer)]
            left -= time.monotonic() - before
            if left <= 0:
                raise _TimeUp
            kind, payload = bytes(frame[:1]), frame[1:]
            if kind == wire.READ:
                self._serve_read(connection, source, payload, end)
            elif kind == wire.PCM:
                samples += payload
            elif kind == wire.DONE:
                end.result = bytes(payload)
                if next_job is not None:
                    following, next_job, end.result = next_job(end.result), None, b""
                    _send(connection, wire.NEXT, b"" if following is None else to_json(following))
            elif kind == wire.BAD:
                end.refusal = from_json(bytes(payload), wire.Refusal)
            elif kind == wire.EXIT:
                end.status = os.waitstatus_to_exitcode(wire.STATUS.unpack(payload)[0])
                return bytes(samples)
            else:
                raise _ProcessLost

    def _serve_read(
        self, connection: socket.socket, source: Source, payload: memoryview, end: _JobEnd
    ) -> None:
        start, length = wire.RANGE.unpack(payload)
        length = max(0, min(length, source.size - start))
        try:
            data = source.read(start, length) if length else b""
        except Exception as error:  # noqa: BLE001 - whatever it is, our caller gets it
            end.failure = error
            _send(connection, wire.ABORT)
        else:
            # A job that died meanwhile is reported by its EXIT frame; its answers are then ignored.
            _send(connection, wire.ANSWER, wire.U64.pack(len(data)))
            view = memoryview(data)
            for at in range(0, len(view), wire.FRAME):
                _send(connection, wire.BYTES, view[at : at + wire.FRAME])

    def _connection(self) -> socket.socket:
        if self._socket is not None and self._process is not None and self._process.poll() is None:
            return self._socket
        self._stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "shared.audio.sandbox.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=ALLOCATOR | {name: os.environ[name] for name in INHERITED if name in os.environ},
                cwd="/",
                start_new_session=True,
            )
        ours.settimeout(START_TIMEOUT)
        try:
            ready = ours.recv(wire.RECEIVE) == wire.HELLO
        except (TimeoutError, ConnectionError):
            ready = False
        if not ready:
            self._stop()
            raise ConfigurationError(
                "The decoding process does not start. Run "
                f"`{sys.executable} -I -m shared.audio.sandbox.child` to see why: it needs the package `av`, and "
                "Dropscribe installed in this environment."
            )
        return ours

    def _stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            # On SIGTERM the process kills and reaps its job before it ends itself, so that no zombie is left
            # to an init process that may not exist.
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None


def _pcm(result: bytes, samples: bytes) -> Pcm:
    done = from_json(result, Decoded)
    return Pcm(samples=samples, start=done.start, owned=done.owned, warnings=done.warnings)


class _TimeUp(Exception):  # noqa: N818 - never leaves this module
    """The job has used up its time."""


class _ProcessLost(Exception):  # noqa: N818 - never leaves this module
    """The process has closed its end of the socket."""


def _send(connection: socket.socket, kind: bytes, payload: bytes | memoryview = b"") -> None:
    try:
        connection.sendmsg((kind, payload))
    except TimeoutError:
        raise _TimeUp from None
    except ConnectionError:
        raise _ProcessLost from None


def _receive(connection: socket.socket, buffer: memoryview) -> int:
    try:
        return connection.recv_into(buffer)
    except TimeoutError:
        raise _TimeUp from None
    except ConnectionError:
        raise _ProcessLost from None


@dataclass(slots=True)
class _JobEnd:
    """How a job has ended, as far as is known before its process exits."""

    result: bytes = b""
    refusal: wire.Refusal | None = None
    failure: Exception | None = None  # of the source's own read: then the file is not at fault
    status: int = 0

    @property
    def succeeded(self) -> bool:
        """True where there is a result, and nothing went wrong after it."""
        return bool(self.result) and self.failure is None and self.refusal is None and self.status == 0

    def outcome(self) -> bytes:
        """The result, or the reason why there is none, raised."""
        if self.failure is not None:
            raise self.failure
        if self.refusal is not None:
            raise BadMedia(self.refusal.code, self.refusal.message)
        if self.status != 0 or not self.result:
            raise _crash(self.status)
        return self.result


def _crash(status: int) -> BadMedia:
    """The refusal for a job that ended without a result.

    Args:
        status: exit code, or the negated number of the signal.
    """
    if status == -signal.SIGXCPU:
        return BadMedia(
            "limit",
            "This file takes more processor time than is allowed for a recording. It is probably damaged; "
            "convert it to another format (for example FLAC) and upload it again.",
        )
    if status == -signal.SIGKILL:
        return BadMedia(
            "limit",
            "The system ended the decoder, most likely because this file takes more memory than is allowed "
            "for a recording. Convert it to another format (for example FLAC) and upload it again.",
        )
    return BadMedia(
        "undecodable",
        f"This file makes the decoder crash (status {status}). It is probably damaged; convert it to another "
        "format (for example FLAC) and upload it again.",
    )
