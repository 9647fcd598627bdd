"""Wave files of plain samples: the place of each sample is arithmetic, so no demuxer is needed.

FFmpeg's demuxer would try all its formats on the first samples, in case they are a compressed stream. That takes
longer than decoding a short file, so we rule it out first, and leave what is not plain to FFmpeg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.probing.mpeg_frames import adts_frame
from shared.audio.probing.notices import check_track
from shared.audio.probing.riff import is_unknown, may_hold_compressed_audio, riff_chunks, true_size
from shared.audio.probing.truncation import DeclaredSize, Length, truncated_length
from shared.model import AudioInfo

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

CODECS = {
    (1, 8): "pcm_u8",
    (1, 16): "pcm_s16le",
    (1, 24): "pcm_s24le",
    (1, 32): "pcm_s32le",
    (3, 32): "pcm_f32le",
    (3, 64): "pcm_f64le",
    (6, 8): "pcm_alaw",
    (7, 8): "pcm_mulaw",
}
"""By format tag (1: integers, 3: floats, 6: A-law, 7: µ-law) and bits of a sample."""
WIDTHS = {codec: bits // 8 for (_, bits), codec in CODECS.items()}
"""Bytes of a sample."""
AAC = {0xFF, 0x1600, 0x1610, 0xA106}
"""Format tags of AAC, whose frames may carry headers of their own (ADTS)."""
EXTENSIBLE = 0xFFFE
"""The format tag which says that the actual one comes later."""
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the actual tag there."""
LAYOUTS = {1: "mono", 2: "stereo"}
"""By number of channels; more are left to FFmpeg, which knows their places."""
MASKS = {1: {0, 0x4}, 2: {0, 0x3}}
"""The channel masks of those layouts: front centre, or front left and right."""
FASTEST = 768_000
"""Samples per second; more is a damaged header."""


def probe(reader: Reader, track: int) -> AudioInfo | None:
    """What the header says, and where the samples are; None if they are not plain.

    Raises:
        BadMedia: `no-track`.
    """
    form, span = b"", None
    for name, start, size in riff_chunks(reader):
        if name == b"fmt " and not form:
            form = reader.at(start, min(size, 40))
        elif name == b"data":
            if span is not None:
                return None  # in several riff_chunks
            unknown = is_unknown(size)
            span = start, reader.size - start if unknown else true_size(reader, start, size)
            if unknown or span[1] != size:
                break
    codec, rate, channels = _form(form)
    if codec is None or span is None or may_hold_compressed_audio(reader):
        return None
    check_track(track, 1)
    width = channels * WIDTHS[codec]
    start, size = span
    present = min(size, reader.size - start)
    count = present // width
    if count <= 0:
        return None
    length = Length(duration=count / rate, exact=True)
    if present < size:
        length = truncated_length(DeclaredSize(size=size, present=present), length, 8 * width * rate)
    return AudioInfo(
        format="wav",
        codec=codec,
        sample_rate=rate,
        channels=channels,
        duration=length.duration,
        exact=length.exact,
        splittable_by="time",
        first_byte=start,
        last_byte=start + count * width,
        warnings=length.warnings,
    )


def adts_from(reader: Reader) -> int | None:
    """Where frames of AAC begin in a wave file that calls them so and says no more of them; None where there are none."""
    form = b""
    for name, start, size in riff_chunks(reader):
        if name == b"fmt " and not form:
            form = reader.at(start, min(size, 40))
        elif name == b"data":
            named = int.from_bytes(form[:2], "little") in AAC
            return start if named and adts_frame(reader.at(start, 16), 0) else None
    return None


def is_plain(audio: AudioInfo) -> bool:
    """Whether this module has found the samples of a recording, and there is nothing else in its file."""
    alone = audio.splittable_by == "time" and not audio.parts
    return alone and audio.format == "wav" and audio.last_byte > 0 and audio.codec in WIDTHS


def is_same(found: AudioInfo, told: AudioInfo) -> bool:
    """Whether our reading of the header and FFmpeg's agree on the place and the form of the samples."""
    return all(
        getattr(found, name) == getattr(told, name)
        for name in ("format", "codec", "sample_rate", "channels", "first_byte", "last_byte")
    )


def _form(data: bytes) -> tuple[str | None, int, int]:
    """Codec, rate and channels by the `fmt ` chunk; the codec is None if it is not a plain one."""
    if len(data) < 16:
        return None, 0, 0

    def number(at: int, length: int = 2) -> int:
        return int.from_bytes(data[at : at + length], "little")

    tag, channels, rate, align, bits = number(0), number(2), number(4, 4), number(12), number(14)
    if tag == EXTENSIBLE:
        if len(data) < 40 or number(18) != bits or data[26:40] != SUBFORMAT:
            return None, 0, 0
        tag = number(24)
        if number(20, 4) not in MASKS.get(channels, ()):
            return None, 0, 0
    codec = CODECS.get((tag, bits))
    good = channels in LAYOUTS and 0 < rate <= FASTEST and align * 8 == bits * channels
    return (codec if good else None), rate, channels
