"""Finds the landmark before a time in a long file without an index: fragments of mp4, clusters of Matroska.

A guess by the average bit rate, then the first landmark after it, then either back or onwards from there: a few
reads where a walk would take hundreds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.audio.files.reader import Reader

WINDOW = 64 * 1024
"""Smallest stretch searched at one time, bytes."""
FARTHEST = 16 * 1024 * 1024
"""Bytes searched for one landmark before we give up: a fragment of video is a few megabytes."""
MARGIN = 96 * 1024
"""Bytes by which to guess too early: then what is read belongs to the chunk, as a rule."""
HOP = 1024 * 1024
"""Distance up to which to go on from landmark to landmark, bytes; beyond it, guess again."""
MOST_LOOKS = 200
"""Landmarks looked at before we take the best so far."""


class Mark(NamedTuple):
    """A place in the file whose time is known."""

    at: int
    """Its first byte."""
    time: float
    """When it begins, seconds by the file's own time stamps."""


class Marks(Protocol):
    """The landmarks of one file."""

    def find(self, at: int) -> Mark | None:
        """The first landmark at or after a byte; None where none is near."""
        ...

    def following(self, mark: Mark) -> Mark | None:
        """The landmark after one."""
        ...


def last_before(marks: Marks, time: float, *, first: Mark, end: int, rate: float) -> Mark:
    """The last landmark that begins at or before a time; an earlier one where the search takes too long.

    Args:
        marks: the landmarks of the file.
        time: seconds by the file's own time stamps.
        first: the first landmark.
        end: one past the last byte of the file.
        rate: average bytes per second.
    """
    best, limit = first, end
    guess, back = _guess(best, time, rate, end), MARGIN
    looks = 0
    while best.at < guess < limit and looks < MOST_LOOKS:
        looks += 1
        found = marks.find(guess)
        if found is None or found.time > time:
            # Each step back is longer: where the bit rate varies, the average says little.
            limit, back = guess, 2 * back
            late = 0.0 if found is None else (found.time - time) * rate
            guess = max(best.at + 1, guess - back - int(late)) if guess > best.at + 1 else best.at
            continue
        best = found
        guess = _guess(best, time, rate, limit)
        if guess - best.at > HOP:
            continue
        break
    return _onwards(marks, best, time, looks)


def _guess(mark: Mark, time: float, rate: float, limit: int) -> int:
    return min(limit - 1, mark.at + int((time - mark.time) * rate) - MARGIN)


def _onwards(marks: Marks, best: Mark, time: float, looks: int) -> Mark:
    while looks < MOST_LOOKS:
        looks += 1
        found = marks.following(best)
        if found is None or found.time > time or found.at <= best.at:
            break
        best = found
    return best


def scan(reader: Reader, name: bytes, at: int, check: Callable[[int], Mark | None]) -> Mark | None:
    """The first place from a byte on where a name stands and `check` agrees.

    Args:
        reader: the recording.
        name: what to look for.
        at: where to begin.
        check: takes where the name stands.
    """
    stop, window = min(reader.size, at + FARTHEST), WINDOW
    while at < stop:
        data = reader.at(at, window, block=window)
        place = -1
        while (place := data.find(name, place + 1)) >= 0:
            mark = check(at + place)
            if mark is not None:
                return mark
        if len(data) < window:
            return None
        at += len(data) - len(name) + 1
        window = min(2 * window, HOP)
    return None
