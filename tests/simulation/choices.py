"""Every choice of a history, by the name of its stream and its position in it.

A choice is a number; 0 is the default: the thread that waits longest, no fault, nothing delivered twice. The choices
that are not 0 are the history: with them, and nothing else, it happens again. Streams are independent, so that a
fault that is left out does not move the order of messages.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEDULE = "schedule"
"""The stream that decides which thread goes on: by far the longest."""


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
        self._fixed = fixed or {}
        self._positions: Counter[str] = Counter()
        self._draws: dict[str, Callable[[], float]] = {}
        self._notes: list[str] = []

    def pick(self, stream: str, count: int, chance: float = 1.0) -> int:
        """A number below `count`: 0, or with some chance any of them (below 1: any but 0)."""
        position = self._positions[stream]
        self._positions[stream] = position + 1
        if self._fixed and (stream, position) in self._fixed:
            value = self._fixed[stream, position] % count
        elif self._seed is None:
            return 0
        else:
            draw = self._draws.get(stream) or self._new(stream)
            if chance >= 1.0:
                value = int(draw() * count)
            elif draw() < chance:
                value = 1 + int(draw() * (count - 1))
            else:
                return 0
        if value:
            self.taken[stream, position] = value
        return value

    def note(self, what: str) -> None:
        """Add something that happened to the digest of the history."""
        self._notes.append(what)

    @property
    def digest(self) -> str:
        """The same for two histories if and only if the same happened in both."""
        return hashlib.sha256("".join(self._notes).encode()).hexdigest()[:16]

    def _new(self, stream: str) -> Callable[[], float]:
        draw = self._draws[stream] = random.Random(f"{self._seed} {stream}").random
        return draw
