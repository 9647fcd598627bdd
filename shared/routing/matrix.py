"""Step 3, the rule of `auto`: a matrix of lengths and sizes. Pure.

    row   length          size            GPU available        no GPU
    0     under 30 min    under 50 MB     Parakeet             Parakeet
    1     up to 2 h       up to 200 MB    Parakeet             hosted engine
    2     2 h to 4 h      200 to 400 MB   hybrid               hosted engine
    3     over 4 h        over 400 MB     hosted engine        hosted engine

A bound belongs to the later row, except the last one: exactly 4 h and exactly 400 MB are row 2. If length and
size differ, the later row applies. If only one of the engines can run, it gets everything (pick.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.in_words import MEGABYTE, human_duration, human_size

if TYPE_CHECKING:
    from shared.model import AudioInfo
    from shared.settings import Settings

LOSSLESS = frozenset(
    {"alac", "ape", "flac", "mlp", "shorten", "tak", "truehd", "tta", "wavpack", "wmalossless"}
)
"""FFmpeg's names of lossless codecs, beside `pcm_…`: their size says little about the work."""

MOST_BITS = 640_000
"""Bits per second, the most that AC-3 allows (ATSC A/52): a file with more has a picture, which makes up its size."""

Who = Literal["ours", "both", "hosted"]
"""An engine of ours, both in a hybrid, or the hosted engine."""

MATRIX: dict[bool, tuple[Who, Who, Who, Who]] = {
    True: ("ours", "ours", "both", "hosted"),
    False: ("ours", "hosted", "hosted", "hosted"),
}
"""Who gets each row, with and without a GPU, if both Parakeet and a hosted engine can run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The row of the matrix that applies to a recording."""

    index: int
    """0 to 3."""
    reason: str
    """Why it applies, e.g. `2 h 41 min is between 2 h and 4 h`."""


def row_of(audio: AudioInfo, size: int, settings: Settings) -> Row:
    """The row of a recording, by its length and, if the size says anything about the work, by its size."""
    hours = [settings.small_minutes / 60, settings.short_hours, settings.long_hours]
    megabytes = [settings.small_mb, settings.short_mb, settings.long_mb]
    by_size = _index(size / MEGABYTE, megabytes)
    bounds_said = [f"{one:g} MB" for one in megabytes]
    size_said = f"{_beside(human_size(size), size / MEGABYTE, megabytes, bounds_said)} is {_bounds(by_size, bounds_said)}"
    if audio.duration is None:
        return Row(index=by_size, reason=f"its length is unknown, and {size_said}")
    by_length = _index(audio.duration, [one * 3600 for one in hours])
    bounds_said = [human_duration(one * 3600) for one in hours]
    length = _beside(human_duration(audio.duration), audio.duration / 3600, hours, bounds_said)
    length_said = f"{length} is {_bounds(by_length, bounds_said)}"
    if by_size > by_length and _size_counts(audio, size):
        return Row(index=by_size, reason=f"{size_said}, though {length_said}")
    return Row(index=by_length, reason=length_said)


def _size_counts(audio: AudioInfo, size: int) -> bool:
    assert audio.duration is not None, "without a length only the size counts"
    lossy = not audio.codec.startswith("pcm_") and audio.codec not in LOSSLESS
    return lossy and size * 8 <= MOST_BITS * audio.duration


def _index(value: float, bounds: list[float]) -> int:
    small, short, long = bounds
    return 0 if value < small else 1 if value < short else 2 if value <= long else 3


def _bounds(index: int, names: list[str]) -> str:
    small, short, long = names
    return (f"under {small}", f"between {small} and {short}", f"between {short} and {long}", f"over {long}")[
        index
    ]


def _beside(said: str, value: float, bounds: list[float], names: list[str]) -> str:
    """A length or a size in words; a value that rounds to a bound says on which side of it it is."""
    for bound, name in zip(bounds, names, strict=True):
        if said == name and value != bound:
            return f"just {'over' if value > bound else 'under'} {said}"
    return said
