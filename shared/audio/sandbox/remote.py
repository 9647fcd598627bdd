"""The decoding process's end of the socket: it asks the caller for bytes, and sends samples and results."""

from __future__ import annotations

import os
from typing import NoReturn

from shared.audio.sandbox import wire


class CallerLostError(Exception):
    """The source failed or the caller is gone: no result is needed."""


class Remote:
    """The caller, as the decoding process sees it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._exits_when_lost = False

    def exit_when_lost(self) -> None:
        """From now on end this process at once instead of raising CallerLostError.

        An exception would not get through where FFmpeg calls the reader: FFmpeg takes whatever a read raises for a
        damaged place to skip, or for an empty read to repeat forever.
        """
        self._exits_when_lost = True

    def fetch(self, offset: int, length: int) -> bytes:
        """Bytes of the recording, fewer only at its end.

        Raises:
            CallerLostError: no answer can come.
        """
        try:
            os.write(self.descriptor, wire.READ + wire.RANGE.pack(offset, length))
            left = wire.U64.unpack(self._receive(wire.ANSWER))[0]
            parts = []
            while left > 0:
                parts.append(self._receive(wire.BYTES))
                left -= len(parts[-1])
        except OSError:
            self._lost()
        return b"".join(parts)

    def send(self, frame: bytes) -> None:
        """Send a frame.

        Raises:
            CallerLostError: the caller is gone.
        """
        try:
            os.write(self.descriptor, frame)
        except OSError:
            self._lost()

    def send_samples(self, samples: bytes) -> None:
        """Send samples in as many frames as it takes.

        Raises:
            CallerLostError: the caller is gone.
        """
        view = memoryview(samples)
        try:
            for at in range(0, len(view), wire.FRAME):
                os.writev(self.descriptor, (wire.PCM, view[at : at + wire.FRAME]))
        except OSError:
            self._lost()

    def _receive(self, kind: bytes) -> memoryview:
        frame = os.read(self.descriptor, wire.RECEIVE)
        if frame[:1] != kind:
            self._lost()
        return memoryview(frame)[1:]

    def _lost(self) -> NoReturn:
        if self._exits_when_lost:
            os._exit(0)
        raise CallerLostError
