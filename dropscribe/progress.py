"""How far a call is, for its caller."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("dropscribe")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far something is."""

    stage: Literal["download", "transcribe"]
    """Weights or a recording are downloaded, or a recording is transcribed."""
    file: str
    """Name of the file that is downloaded, or path of the recording."""
    done: float
    """Bytes of it, or seconds of audio that this call has recognised; at its end, all of them."""
    total: float | None
    """The same of all of it; None until it is known."""


class Told:
    """Passes on how far things are."""

    def __init__(self, on_progress: Callable[[Progress], object] | None) -> None:
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._heard: dict[str, float] = {}
        self._lengths: dict[str, float | None] = {}
        self.files: dict[str, str] = {}
        """Path of each recording, by its key."""

    def downloaded(self, file: str, done: int, total: int | None) -> None:
        """Bytes of a file that have come."""
        self._say(Progress(stage="download", file=file, done=done, total=total))

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known."""
        with self._lock:
            news = self._lengths.get(key) != duration
            self._lengths[key] = duration
        if news:
            self.heard(key, 0.0)

    def heard(self, key: str, seconds: float) -> None:
        """Some more seconds of a recording were recognised."""
        with self._lock:
            total = self._lengths.get(key)
            self._heard[key] = done = self._heard.get(key, 0.0) + seconds
        # Chunks overlap, so more is heard than there is.
        done = done if total is None else min(done, total)
        self._say(Progress(stage="transcribe", file=self.files.get(key, key), done=done, total=total))

    def ended(self, key: str, duration: float | None) -> None:
        """Nothing more comes of a recording; its length is as measured, or None."""
        with self._lock:
            was_heard = self._heard.pop(key, 0.0)
        if was_heard and duration is not None:
            self._say(
                Progress(stage="transcribe", file=self.files.get(key, key), done=duration, total=duration)
            )

    def _say(self, progress: Progress) -> None:
        if self._on_progress is not None:
            try:
                self._on_progress(progress)
            except Exception:
                log.exception("on_progress failed")
