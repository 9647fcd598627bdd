"""The two channels of a chunk, recognised separately if the recording asks for it: which words belong to which.

Where one channel leaks into the other, by crosstalk or an echo, its words are recognised on both. How much leaks is measured where
one channel leads: a word of the other channel that is no louder than that is not its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech import windowing
from shared.audio import Pcm, channel_levels
from shared.audio.channel_levels import LEAD
from shared.flow.seam import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.results import Word

MARGIN = 6
"""Half decibels by which a word must be louder than what leaks from the other channel."""


def tracks(pcm: Pcm) -> tuple[bytes, ...]:
    """The samples to recognise: of both channels if they are wanted and differ, else of the mix."""
    return pcm.sound if pcm.sound is not None and channel_levels.differ(pcm.levels) else (pcm.samples,)


def cut(tracks: Sequence[bytes]) -> tuple[list[windowing.Window], tuple[int, ...]]:
    """Windows of one or of two tracks, and of which of two each is; none of one."""
    found = [windowing.cut(np.frombuffer(one, np.int16)) for one in tracks]
    of = [channel for channel, windows in enumerate(found) for _ in windows]
    return [window for windows in found for window in windows], tuple(of) if len(found) > 1 else ()


def own(heard: Sequence[Sequence[Word]], levels: bytes, start: float) -> tuple[tuple[Word, ...], bytes]:
    """The words that each channel says itself, in the order of their starts; and the channel of each, a byte of 0 or 1.

    Args:
        heard: of the left and of the right channel, on the chunk's axis.
        levels: of both, from the first sample on, see `shared/audio/channel_levels.py`.
        start: of the first sample on that axis, seconds.
    """
    by_time = np.frombuffer(levels, np.uint8).reshape(-1, 2)
    lead = channel_levels.lead_of(by_time)
    found: list[tuple[Word, int, float]] = []
    for channel, words in enumerate(heard):
        sign = -1 if channel == 0 else 1
        others = sign * lead
        leaks = others[others >= LEAD]
        most = float(np.median(leaks)) - MARGIN if len(leaks) else np.inf
        for word in words:
            over = sign * _lead(by_time, word, start)
            # What the other channel leads by here, against what it leads by where this one is silent.
            if over < most:
                found.append((word, channel, over))
    found.sort(key=lambda one: one[0].start)
    kept = [one for at, one in enumerate(found) if not _is_echo(found, at)]
    return tuple(word for word, _, _ in kept), bytes(channel for _, channel, _ in kept)


def _lead(levels: NDArray[np.uint8], word: Word, start: float) -> float:
    """By how many half decibels the left channel leads while a word lasts."""
    left, right = channel_levels.powers(levels, word.start - start, word.end - start)
    return float(20 * np.log10(left / right)) if right else 0.0


def _is_echo(found: Sequence[tuple[Word, int, float]], at: int) -> bool:
    """Whether the other channel says the same word at the same time, and louder."""
    word, channel, over = found[at]
    for step in (-1, 1):
        near = at + step
        while 0 <= near < len(found) and abs(found[near][0].start - word.start) < max(
            0.1, word.end - word.start
        ):
            other, of, _ = found[near]
            shared = min(word.end, other.end) - max(word.start, other.start)
            same = of != channel and plain_text(other.text) == plain_text(word.text)
            if same and 2 * shared >= min(word.end - word.start, other.end - other.start):
                # Of equally loud ones the left channel's stays.
                return over > 0 or (over == 0 and channel == 1)
            near += step
    return False
