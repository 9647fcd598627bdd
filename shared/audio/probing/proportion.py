"""Does a recording have the bytes for its length?

A header or a clock that is wrong makes a few kilobytes look like months, and each chunk of a plan costs something,
whether there is sound in it or not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import BadMedia
from shared.in_words import human_duration, human_size

if TYPE_CHECKING:
    from shared.model import AudioInfo

LONG = 6 * 3600.0
"""Seconds. A shorter recording is believed: a recorder may have paused for hours."""
FEWEST = 2.5
"""Bytes per second of a longer one. Opus sends 6 for silence, and flac 8."""
BY_HEADER = {
    "flac",
    "caf",
    "aiff",
    "wav",
    "w64",
    "au",
    "tta",
    "wv",
    "ape",
    "mpc",
    "mpc8",
    "voc",
    "nistsphere",
}
"""Formats whose length is a number in the header. Their samples have no times, so that decoding finds the end."""


def in_proportion(info: AudioInfo, size: int) -> AudioInfo:
    """The same, of unknown length where the header's cannot be.

    Args:
        info: what the container says.
        size: bytes of the file.

    Raises:
        BadMedia: `limit`, where the times of the packets themselves are out of proportion.
    """
    seconds = info.duration
    if seconds is None or seconds <= LONG or seconds * FEWEST <= size:
        return info
    if info.format in BY_HEADER and not info.parts:
        return replace(info, duration=None, exact=False)
    raise BadMedia(
        "limit",
        f"By its time stamps this file of {human_size(size)} lasts {human_duration(seconds)}, which cannot be: its clock "
        "is damaged, or it was set during the recording. Convert it (ffmpeg -i FILE -af asetpts=N/SR/TB out.flac) and "
        "upload that.",
    )
