"""Results of chunks that were read a moment ago, so that those who follow one recording read only what is new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.results import ChunkResult

MOST = 4
"""Recordings; those that nobody asked for the longest go first."""


class Results:
    """By recording and index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, dict[int, ChunkResult]] = OrderedDict()

    def get(self, recording: str) -> Mapping[int, ChunkResult]:
        """What was read of a recording."""
        with self._lock:
            return self._known.get(recording, {})

    def put(self, recording: str, results: dict[int, ChunkResult]) -> None:
        """Keep what was read of a recording."""
        with self._lock:
            self._known[recording] = results
            self._known.move_to_end(recording)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
