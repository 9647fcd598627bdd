"""The caller's part of the conversation about one job: it answers reads, collects samples, and trusts little."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from shared.audio.sandbox import checks, wire
from shared.audio.sandbox.checks import BreachError
from shared.audio.sandbox.process import ProcessLostError, TimeUpError, UnfitError, receive, send
from shared.audio.types import WIDTH, WITH_CHANNELS, Source
from shared.errors import StoreUnavailable
from shared.messages import encode as to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.audio.channel_levels import LevelMeter
    from shared.audio.sandbox.job_end import JobEnd
    from shared.model import AudioInfo

Given = ParamSpec("Given")
Got = TypeVar("Got")


SLOWEST, MOST_WAITING = 1e6, 300.0
"""Bytes a second that a store gives at least, and seconds that all reads of a job may take beyond that."""


class Dialogue:
    """One job, from its frame to the end of its process."""

    def __init__(self, control: socket.socket, source: Source, job: wire.Job, end: JobEnd) -> None:
        self._control = control
        self._source = source
        self._end = end
        self._seconds = job.limits.timeout_s
        self._reading, self._bytes_read = 0.0, 0
        # One byte more than a frame may have: then one that is too long shows.
        self._buffer = memoryview(bytearray(wire.RECEIVE + 1))
        self._samples = bytearray()
        self._meter: LevelMeter | None = None
        self._over = False
        self._begin(job)

    def run(self, following: Callable[[AudioInfo], wire.Job | None] | None = None) -> bytes:
        """Send the job, serve it to its end, and return the samples. How it ends is noted in the JobEnd.

        Args:
            following: makes the next job of one that awaits it, from what the probe found.

        Raises:
            TimeUpError: it took longer than it may, without the reads of the source.
            BreachError: the job does not do what jobs do.
            ProcessLostError: the process is gone.
            UnfitError: the system does not let it work.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                self._timed(self._control, self._pass_on, theirs)
            while frame := self._receive_of_job(ours):
                # A job that ended before it took its answer may have said something before.
                with suppress(ProcessLostError):
                    self._serve(ours, bytes(frame[:1]), frame[1:], following)
        # All copies of the job's end are closed. How it ended, and that it has, only the process itself can say.
        self._over = True
        frame = self._receive(self._control)
        if frame[:1] == wire.UNFIT:
            raise UnfitError(wire.printable(str(frame[1:], "utf-8", "replace")))
        if frame[:1] != wire.EXIT:
            raise ProcessLostError
        self._end.status = checks.status(frame[1:])
        return bytes(self._samples)

    def _begin(self, job: wire.Job) -> None:
        """Set what a job may read and send."""
        if job.chunk is None:
            self._budget = checks.probe_budget(job.size, job.limits)
            self._room = 0
        else:
            self._budget = checks.decode_budget(job.size)
            width = WITH_CHANNELS if job.both else WIDTH
            self._room = width * checks.most_samples(job.chunk, job.limits.decode_seconds)
            if job.both:
                from shared.audio.channel_levels import LevelMeter  # noqa: PLC0415 - loads numpy, which few jobs need

                self._meter = LevelMeter(sound=job.sound)
        self._job = job

    def _serve(
        self,
        connection: socket.socket,
        kind: bytes,
        payload: memoryview,
        following: Callable[[AudioInfo], wire.Job | None] | None,
    ) -> None:
        if len(payload) > wire.FRAME or self._over:
            raise BreachError("an unexpected frame")
        if kind == wire.READ:
            self._answer(connection, payload)
        elif kind == wire.PCM:
            self._room -= len(payload)
            if self._room < 0 or len(payload) % 2 or not payload:
                raise BreachError("samples that do not belong to the chunk")
            self._samples += payload if self._meter is None else self._meter.take(payload)
        elif kind == wire.DONE:
            self._finish(connection, bytes(payload), following)
        elif kind == wire.BAD:
            self._end.refusal = checks.refusal(bytes(payload))
            self._over = True
        else:
            raise BreachError("an unknown kind of frame")

    def _finish(
        self,
        connection: socket.socket,
        payload: bytes,
        following: Callable[[AudioInfo], wire.Job | None] | None,
    ) -> None:
        if self._job.chunk is not None:
            self._end.result = checks.decoded(payload, self._job.chunk, self._job.limits.decode_seconds)
            if self._meter is not None:
                self._end.levels, self._end.sound = self._meter.finish(), self._meter.sound
        else:
            found = checks.info(payload, self._job)
            if self._job.awaits_next and following is not None:
                job = following(found)
                if job is not None:
                    self._begin(job)
                    self._timed(connection, send, wire.NEXT, to_json(job))
                    return
                self._timed(connection, send, wire.NEXT)
            self._end.result = found
        self._over = True

    def _answer(self, connection: socket.socket, payload: memoryview) -> None:
        start, length = self._budget.take(payload)
        began = time.monotonic()
        try:
            data = self._source.read(start, length)
            self._count_read(length, time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - whatever it is, our caller gets it
            self._end.failure = error
            self._over = True
            self._timed(connection, send, wire.ABORT)
            return
        self._timed(connection, send, wire.ANSWER, wire.U64.pack(len(data)))
        view = memoryview(data)
        for at in range(0, len(view), wire.FRAME):
            self._timed(connection, send, wire.BYTES, view[at : at + wire.FRAME])

    def _count_read(self, length: int, seconds: float) -> None:
        """Bound the time of all reads: a compromised job could go on for hours by tiny ones."""
        self._bytes_read += length
        self._reading += seconds
        if self._reading > MOST_WAITING + self._bytes_read / SLOWEST:
            raise StoreUnavailable(
                f"Reading {self._bytes_read} bytes of this recording took {self._reading:.0f} s: where it is stored answers "
                "too slowly. It is tried again."
            )

    def _pass_on(self, control: socket.socket, theirs: socket.socket) -> None:
        try:
            socket.send_fds(control, [wire.JOB, to_json(self._job)], [theirs.fileno()])
        except TimeoutError:
            raise TimeUpError from None
        except ConnectionError:
            raise ProcessLostError from None

    def _receive(self, connection: socket.socket) -> memoryview:
        return self._buffer[: self._timed(connection, receive, self._buffer)]

    def _receive_of_job(self, connection: socket.socket) -> memoryview:
        """The next frame; empty when the job has ended."""
        for _ in range(2):  # a job that leaves an answer untaken is reported once, before what it has said
            with suppress(ProcessLostError):
                return self._receive(connection)
        return self._buffer[:0]

    def _timed(
        self,
        connection: socket.socket,
        call: Callable[Concatenate[socket.socket, Given], Got],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Got:
        """Send or receive, at the cost of the time that is left to the job."""
        connection.settimeout(max(self._seconds, 0.001))
        before = time.monotonic()
        got = call(connection, *given, **named)
        self._seconds -= time.monotonic() - before
        if self._seconds <= 0:
            raise TimeUpError
        return got
