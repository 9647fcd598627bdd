"""Decoding processes that outlive their pool, for the next one in this process.

Each takes longer to start than most tests take. It forks for each job, and so keeps nothing of one for another.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from unittest import mock

from shared.audio import pool
from shared.audio.sandbox.parent import Sandbox

if TYPE_CHECKING:
    import socket
    import subprocess
    from contextlib import AbstractContextManager

MOST = 4
"""Processes that wait for a pool."""
_idle: list[tuple[subprocess.Popen[bytes], socket.socket]] = []


class Kept(Sandbox):
    """A sandbox whose process waits for another one once it is closed."""

    def close(self) -> None:
        with self._lock:
            # Whatever went wrong has ended the process already.
            if self._process is not None and self._socket is not None and len(_idle) < MOST:
                _idle.append((self._process, self._socket))
                self._process = self._socket = None
            self._stop()

    def _connection(self) -> socket.socket:
        if self._process is None:
            with contextlib.suppress(IndexError):
                self._process, self._socket = _idle.pop()
        return super()._connection()


def kept() -> AbstractContextManager[object]:
    """Within it pools of this process use, and leave, processes that are kept."""
    return mock.patch.object(pool, "Sandbox", Kept)
