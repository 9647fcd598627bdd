"""Several recordings in one file: where does each begin?

Recorders append to a file that is there already, receivers of streams concatenate what they get, and an encoder that starts
anew begins to count anew. FFmpeg's time then goes back in the middle of the file. Here the file is looked at in some
places; where its clock has gone back between two of them, the place is searched by halving.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.audio.probing import flv
from shared.audio.probing.concatenated.clock import FORMATS, WINDOWS, WRAPS, Reading, of_clock, reading
from shared.audio.probing.concatenated.ends import ENDS, following
from shared.audio.probing.concatenated.numbered import NUMBERS, restarts
from shared.audio.probing.ebml import MIN_READ, SEGMENT, top_level
from shared.audio.probing.isobmff import is_fragmented
from shared.audio.probing.ogg import is_lone, links
from shared.audio.probing.sniff import HEAD
from shared.audio.types import MOST_PARTS, SHORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

PLACES = 6
"""Places in a long file at which the clock is read."""
BACK = 1.0
"""Seconds by which a clock must have gone back: packets of several tracks lie a little apart."""
WRAP = 3600.0
"""Seconds within which a clock that wraps is expected to go on."""
EBML = b"\x1a\x45\xdf\xa3"
"""What begins a Matroska file."""
HEADS = {
    "matroska": re.compile(re.escape(EBML)),
    "flv": re.compile(rb"FLV\x01"),
}
"""What begins a file of a format."""
HEADER = 64 * 1024
"""Bytes before a cluster or tag in which the header of its own recording is looked for."""
CLOSE = 2048
"""Bytes to which halving closes in on a place; from there on the file is read."""


def beginnings(reader: Reader, demuxer: str) -> list[int]:
    """Where the recordings in a file begin, bytes: 0 alone as a rule, and at most one more than are kept apart."""
    found = links(reader, MOST_PARTS + 1) if demuxer == "ogg" else [0]
    if demuxer in ENDS:
        found = following(reader, demuxer, MOST_PARTS + 1)
    if len(found) == 1 and demuxer in NUMBERS and (demuxer != "mov" or is_fragmented(reader)):
        found = restarts(reader, demuxer, MOST_PARTS + 1)
    if demuxer not in FORMATS or len(found) > 1 or (demuxer == "ogg" and not is_lone(reader)):
        return found
    if demuxer == "matroska":
        found, closed = _files(reader)
        if len(found) > 1 or closed:
            return found
    seen = list(_readings(reader, demuxer))
    for before, after in pairwise(seen):
        own = after.time <= before.time and demuxer == "matroska" and _header_between(reader, before, after)
        wraps = before.time - after.time > WRAPS.get(demuxer, math.inf) - WRAP
        back = after.time < before.time - BACK and not wraps and not _is_alone(reader, demuxer, before, after)
        if (back or own) and len(found) <= MOST_PARTS:
            if before.clock != after.clock and _goes_on(reader, before, after):
                return found
            turn = _turn(reader, demuxer, before, after)
            head = HEADS.get(demuxer)
            if head is None or head.match(reader.at(turn, HEAD)) or header_length(reader, demuxer, turn):
                found.append(turn)
    return found


def _files(reader: Reader) -> tuple[list[int], bool]:
    """Where the Matroska files begin that follow one another, as far as each tells its own size; whether all do.

    A recorder that knows the size at the end was not interrupted: its clock has not gone back.
    """
    found = [0]
    while len(found) <= MOST_PARTS:
        end = next((one.end for one in top_level(reader, found[-1]) if one.name == SEGMENT), None)
        if end is None or end >= reader.size:
            return found, end is not None
        if reader.at(end, len(EBML), block=MIN_READ) != EBML:
            return found, False
        found.append(end)
    return found, True


def _readings(reader: Reader, demuxer: str) -> Iterator[Reading]:
    """The clock at some places of a long file, everywhere in a short one."""
    step = 1 if reader.size <= SHORT else reader.size // PLACES
    at = 0
    while at < reader.size and (one := reading(reader, demuxer, at, reader.size)) is not None:
        yield one
        # The last place is the end, where what was appended to a long file shows.
        end = reader.size - WINDOWS[-1]
        at = max(min(at + step, end) if at < end else at + step, one.position + 1)


def header_length(reader: Reader, demuxer: str, first: int) -> int:
    """Bytes at the beginning of the file that a recording in the middle needs, because it has no header of its own.

    0 also where that header would not do.
    """
    head = HEADS.get(demuxer)
    if head is None or head.match(reader.at(first, HEAD)):
        return 0
    if demuxer == "flv":
        return flv.header_length(reader)
    cluster = reading(reader, demuxer, 0, reader.size)
    return cluster.position if cluster is not None else 0


def _header_between(reader: Reader, before: Reading, after: Reading) -> bool:
    """Whether a Matroska file of its own begins shortly before a cluster."""
    start = max(before.position + 1, after.position - HEADER)
    return EBML in reader.at(start, after.position - start)


def _is_alone(reader: Reader, demuxer: str, before: Reading, after: Reading) -> bool:
    """Whether one of two readings is a wrong timestamp among good ones, so that the clock only seems to go back."""
    following = reading(reader, demuxer, after.position + 1, reader.size)
    if following is not None and following.time >= before.time:
        return True
    following = reading(reader, demuxer, before.position + 1, reader.size)
    preceding = reading(reader, demuxer, max(0, before.position - WINDOWS[0]), before.position)
    return (
        following is not None
        and preceding is not None
        and following.time < before.time - BACK
        and preceding.time <= following.time
    )


def _goes_on(reader: Reader, before: Reading, after: Reading) -> bool:
    """Whether a clock of a transport stream goes on where another one shows: that of another program, then."""
    following = of_clock(reader, before.clock, after.position + 1)
    return following is not None and following.time >= before.time - BACK


def _turn(reader: Reader, demuxer: str, before: Reading, after: Reading) -> int:
    """Where the clock goes back between two readings, of which the second is earlier than the first."""
    low, high = before, after
    while high.position - low.position > CLOSE:
        middle = reading(reader, demuxer, (low.position + high.position) // 2, high.position)
        if middle is None or middle.position >= high.position:
            break
        if middle.time >= before.time - BACK:
            low = middle
        else:
            high = middle
    # The first reading after the turn, then: nothing between the last two reads as a time.
    at = low.position + 1
    while (one := reading(reader, demuxer, at, high.position)) is not None and one.time >= before.time - BACK:
        at = one.position + 1
    turn = one.position if one is not None else high.position
    if head := HEADS.get(demuxer):
        start = max(low.position + 1, turn - HEADER)
        *_, own = (None, *head.finditer(reader.at(start, turn + 1 - start)))
        return turn if own is None else start + own.start()
    return turn
