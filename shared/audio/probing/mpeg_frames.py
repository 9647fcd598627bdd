"""Frame headers of MPEG audio (mp3, mp2) and ADTS (raw aac): streams without a container or an index.

Formulas: ISO/IEC 11172-3 §2.4.2.3 and 13818-3 (MPEG audio), ISO/IEC 14496-3 §1.A.2.2 (ADTS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["mpeg", "adts"]

CONSECUTIVE = 5
"""Frames in a row that must agree before a position counts as a frame: more than chance produces."""
LONGEST = 8192
"""No frame of either kind is longer, bytes (ADTS: 13 bits; MPEG layer II: 1,728)."""

_BITRATES = {  # kbit/s by (MPEG-1?, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES = (44100, 48000, 32000)
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class Frame(NamedTuple):
    """What a frame header says."""

    size: int
    """Bytes, header included."""
    samples: int
    """Samples per channel."""
    rate: int
    """Hertz."""
    channels: int
    """1 to 8."""
    codec: str
    """mp1, mp2, mp3 or aac."""
    bitrate: int
    """Bits per second; 0 where the header does not say (ADTS)."""
    key: int
    """Equal in all frames of a stream."""


def _mpeg_table() -> dict[int, Frame]:
    """Every valid header by its bits: version, layer, bit rate, sample rate, padding, mode."""
    table = {}
    for version in (0, 2, 3):
        for layer in (1, 2, 3):
            for bitrate, kilo in enumerate(_BITRATES[version == 3, layer], start=1):
                for index, base in enumerate(_MPEG_RATES):
                    for padding in (0, 1):
                        for mode in range(4):
                            rate = base >> {3: 0, 2: 1, 0: 2}[version]
                            if layer == 1:
                                samples = 384
                                size = (12_000 * kilo // rate + padding) * 4
                            else:
                                samples = 576 if layer == 3 and version != 3 else 1152
                                size = samples // 8 * 1000 * kilo // rate + padding
                            bits = (
                                version << 19
                                | (4 - layer) << 17
                                | bitrate << 12
                                | index << 10
                                | padding << 9
                                | mode << 6
                            )
                            table[bits] = Frame(
                                size=size,
                                samples=samples,
                                rate=rate,
                                channels=1 if mode == 3 else 2,
                                codec=f"mp{layer}",
                                bitrate=kilo * 1000,
                                key=bits & 0x1E0C00,
                            )
    return table


_MPEG = _mpeg_table()
_MPEG_BITS = 0x1EFEC0  # version, layer, bit rate, sample rate, padding, mode


def mpeg_frame(data: bytes, at: int) -> Frame | None:
    """The MPEG audio header at a position, or None where there is none."""
    if data[at : at + 1] != b"\xff":
        return None
    word = int.from_bytes(data[at : at + 4], "big")
    if word & 0xFFE00000 != 0xFFE00000 or word & 3 == 2:  # emphasis 2 is reserved
        return None
    return _MPEG.get(word & _MPEG_BITS)


def adts_frame(data: bytes, at: int) -> Frame | None:
    """The ADTS header at a position, or None where there is none."""
    head = data[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    index = head[2] >> 2 & 15
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if index >= len(_ADTS_RATES) or size < 8:
        return None
    channels = (head[2] & 1) << 2 | head[3] >> 6
    return Frame(
        size=size,
        samples=1024 * ((head[6] & 3) + 1),
        rate=_ADTS_RATES[index],
        channels=8 if channels == 7 else channels or 2,  # 0: defined inside the stream, usually stereo
        codec="aac",
        bitrate=0,
        key=head[1] << 16 | (head[2] & 0xFC) << 8 | channels,
    )


KINDS: tuple[Kind, ...] = ("mpeg", "adts")
PARSERS = {"mpeg": mpeg_frame, "adts": adts_frame}


def synchronise(kind: Kind, data: bytes, at: int, *, last: bool, before: int | None = None) -> int | None:
    """The first position from `at` on where consecutive frames begin.

    Args:
        kind: which headers to look for.
        data: part of the file.
        at: where to start.
        last: whether `data` ends where the audio ends: then fewer than CONSECUTIVE frames are enough if they
            fill it exactly to the end.
        before: positions from here on are not looked at; None: all are.

    Returns:
        A position in `data`, or None.
    """
    parse, stop = PARSERS[kind], len(data) if before is None else before
    while (at := data.find(b"\xff", at, stop)) >= 0:
        first = parse(data, at)
        if first is not None and _holds(kind, data, at, first, last=last):
            return at
        at += 1
    return None


def _holds(kind: Kind, data: bytes, at: int, first: Frame, *, last: bool) -> bool:
    parse = PARSERS[kind]
    for _ in range(CONSECUTIVE):
        frame = parse(data, at)
        if frame is None or frame.key != first.key:
            return False
        at += frame.size
        if at == len(data):
            return last
    return True


@dataclass(slots=True)
class Walk:
    """Iterates over the frames of a part of a file.

    Gives (position in `data`, frame) for each frame that is complete.
    """

    kind: Kind
    """Which headers."""
    data: bytes
    """That part."""
    at: int = 0
    """Where to start; afterwards, where the iteration ended."""
    last: bool = False
    """Whether `data` ends where the audio ends."""
    skipped: int = 0
    """Bytes between frames that belong to no frame."""
    first_skip: int | None = None
    """Position of the first of them."""

    def __iter__(self) -> Iterator[tuple[int, Frame]]:
        parse = PARSERS[self.kind]
        data, end = self.data, len(self.data)
        key: int | None = None
        while self.at < end:
            frame = parse(data, self.at)
            if frame is None or frame.key != key:
                # A change of parameters, too, must hold for several frames.
                found = synchronise(self.kind, data, self.at, last=self.last)
                if found is None:
                    return
                if found > self.at:
                    self.skipped += found - self.at
                    self.first_skip = self.at if self.first_skip is None else self.first_skip
                    self.at = found
                frame = parse(data, found)
                assert frame is not None
                key = frame.key
            if self.at + frame.size > end:
                return
            position = self.at
            self.at += frame.size
            yield position, frame


@dataclass(frozen=True, kw_only=True, slots=True)
class InfoTag:
    """The Xing, Info or VBRI header that encoders put into a first frame without audio."""

    frames: int | None
    """Frames of audio, not counting this one."""
    length: int | None
    """Bytes of audio, this frame included (Xing) or as the encoder counts (VBRI)."""
    skip: int
    """Samples at the start that are not sound: encoder delay plus the 529 of the decoder."""


DECODER_DELAY = 529
"""Samples by which any MPEG layer III decoder lags (LAME technical FAQ)."""


def info_tag(data: bytes, at: int, frame: Frame) -> InfoTag | None:
    """The header in the frame at `at`, or None if that frame is audio."""
    body = data[at : at + frame.size]
    if frame.codec != "mp3":
        return None
    if body[36:40] == b"VBRI" and len(body) >= 54:
        return InfoTag(
            frames=int.from_bytes(body[50:54], "big"), length=int.from_bytes(body[46:50], "big"), skip=0
        )
    side = {(1152, 1): 17, (1152, 2): 32, (576, 1): 9, (576, 2): 17}[frame.samples, frame.channels]
    at = 4 + side
    if body[at : at + 4] not in {b"Xing", b"Info"}:
        return None
    flags = int.from_bytes(body[at + 4 : at + 8], "big")
    at += 8
    values: list[int | None] = [None, None]
    for index in range(2):
        if flags >> index & 1:
            values[index] = int.from_bytes(body[at : at + 4], "big")
            at += 4
    at += 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    skip = 0
    if body[at : at + 4] in {b"LAME", b"Lavc", b"Lavf", b"L3.9"} and len(body) >= at + 24:
        skip = (body[at + 21] << 4 | body[at + 22] >> 4) + DECODER_DELAY
    return InfoTag(frames=values[0], length=values[1], skip=skip)
