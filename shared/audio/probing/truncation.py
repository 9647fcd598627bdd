"""How long a cut file is: what its header declares against what the file holds.

FFmpeg takes the end of a cut file for its natural end; only the sizes in its header tell.
And a header or clock that is wrong makes a few kilobytes look like months, of which each chunk would cost something.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

from shared.audio.containers import BY_NAME
from shared.audio.probing.notices import stops_early
from shared.errors import BadMedia
from shared.in_words import human_duration, human_size

if TYPE_CHECKING:
    from shared.model import AudioInfo

VISIBLE = 0.1
"""Seconds; a smaller difference is a rounding of the program that wrote the header, and not worth a warning."""
BELIEVED = 6 * 3600.0
"""Seconds. A shorter recording is believed: a recorder may have paused for hours."""
FEWEST = 2.5
"""Bytes per second of a longer one. Of silence, PyAV's encoders write 227 (Opus in Ogg), 63 (AAC) and 6 (WavPack)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredSize:
    """A header that declares more bytes than there are."""

    size: int
    """Bytes declared, of what holds the sound; headers and indexes are not counted."""
    present: int
    """How many of these there are; fewer than `size`."""
    seconds: float | None = None
    """Duration by the header; None where it follows from the size of the samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """How long a recording is, as far as a probe can tell."""

    duration: float | None
    """Seconds that are there; None where only decoding can tell."""
    exact: bool
    """False where it is an estimate."""
    warnings: tuple[str, ...] = ()
    """Whether and where the recording stops early."""


def truncated_length(declared: DeclaredSize, length: Length, bit_rate: int) -> Length:
    """The length of a file that is shorter than its header says.

    Args:
        declared: what the header says.
        length: what FFmpeg says, which follows the header for some formats and the file for others.
        bit_rate: of the samples, bits per second; 0 where it is unknown.
    """
    there = length.duration
    if there is None or there <= 0 or (declared.seconds is None and not bit_rate):
        return length
    part = declared.present / declared.size
    if declared.seconds is not None:
        whole = declared.seconds
        there = min(there, whole * part)  # sound and pictures are interleaved, so this is near
        exact = False
    else:
        # Present and declared differ by a factor of 1 / part: the geometric mean is far from both.
        by_header = there * bit_rate > 8 * declared.present / sqrt(part)
        there = there * part if by_header else there
        whole, exact = there / part, length.exact
    if whole * (1 - part) < VISIBLE:
        return length
    return Length(duration=there, exact=exact, warnings=(stops_early(there, whole),))


def in_proportion(info: AudioInfo, size: int) -> AudioInfo:
    """The same, of unknown length where the header's cannot be.

    Raises:
        BadMedia: `limit`, where the times of the packets themselves are out of proportion.
    """
    seconds = info.duration
    if seconds is None or seconds <= BELIEVED or seconds * FEWEST <= size:
        return info
    if BY_NAME[info.format].has_length and not info.parts:
        return replace(info, duration=None, exact=False)
    raise BadMedia(
        "limit",
        f"By its timestamps this file of {human_size(size)} lasts {human_duration(seconds)}, which cannot be: its clock "
        "is damaged, or it was set during the recording. Convert it (ffmpeg -i FILE -af asetpts=N/SR/TB out.flac) and "
        "use that.",
    )
