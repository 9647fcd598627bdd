"""A cache of open file descriptors, for ranged reads of the same recording."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from shared.machine.regular_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


CAPACITY = 16
"""Descriptors that stay open while nothing reads them."""


class FdCache:
    """File descriptors by path and generation; a descriptor in use is never closed under its reader."""

    def __init__(self) -> None:
        self._idle: OrderedDict[tuple[Path, int], int] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self, path: Path, generation: int, opener: Callable[[], int] | None = None) -> Iterator[int]:
        """A descriptor for reading, for as long as the block lasts; an exception closes it.

        Where none is kept, `opener` opens the file; without one as usual, links are followed.

        Raises:
            OSError: the file cannot be opened.
        """
        key = (path, generation)
        with self._lock:
            handle = self._idle.pop(key, None)
        if handle is None:
            handle = open_regular(path) if opener is None else opener()
        try:
            yield handle
        except BaseException:
            os.close(handle)
            raise
        self._keep(key, handle)

    def close(self) -> None:
        """Close all idle descriptors."""
        with self._lock:
            while self._idle:
                os.close(self._idle.popitem()[1])

    def _keep(self, key: tuple[Path, int], handle: int) -> None:
        with self._lock:
            if key in self._idle:
                # Two threads read the same file at once: one descriptor is enough for later.
                os.close(handle)
                return
            self._idle[key] = handle
            if len(self._idle) > CAPACITY:
                os.close(self._idle.popitem(last=False)[1])
