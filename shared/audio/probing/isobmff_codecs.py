"""The format of the sound (codec, rate, channels), from the sample entry of an audio track (`stsd`).

Sources: ISO/IEC 14496-12 §12.2.3, 14496-1 §7.2.6; Apple's QuickTime File Format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from shared.audio.probing.notices import codec_name, encrypted

_CODECS = {
    b"mp4a": "aac", b"alac": "alac", b"Opus": "opus", b"fLaC": "flac", b"ac-3": "ac3", b"ec-3": "eac3",
    b"samr": "amr_nb", b"sawb": "amr_wb", b"sowt": "pcm_s16le", b"twos": "pcm_s16be", b"lpcm": "pcm",
    b"raw ": "pcm_u8", b"in24": "pcm_s24be", b"in32": "pcm_s32be", b"fl32": "pcm_f32be",
    b"fl64": "pcm_f64be", b"ulaw": "pcm_mulaw", b"alaw": "pcm_alaw", b".mp3": "mp3", b"ipcm": "pcm",
    b"fpcm": "pcm", b"ima4": "adpcm_ima_qt", b"dtsc": "dts",
}  # fmt: skip
_OBJECT_TYPES = {
    0x69: "mp3",
    0x6B: "mp3",
    0xA5: "ac3",
    0xA6: "eac3",
    0xA9: "dts",
    0xAD: "opus",
    0xDD: "vorbis",
}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleFormat:
    """What a sample entry says of the sound."""

    codec: str
    """FFmpeg's name."""
    rate: int
    """Samples per second; 0 if it does not say."""
    channels: int
    """Number of channels."""


def describe(entry: bytes) -> SampleFormat:
    """The format in a sample entry. Raises BadMedia `encrypted`."""
    kind = entry[4:8]
    if kind in {b"enca", b"drms", b"aavd", b"aavs"} or b"sinf" in entry[:600]:
        raise encrypted("the file carries a copy protection")
    channels = int.from_bytes(entry[24:26], "big")
    rate = int.from_bytes(entry[32:34], "big")
    if int.from_bytes(entry[16:18], "big") == 2:  # QuickTime's third sound description
        rate = int(_double(entry[40:48]))
        channels = int.from_bytes(entry[48:52], "big")
    found = SampleFormat(codec=_CODECS.get(kind) or codec_name(kind), rate=rate, channels=channels)
    at = entry.find(b"esds")
    if kind == b"mp4a" and at > 0:
        found = _elementary(entry[at + 8 :], found)
    return replace(found, channels=max(1, found.channels))


def _double(data: bytes) -> float:
    value: float = struct.unpack("!d", data)[0] if len(data) == 8 else 0.0
    return value if 0 < value < 1e7 else 0.0


def _elementary(body: bytes, entry: SampleFormat) -> SampleFormat:
    """The format in an elementary stream descriptor (ISO/IEC 14496-1 §7.2.6), where it does not say that of its entry."""
    codec, rate, channels = "aac", entry.rate, entry.channels
    at = 0
    while at + 2 < len(body):
        tag = body[at]
        at += 1
        size = 0
        while at < len(body):
            size = size << 7 | body[at] & 0x7F
            at += 1
            if body[at - 1] < 0x80:
                break
        if tag == 3:
            at += 3
        elif tag == 4:
            codec = _OBJECT_TYPES.get(body[at], "aac") if at < len(body) else codec
            at += 13
        elif tag == 5:
            bits = int.from_bytes(body[at : at + 2], "big")
            index, layout = bits >> 7 & 15, bits >> 3 & 15
            if codec == "aac" and bits >> 11 != 31 and index < len(_AAC_RATES):
                rate = _AAC_RATES[index]
                channels = {0: channels, 7: 8}.get(layout, layout)
            break
        else:
            at += size
    return SampleFormat(codec=codec, rate=rate, channels=channels)
