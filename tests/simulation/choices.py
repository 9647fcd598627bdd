"""Every choice of a history, by the name of its stream and its position in it.

A choice is a number; 0 is the default: the thread that waits longest, no fault, nothing delivered twice. The choices
that are not 0 are the history: with them, and nothing else, it happens again. Streams are independent, so that a
fault that is left out does not move the order of messages.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEDULE = "schedule"
"""The stream that decides which thread goes on: by far the longest."""


class Stream:
    """The choices of one name.

    Args:
        name: of the stream.
        draw: gives numbers from 0 to 1; None: every choice that is not fixed is 0.
        fixed: choices by position.
        taken: gets all that were not 0.
    """

    __slots__ = ("_draw", "_fixed", "_name", "_position", "_taken")

    def __init__(
        self,
        name: str,
        draw: Callable[[], float] | None,
        fixed: dict[int, int],
        taken: dict[tuple[str, int], int],
    ) -> None:
        self._name, self._draw, self._fixed, self._taken = name, draw, fixed, taken
        self._position = 0

    def pick(self, count: int, chance: float = 1.0) -> int:
        """A number below `count`: 0, or with some chance any of them (below 1: any but 0)."""
        position = self._position
        self._position = position + 1
        draw = self._draw
        if self._fixed and position in self._fixed:
            value = self._fixed[position] % count
        elif draw is None:
            return 0
        elif chance >= 1.0:
            value = int(draw() * count)
        elif draw() < chance:
            value = 1 + int(draw() * (count - 1))
        else:
            return 0
        if value:
            self._taken[self._name, position] = value
        return value


class Choices:
    """Draws choices from a seed, or repeats those of a history.

    Args:
        seed: of the streams; None: every choice that is not fixed is 0.
        fixed: choices by stream and position, whatever the seed says.
    """

    def __init__(self, seed: int | None = None, fixed: dict[tuple[str, int], int] | None = None) -> None:
        self.taken: dict[tuple[str, int], int] = {}
        """All that were not 0."""
        self._seed = seed
        self._fixed: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for (stream, position), value in (fixed or {}).items():
            self._fixed[stream][position] = value
        self._streams: dict[str, Stream] = {}
        self._notes: list[tuple[object, ...]] = []

    def stream(self, name: str) -> Stream:
        """The choices of one name."""
        found = self._streams.get(name)
        if found is None:
            draw = None if self._seed is None else random.Random(f"{self._seed} {name}").random
            found = self._streams[name] = Stream(name, draw, self._fixed[name], self.taken)
        return found

    def pick(self, stream: str, count: int, chance: float = 1.0) -> int:
        """A number of a stream, see `Stream.pick`."""
        return self.stream(stream).pick(count, chance)

    def note(self, *what: object) -> None:
        """Add something that happened to the digest of the history; nobody may change it afterwards."""
        self._notes.append(what)

    @property
    def digest(self) -> str:
        """The same for two histories if and only if the same happened in both."""
        return hashlib.sha256(repr(self._notes).encode()).hexdigest()[:16]
