"""Speakers by the two channels of a recording, where each is one person: a call, an interview with two microphones.

Workers keep how loud both channels are with each chunk (`shared/audio/channel_levels.py`). How often one channel leads
tells whether they are speakers; a word belongs to the channel that is louder while it lasts, each relative to its own usual
level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.audio.channel_levels import LEAD, differ, lead_of, powers, spoken_at
from shared.results import LEVEL_RATE, ChunkResult, Word

if TYPE_CHECKING:
    from collections.abc import Sequence


AT_LEAST, AT_MOST = 0.05, 0.5
"""Parts of the time in which somebody speaks: for which each channel leads at least, and neither does at most."""


class Channels:
    """How loud both channels of a whole recording are.

    Args:
        placed: results with the starts of their chunks, seconds.
    """

    def __init__(self, placed: Sequence[tuple[ChunkResult, float]]) -> None:
        parts = [(round(start * LEVEL_RATE), np.frombuffer(one.sides, np.uint8)) for one, start in placed]
        length = max((first + len(part) // 2 for first, part in parts), default=0)
        self._levels = np.full((length, 2), 255, np.uint8)
        for first, part in parts:
            self._levels[first : first + len(part) // 2] = part[: len(part) // 2 * 2].reshape(-1, 2)
        spoken = self._levels[spoken_at(self._levels)]
        self._lead = lead_of(self._levels)
        self._usual = [
            float(np.median(led)) if len(led := spoken[lead >= LEAD, channel]) else None
            for channel, lead in enumerate((self._lead, -self._lead))
        ]

    @property
    def are_speakers(self) -> bool:
        """Whether each channel sounds like one speaker: both lead now and then, and mostly one does."""
        if not len(self._lead):
            return False
        left, right = (self._lead >= LEAD).mean(), (self._lead <= -LEAD).mean()
        return bool(min(left, right) >= AT_LEAST and 1 - left - right <= AT_MOST)

    @property
    def are_different(self) -> bool:
        """Whether the channels are more than the same sound, perhaps louder on one of them."""
        return differ(self._levels.tobytes())

    def of_words(self, words: Sequence[Word]) -> list[int]:
        """The channel of each word, 0 or 1; where both are as loud, that of the word before.

        Args:
            words: in the order of the recording.
        """
        usual = [one for one in self._usual if one is not None]
        scale = np.array(
            [10 ** ((usual[0] if one is None else one) / 20) for one in self._usual] if usual else [1, 1]
        )
        found: list[int] = []
        for word in words:
            left, right = scale * powers(self._levels, word.start, word.end)
            if left == right:
                found.append(found[-1] if found else 0)
            else:
                found.append(int(right > left))
        return found
