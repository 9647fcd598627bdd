"""Wave files (RIFF, RF64, AIFF): does the file hold what its header promises?

Sources: Multimedia Programming Interface 1.0 (RIFF), EBU Tech 3306 (RF64), AIFF-C draft (1991).
FFmpeg reads these well; it just takes the end of a cut file for its natural end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.audio.reader import Reader

MOST_CHUNKS = 200
"""Chunks looked at before the samples; real files have a dozen."""
UNKNOWN = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFFE, 0xFFFFFFFE, 0x80000000}
"""Sizes that recorders write when they stream and do not yet know."""


def shortage(reader: Reader) -> float | None:
    """How much longer the samples should be than they are (2.0: half is missing), or None if all are there."""
    head = reader.at(0, 12)
    big = head[:4] == b"FORM"
    order = "big" if big else "little"
    at = 12
    wide_size = 0
    for _ in range(MOST_CHUNKS):
        header = reader.at(at, 8, block=4096)
        if len(header) < 8:
            return None
        name, size = header[:4], int.from_bytes(header[4:], order)  # type: ignore[arg-type]  # one of the two words
        if name == b"ds64":
            wide_size = int.from_bytes(reader.at(at + 16, 8), "little")
        if name in {b"data", b"SSND"}:
            if head[:4] in {b"RF64", b"BW64"} and size == 0xFFFFFFFF:
                size = wide_size
            elif size in UNKNOWN:
                return None
            held = reader.size - at - 8
            return size / held if 0 < held < size else None
        at += 8 + size + (size & 1)
    return None
