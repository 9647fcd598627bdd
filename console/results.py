"""A cache of the results of chunks, so that viewers who follow one recording read only what is new."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.flow.reading import live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import ChunkResult

MOST = 4
"""Recordings; the least recently requested ones go first."""
KEPT = 60.0
"""Seconds for which they are kept after a request: they may have been deleted meanwhile."""


class Results:
    """By recording and index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, dict[int, ChunkResult]] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._timer: threading.Timer | None = None

    def of(self, recording: Recording, ports: Ports) -> Mapping[int, ChunkResult]:
        """The results that there are of a recording, by index; those that were read before are not read again.

        Raises:
            BadRequest: a result cannot be read.
        """
        with self._lock:
            known = self._known.get(recording.id, {})
        found = live.arrived(recording, ports, known)
        with self._lock:
            self._known[recording.id] = found
            self._known.move_to_end(recording.id)
            self._asked[recording.id] = time.monotonic()
            while len(self._known) > MOST:
                self._asked.pop(self._known.popitem(last=False)[0])
            self._look_later()
        return found

    def _look_later(self) -> None:
        if self._timer is None and self._known:
            self._timer = threading.Timer(KEPT, self._drop_old)
            self._timer.daemon = True
            self._timer.start()

    def _drop_old(self) -> None:
        """Forget what was not requested lately."""
        with self._lock:
            self._timer = None
            for one in [one for one, at in self._asked.items() if time.monotonic() - at >= KEPT]:
                del self._asked[one], self._known[one]
            self._look_later()
