"""What the caller accepts from a job: numbers that a recording can have, and no more bytes than it may take.

A file that has compromised its decoder speaks for it. What no decoder of ours would say is a breach.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from shared.audio.sandbox import wire
from shared.audio.types import MOST_PARTS, SAMPLE_RATE, Decoded, Limits, most_of_several
from shared.errors import DropscribeError
from shared.messages import decode as from_json
from shared.model import AudioInfo, Chunk

if TYPE_CHECKING:
    from typing import TypeVar

    Told = TypeVar("Told", AudioInfo, Decoded, wire.Refusal)

CODES = frozenset(
    ("empty", "not-media", "no-audio", "no-track", "encrypted", "incomplete", "undecodable", "limit", "internal")
)  # fmt: skip
"""With which a job may refuse a file."""
LONGEST_READ = 4 * 1024 * 1024
"""Most bytes of one read, which is what `Reader` asks for at most."""
MOST_TEXTS = 100
"""Warnings of one job."""
FASTEST, MOST_CHANNELS, MOST_TRACKS = 2**31 - 1, 512, 64
"""Hertz; channels as FFmpeg takes them; tracks as we let it find them."""
LONGEST: Final = 366 * 86_400.0
"""Seconds: no recording lasts longer than a year."""
FARTHEST = 1e11
"""Seconds from zero to a timestamp: some clocks count from the year 1."""
SLOWEST = 50
"""Bytes in which mp3 or aac can hold a second, at least."""
TOLERANCE = 0.001
"""Seconds; for the same sum in another order."""
_NAME = re.compile(r"[!-~]([ -~]{0,38}[!-~])?")
"""Name of a container or a codec."""


class BreachError(Exception):
    """The job said what none says that does its work: it is to be killed, and its file refused."""


class ReadBudget:
    """What a job may read of its recording.

    Args:
        size: bytes of the recording.
        most: bytes in all; a probe's limit, or a multiple of the recording for a decoder that looks for the place
            where a chunk begins.
        requests: reads in all.
    """

    def __init__(self, size: int, most: int, requests: int) -> None:
        self._size = size
        self._left = most
        self._requests = requests

    def take(self, payload: memoryview) -> tuple[int, int]:
        """The offset and length of a read that is granted, within the recording.

        Raises:
            BreachError: it is not allowed, or one too many.
        """
        if len(payload) != wire.RANGE.size:
            raise BreachError("a malformed read")
        start, length = wire.RANGE.unpack(payload)
        if not 0 < length <= min(LONGEST_READ, self._size - start):
            raise BreachError(f"a read of {length} bytes at {start}")
        self._left -= length
        self._requests -= 1
        if self._left < 0 or self._requests < 0:
            raise BreachError("more reads than its work takes")
        return start, length


def most_of_a_probe(size: int, limits: Limits) -> int:
    """Bytes that a probe may read: its limit, and more of a file that consists of several recordings."""
    return limits.probe_bytes + most_of_several(size)


def probe_budget(size: int, limits: Limits) -> ReadBudget:
    """What a probe may read."""
    most = most_of_a_probe(size, limits)
    return ReadBudget(size, most, 16 + most // 256)


def decode_budget(size: int) -> ReadBudget:
    """What decoding one chunk may read: an index and the chunk are read once, a search for it repeats some of it."""
    most = 4 * size + 16 * LONGEST_READ
    return ReadBudget(size, most, 1000 + most // 8192)


def most_samples(chunk: Chunk, longest: float) -> int:
    """Samples that a chunk can have."""
    if chunk.span is not None:
        seconds = min(longest, 60 + (chunk.span.read_to - chunk.span.read_from) / SLOWEST)
    elif chunk.end is None:
        seconds = longest
    else:
        seconds = min(longest, chunk.end + chunk.tail - max(0.0, chunk.start - chunk.lead))
    return math.ceil(max(0.0, seconds) * SAMPLE_RATE) + 1


def info(payload: bytes, job: wire.Job) -> AudioInfo:
    """What a probe found.

    Raises:
        BreachError: no recording is like this.
    """
    told = _record(payload, AudioInfo)
    check_info(told, job)
    return told


def check_info(told: AudioInfo, job: wire.Job) -> None:
    """The same for a record; the job itself looks at what it found, before it is taken for an attacker.

    Raises:
        BreachError: no recording is like this.
    """
    place = told.first_byte or told.last_byte or told.splittable_by == "bytes"
    _require(
        (
            _NAME.fullmatch(told.format) is not None,
            _NAME.fullmatch(told.codec) is not None,
            0 <= told.sample_rate <= FASTEST,
            0 <= told.channels <= MOST_CHANNELS,
            told.duration is None or 0 <= told.duration <= LONGEST,
            not place or 0 <= told.first_byte < told.last_byte <= job.size,
            job.track < told.tracks <= MOST_TRACKS,
            0 <= told.bytes_read <= most_of_a_probe(job.size, job.limits),
            told.origin is None or abs(told.origin) <= FARTHEST,
        )
    )
    _parts(told, job.size)
    _texts(told.warnings)


def _parts(told: AudioInfo, size: int) -> None:
    """Raise BreachError where the recordings in a file do not follow one another."""
    _require((len(told.parts) <= MOST_PARTS,))
    start, at = 0.0, 0
    for part in told.parts:
        _require(
            (
                at <= part.first_byte < part.last_byte <= size,
                0 <= part.header <= part.first_byte,
                abs(part.start - start) <= TOLERANCE,
                0 < part.duration <= LONGEST,
                abs(part.origin) <= FARTHEST,
            )
        )
        start, at = start + part.duration, part.last_byte
    _require((not told.parts or (told.duration is not None and abs(told.duration - start) <= TOLERANCE),))


def decoded(payload: bytes, chunk: Chunk, longest: float) -> Decoded:
    """How a job ended that decodes.

    Raises:
        BreachError: this is not how a chunk like this can end.
    """
    told = _record(payload, Decoded)
    most = most_samples(chunk, longest) / SAMPLE_RATE
    if chunk.span is None:
        begins = abs(told.start - (max(0.0, chunk.start - chunk.lead) - chunk.start)) <= TOLERANCE
    else:
        begins = -most <= told.start <= 0
    _require((begins, 0 <= told.owned <= most + TOLERANCE))
    _texts(told.warnings)
    return told


def refusal(payload: bytes) -> wire.Refusal:
    """Why there is no result.

    Raises:
        BreachError: it is no reason that we know.
    """
    told = _record(payload, wire.Refusal)
    _require((told.code in CODES,))
    _texts((told.message,))
    return told


def status(payload: memoryview) -> int:
    """How a process ended: its exit code, or the negated number of its signal.

    Raises:
        BreachError: no process ends like this.
    """
    if len(payload) == wire.STATUS.size:
        told: int = wire.STATUS.unpack(payload)[0]
        if 0 <= told <= 0xFFFF and told & 0xFF != 0x7F:
            signal = told & 0x7F
            return -signal if signal else told >> 8
    raise BreachError("a malformed end")


def _record(payload: bytes, kind: type[Told]) -> Told:
    try:
        return from_json(payload, kind)
    except DropscribeError as error:
        raise BreachError(str(error)) from None


def _require(conditions: tuple[bool, ...]) -> None:
    if not all(conditions):
        raise BreachError(f"numbers that no recording has (check {conditions.index(False)})")


def _texts(texts: tuple[str, ...]) -> None:
    if len(texts) > MOST_TEXTS or any(one != wire.printable(one) for one in texts):
        raise BreachError("text that cannot be shown")
