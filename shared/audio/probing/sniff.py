"""Which container a file is, from its first bytes.

We choose the demuxer ourselves instead of letting FFmpeg probe: what is not in the table of `shared/audio/containers.py` is
never parsed, whatever its name says.
"""

from __future__ import annotations

from shared.audio.containers import CONTAINERS
from shared.audio.probing.notices import encrypted

HEAD = 4096
"""Bytes to look at."""

SYNC = 0x47
"""What each packet of a transport stream begins with."""

_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}


def sniff(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file that begins with these bytes; None if they name none.

    It may be a recording all the same: mp3 and raw aac have no magic number and are found by their frames.

    Raises:
        BadMedia: `encrypted`, for Audible's older format, which is always encrypted.
    """
    if head[4:8] == b"\x57\x90\x75\x36":
        raise encrypted("Audible's protection")
    for one in CONTAINERS:
        if head.startswith(one.starts) or (head[:4], head[8:12]) in one.forms:
            return "eac3" if one.name == "ac3" and len(head) > 5 and head[5] >> 3 > 10 else one.name
    if head[4:8] in _BOXES:
        return "mov"
    for packet, first in ((188, 0), (192, 4), (204, 0)):
        if len(head) > first + 4 * packet and all(
            head[at] == SYNC for at in range(first, first + 5 * packet, packet) if at < len(head)
        ):
            return "mpegts"
    if len(head) == HEAD and any(
        set(head[first::packet]) == {SYNC} for packet in (188, 192, 204) for first in range(packet)
    ):
        return "mpegts"  # begins in the middle of a packet, as what was cut out of a stream does
    return None
