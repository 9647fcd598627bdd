"""How far a run is, how fast it goes, and how long it will take: pure but for the clock that it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.in_words import human_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

SURE_AFTER = 2.0
"""Seconds of work after which its speed says something."""


class RunProgress:
    """Sums up audio: what was transcribed, and what is left.

    What an earlier run finished counts as a file, not as audio: it took no time.
    """

    def __init__(self, keys: Collection[str], clock: Callable[[], float]) -> None:
        self._count = len(keys)
        self._clock = clock
        self._began: float | None = None
        self._lengths: dict[str, float | None] = {}
        self._heard: dict[str, float] = {}
        self._ended: set[str] = set()
        self._skipped: set[str] = set()

    def planned(self, key: str, duration: float | None) -> bool:
        """The length of a recording is known, seconds; False if it was known before."""
        if key in self._lengths:
            return False
        self._lengths[key] = duration
        self._begin()
        return True

    def length(self, key: str) -> float | None:
        """That of a recording, seconds; None if it is not known yet."""
        return self._lengths.get(key)

    def heard(self, key: str, seconds: float) -> float:
        """Some more seconds of a recording were recognised; gives how much of it was."""
        self._begin()
        so_far = self._heard.get(key, 0.0) + seconds
        length = self._lengths.get(key)
        # Overlaps are heard twice.
        self._heard[key] = so_far if length is None else min(so_far, length)
        return self._heard[key]

    def ended(self, key: str, duration: float | None, *, skipped: bool) -> None:
        """A recording has ended, with its length in seconds if that is known."""
        self._ended.add(key)
        self._heard[key] = self._lengths[key] = duration or self._lengths.get(key) or 0.0
        if skipped:
            self._skipped.add(key)

    @property
    def complete(self) -> bool:
        """Whether all have ended."""
        return len(self._ended) == self._count

    @property
    def done(self) -> float:
        """Seconds of audio transcribed by this run."""
        return sum(seconds for key, seconds in self._heard.items() if key not in self._skipped)

    @property
    def total(self) -> float | None:
        """Seconds of audio that this run has to transcribe; an estimate while lengths are unknown, None without any."""
        known = [one for key, one in self._lengths.items() if one is not None and key not in self._skipped]
        if not known:
            return None
        return sum(known) / len(known) * (self._count - len(self._skipped))

    @property
    def _is_estimate(self) -> bool:
        known = sum(one is not None or key in self._skipped for key, one in self._lengths.items())
        return known < self._count

    @property
    def speed(self) -> float | None:
        """Seconds of audio in a second (RTFx); None if it is too early to say."""
        if self._began is None or (took := self._clock() - self._began) < SURE_AFTER or not self.done:
            return None
        return self.done / took

    def told(self, *, briefly: bool = False) -> str:
        """For a person: `3 of 10 files, 12 min of 40 min, 95× real time, 18 s left`; briefly: `95×`."""
        parts = [f"{len(self._ended)} of {self._count} files"]
        total, speed = self.total, self.speed
        if total:
            about = "about " if self._is_estimate else ""
            parts.append(f"{human_duration(self.done)} of {about}{human_duration(total)}")
        if speed:
            times = f"{speed:.0f}×" if speed >= 10 else f"{speed:.1f}×"
            parts.append(times if briefly else f"{times} real time")
            if total and not self.complete:
                parts.append(f"{_rough(max(0.0, total - self.done) / speed)} left")
        return ", ".join(parts)

    def _begin(self) -> None:
        if self._began is None:
            self._began = self._clock()


def _rough(seconds: float) -> str:
    """A time that is a guess anyway, in whole seconds."""
    return human_duration(seconds) if seconds >= 60 else f"{seconds:.0f} s"
