"""What callers of the decoder pass in and get back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from shared.model import Chunk

SAMPLE_RATE = 16_000
"""Hertz of all decoded sound: what the speech models take."""
WIDTH, WITH_CHANNELS = 2, 6
"""Bytes of a sample of the mix alone, and with those of both channels."""
MOST_PARTS = 20
"""Recordings in one file that are kept apart."""
PART_BYTES = 600_000
"""Bytes that a probe may read of each of them, beyond those of every file."""
SHORT = 768 * 1024
"""Bytes up to which a probe reads a file in full, where its header and a few places do not tell what it is to find."""
DAMAGED = 64 * 1024 * 1024
"""The same for a file that ends elsewhere than it says: something is wrong with it in any case."""


def most_of_several(size: int, *, in_full: bool = True) -> int:
    """Bytes that a probe may read of a file that may be several recordings, beyond those of every file.

    Args:
        size: of the file, bytes.
        in_full: whether it may be searched in full.
    """
    return min(MOST_PARTS * PART_BYTES + (min(DAMAGED, size) if in_full else 0), 4 * size)


class Source(Protocol):
    """Where the bytes of a recording come from: the caller implements it with ranged reads of a store."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end."""


BothChannels = Literal["no", "levels", "sound"]
"""What is wanted of the two channels of a recording beside their mix: nothing, how loud they are, or their sound, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one job may use."""

    memory_mb: int = 768
    """Memory on top of the idle process, MiB."""
    timeout_s: float = 300.0
    """Seconds of work, both of elapsed time (without reads of the source) and of processor time."""
    probe_bytes: int = 1_000_000
    """Bytes a probe may read of the file."""
    decode_seconds: float = 4 * 3600.0
    """Audio one decoding job may return, seconds: bounds the memory of the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pcm:
    """Decoded audio of one chunk."""

    samples: bytes
    """16-bit signed integers in this machine's byte order, mono, 16 kHz."""
    start: float
    """Seconds of the first sample, counted from the chunk's nominal start; ≤ 0 where there is lead."""
    owned: float
    """Seconds of audio found between the chunk's own bounds."""
    warnings: tuple[str, ...] = ()
    """What the owner of the recording should know."""
    levels: bytes = b""
    """How loud both channels of a stereo recording are, from the first sample on, if that was asked for: see
    `shared/audio/channel_levels.py`."""
    sound: tuple[bytes, bytes] | None = None
    """Samples of the left and of the right channel, as `samples`, if that was asked for."""
    seconds_ahead: float = 0.0
    """Seconds spent on decoding ahead of the request."""

    @property
    def seconds(self) -> float:
        """Seconds of audio decoded, overlap included."""
        return len(self.samples) / 2 / SAMPLE_RATE

    @property
    def size(self) -> int:
        """Bytes of all its samples."""
        return len(self.samples) + sum(map(len, self.sound or ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedAhead:
    """A chunk that was decoded ahead of the request."""

    chunk: Chunk
    """Which part of the recording."""
    pcm: Pcm
    """Its samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """How a decoding job ended; the samples were sent before, in PCM frames."""

    start: float
    """Seconds of the first sample from the chunk's nominal start."""
    owned: float
    """Seconds between the chunk's own bounds."""
    warnings: tuple[str, ...]
    """What the owner should know."""
