"""The decoding process: `python -I -m shared.audio.sandbox.child FD`.

It loads FFmpeg once, closes a sandbox around itself (`linux.py`: it can open no file and no socket, start no program and
touch no other process but its own child), then forks for every job. The fork gives up more before FFmpeg sees the
first byte of a recording: it holds one socket and can open nothing else, its memory and processor time are limited, and
none of the few system calls that are left to it takes a path or a process.

Wave files of plain samples are decoded without a fork, which would be nine tenths of the work of a short one: their
header is parsed in Python alone, and FFmpeg gets whole samples, not a file to parse.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING

import av
import msgspec

from shared.audio import ffmpeg_check
from shared.audio.probing import ffmpeg, wav
from shared.audio.probing.concatenated import probe as concatenated
from shared.audio.probing.sniff import HEAD, sniff
from shared.audio.sandbox import linux, seccomp, wire
from shared.audio.sandbox.confine import close_others, own_size, restrict
from shared.audio.sandbox.job import recording, work
from shared.audio.sandbox.linux import SandboxError
from shared.audio.sandbox.remote import CallerLostError, Remote
from shared.audio.sandbox.warm_up import warm_up
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from types import FrameType

    from shared.audio.files.reader import Reader

CONFINED = b"\0"
"""What a fork says to its parent when it has given up everything; otherwise it says why not."""


class Zygote:
    """Waits for jobs, forks for each, reports how each ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._caller = socket.socket(fileno=descriptor)
        self._job = 0

    def serve(self) -> None:
        """Serve jobs until the caller closes its end."""
        try:
            ffmpeg_check.check()
        except ConfigurationError as error:
            os.write(self._descriptor, wire.WRONG + str(error).encode()[:1000])
            return
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warm_up()
        gc.collect()
        ffmpeg.only_in_forks = True
        gc.freeze()  # so that collections in the forks touch no shared page
        try:
            own_size.open()
            linux.prepare(seccomp.JOB)
            linux.shield()
            linux.close(seccomp.ZYGOTE)
        except (SandboxError, OSError) as error:
            self._unfit(error)
            return
        os.write(self._descriptor, wire.HELLO)
        while True:
            frame, passed, _flags, _address = socket.recv_fds(self._caller, wire.RECEIVE, 1)
            if frame[:1] != wire.JOB or len(passed) != 1:
                return  # the caller has closed its end
            try:
                status = self._do(frame[1:], passed[0])
            except (SandboxError, OSError) as error:
                self._unfit(error)
                return
            os.write(self._descriptor, wire.EXIT + wire.STATUS.pack(status))

    def _unfit(self, error: Exception) -> None:
        os.write(self._descriptor, wire.UNFIT + str(error).encode()[:1000])

    def _do(self, message: bytes, descriptor: int) -> int:
        """Do a job, here or in a fork; returns its wait status.

        Args:
            message: JSON of the job.
            descriptor: its socket, which is closed here before this returns.

        Raises:
            SandboxError: the fork was not confined, so it has seen no byte of the recording.
            OSError: there can be no fork.
        """
        job = msgspec.json.decode(message, type=wire.Job)
        remote = Remote(descriptor)
        try:
            reader = recording(job, remote)
            if not _is_plain(job, reader):
                return self._fork(job, reader, remote)
            work(job, reader, remote)
        except CallerLostError:
            pass
        finally:
            if remote.descriptor >= 0:
                os.close(remote.descriptor)
        return 0

    def _fork(self, job: wire.Job, reader: Reader, remote: Remote) -> int:
        ended, held = os.pipe()  # only the job holds the second end, so it closes with the job
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._job = os.fork()
        if self._job == 0:
            code = 70
            try:
                ffmpeg.only_in_forks = False
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
                remote.exit_when_lost()
                try:
                    linux.end_with(parent)
                    close_others(remote.descriptor, held)
                    restrict(job.limits.memory_mb, job.limits.timeout_s)
                except (SandboxError, OSError, ValueError) as error:
                    os.write(held, str(error).encode())
                    os._exit(code)
                os.write(held, CONFINED)
                work(job, reader, remote)
                code = 0
            finally:
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.close(held)
        os.close(remote.descriptor)
        remote.descriptor = -1
        self._watch(ended)
        # It has ended, or lets go of what it should hold: no job outlives its end.
        os.kill(self._job, signal.SIGKILL)
        _, status = os.waitpid(self._job, 0)
        self._job = 0
        said = os.read(ended, 1000)
        os.close(ended)
        if not said.startswith(CONFINED):
            raise SandboxError(said.decode("utf-8", "replace") or "a process ended while it was confined")
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


def _is_plain(job: wire.Job, reader: Reader) -> bool:
    """Whether a job can be done without FFmpeg's demuxers. The reader caches what was read to find out.

    The header decides, whatever an earlier job has said of it.
    """
    if job.chunk is not None and (job.audio is None or not wav.is_plain(job.audio)):
        return False
    try:
        found = wav.probe(reader, 0) if sniff(reader.at(0, HEAD)) == "wav" else None
        if job.chunk is None and found is not None and not concatenated.is_one(reader, "wav"):
            return False
    except CallerLostError:
        raise
    except Exception:  # noqa: BLE001 - the fork meets it again, and says what it is
        return False
    return found is not None and (job.audio is None or wav.is_same(found, job.audio))


if __name__ == "__main__":
    av.logging.set_level(None)
    Zygote(int(sys.argv[1])).serve()
