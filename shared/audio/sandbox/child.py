"""The decoding process: `python -I -m shared.audio.sandbox.child FD`.

It loads FFmpeg once, then forks for every job. The fork restricts itself before FFmpeg sees the first byte of
a recording: new descriptors (files, sockets), forks (unless it is root), written files and core dumps fail, and it ends
when it exceeds its limit of memory or processor time. These are resource limits. They stop faults of FFmpeg, not code
that a file makes it run: that has the rights of its user.

Wave files of plain samples are decoded without a fork, which would be nine tenths of the work of a short one: their
header is parsed in Python alone, and FFmpeg gets whole samples, not a file to parse.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import struct
import sys
from functools import partial
from typing import TYPE_CHECKING

import av
import msgspec

from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing import wav
from shared.audio.probing.audio_info import probe
from shared.audio.probing.sniff import HEAD, sniff
from shared.audio.sandbox import wire
from shared.audio.sandbox.remote import CallerLostError, Remote
from shared.errors import BadMedia
from shared.model import Chunk

if TYPE_CHECKING:
    from types import FrameType

GRACE = 1
"""Seconds between the signal for too much processor time and the kill."""
MEMORY_MESSAGE = (
    "Decoding this file takes more memory than is allowed for a recording. Convert it to another format (for "
    "example FLAC) and upload it again."
)


class Zygote:
    """Waits for jobs, forks for each, reports how each ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._remote = Remote(descriptor)
        self._job = 0

    def serve(self) -> None:
        """Serve jobs until the caller closes its end."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warm_up()
        gc.collect()
        gc.freeze()  # so that collections in the forks touch no shared page
        os.write(self._descriptor, wire.HELLO)
        while frame := os.read(self._descriptor, wire.RECEIVE):
            # Anything else is a late answer to a job that has died.
            if frame[:1] == wire.JOB:
                os.write(self._descriptor, wire.EXIT + wire.STATUS.pack(self._do(frame[1:])))

    def _do(self, message: bytes) -> int:
        """Do a job, here or in a fork; returns its wait status."""
        job = msgspec.json.decode(message, type=wire.Job)
        try:
            reader = Reader(self._remote.fetch, job.size, max_read=64 * 1024, budget=job.limits.probe_bytes)
            if not _is_plain(job, reader):
                return self._fork(job, reader)
            work(job, reader, self._remote)
        except CallerLostError:
            pass
        return 0

    def _fork(self, job: wire.Job, reader: Reader) -> int:
        ended, held = os.pipe()  # only the job holds the second end, so it closes with the job
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._job = os.fork()
        if self._job == 0:
            code = 70
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
                self._remote.exit_when_lost()
                restrict(job.limits.memory_mb, job.limits.timeout_s)
                work(job, reader, self._remote)
                code = 0
            finally:
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.close(held)
        self._watch(ended)
        os.close(ended)
        _, status = os.waitpid(self._job, 0)
        self._job = 0
        return status

    def _watch(self, ended: int) -> None:
        """Return when the job has ended; end everything when the caller is gone, however it died."""
        poll = select.poll()
        poll.register(ended, 0)
        poll.register(self._descriptor, 0)  # no events: only that the other side has closed
        if ended not in dict(poll.poll()):
            self._end()

    def _end(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        if self._job:
            os.kill(self._job, signal.SIGKILL)
            os.waitpid(self._job, 0)
        os._exit(0)


def warm_up() -> None:
    """Probe and decode 10 ms of silence, so that all modules are loaded: a job can open no file."""
    samples = bytes(882)
    form = struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16)
    wave = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(samples)) + samples
    wav = b"RIFF" + struct.pack("<I", len(wave)) + wave
    for_ffmpeg = struct.pack(">4sIIIII", b".snd", 24, len(samples), 3, 44_100, 1) + samples
    chunk = Chunk(index=0, start=0.0, end=None, lead=0.0, tail=0.0, engine="parakeet-cpu")
    for file in (wav, for_ffmpeg):
        fetch = partial(_part, file)
        info = probe(Reader(fetch, len(file)), name="", track=0)
        decode(Reader(fetch, len(file)), info, chunk, track=0, longest=1.0, emit=lambda _: None)


def _part(file: bytes, offset: int, length: int) -> bytes:
    return file[offset : offset + length]


def _is_plain(job: wire.Job, reader: Reader) -> bool:
    """Whether a job can be done without FFmpeg's demuxers. The reader caches what was read to find out."""
    if job.chunk is not None:
        return job.audio is not None and wav.is_plain(job.audio)
    try:
        return sniff(reader.at(0, HEAD)) == "wav" and wav.probe(reader, 0) is not None
    except BadMedia:
        return False


def work(job: wire.Job, reader: Reader, remote: Remote) -> None:
    """Do one job in this process and send its result.

    Args:
        job: what to do.
        reader: the recording, to probe.
        remote: the caller.

    Raises:
        CallerLostError: the caller is gone.
    """
    found = _outcome(job, reader, remote)
    remote.send(found)
    if job.awaits_next and found[:1] == wire.DONE:
        frame = os.read(remote.descriptor, wire.RECEIVE)
        if frame[:1] == wire.NEXT and len(frame) > 1:
            remote.send(_outcome(msgspec.json.decode(frame[1:], type=wire.Job), reader, remote))


def _outcome(job: wire.Job, reader: Reader, remote: Remote) -> bytes:
    """The frame that ends a job, after its samples."""
    try:
        if job.chunk is None or job.audio is None:
            result: object = probe(reader, name=job.name, track=job.track)
        else:
            result = decode(
                Reader(remote.fetch, job.size),
                job.audio,
                job.chunk,
                track=job.track,
                longest=job.limits.decode_seconds,
                emit=remote.send_samples,
            )
        return wire.DONE + msgspec.json.encode(result)
    except CallerLostError:
        raise
    except BadMedia as error:
        return wire.BAD + msgspec.json.encode(wire.Refusal(code=error.code, message=str(error)))
    except MemoryError:
        return wire.BAD + msgspec.json.encode(wire.Refusal(code="limit", message=MEMORY_MESSAGE))
    except Exception as error:  # noqa: BLE001 - untrusted bytes: whatever they break, the owner is told
        what = f"{type(error).__name__}: {error}"
        refusal = wire.Refusal(
            code="undecodable",
            message=f"This file cannot be read ({what[:200]}). It is probably damaged; play it, and if it "
            "plays convert it to another format (for example FLAC) and upload it again.",
        )
        return wire.BAD + msgspec.json.encode(refusal)


def restrict(memory_mb: int, seconds: float) -> None:
    """Take from this process what decoding does not need; limits that the platform lacks are skipped."""
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NPROC": 0,
    }
    try:
        with open("/proc/self/statm", "rb") as pages:  # noqa: PTH123 - no pathlib in a fresh fork
            present = int(pages.read().split()[0]) * resource.getpagesize()
        limits["RLIMIT_AS"] = present + memory_mb * 1024 * 1024
    except OSError:
        pass  # only Linux tells its size; elsewhere only the chunk bounds memory
    # Last, because reading the size needs a descriptor. Those that are open stay open.
    limits["RLIMIT_NOFILE"] = 0
    for name, value in limits.items():
        if hasattr(resource, name):
            resource.setrlimit(getattr(resource, name), (value, value))
    whole = max(1, round(seconds + 0.5))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + GRACE))


if __name__ == "__main__":
    av.logging.set_level(None)
    Zygote(int(sys.argv[1])).serve()
