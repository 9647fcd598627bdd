"""Results of chunks that were read a moment ago, so that those who follow one recording read only what is new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.flow.reading import live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import ChunkResult

MOST = 4
"""Recordings; those that nobody asked for the longest go first."""


class Results:
    """By recording and index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, dict[int, ChunkResult]] = OrderedDict()

    def of(self, recording: Recording, ports: Ports) -> Mapping[int, ChunkResult]:
        """The results that there are of a recording, by index; those that were read before are not read again.

        Raises:
            BadRequest: a result cannot be read.
            Transient: try again.
        """
        with self._lock:
            known = self._known.get(recording.id, {})
        found = live.arrived(recording, ports, known)
        with self._lock:
            self._known[recording.id] = found
            self._known.move_to_end(recording.id)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found
