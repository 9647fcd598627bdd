"""Wave files of plain samples: where each one stands is arithmetic, so no demuxer is needed.

FFmpeg's would try all its formats on the first samples, in case they are a compressed stream in disguise. That
takes longer than to decode a short file, so that case is ruled out before, and what is not plain is left to FFmpeg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.probing.riff import UNKNOWN, may_hide_a_stream, parts
from shared.audio.probing.sniff import check_track
from shared.audio.probing.truncation import Length, Promise, shortened
from shared.model import AudioInfo

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

WIDTHS = {
    "pcm_alaw": 1,
    "pcm_f32le": 4,
    "pcm_f64le": 8,
    "pcm_mulaw": 1,
    "pcm_s16le": 2,
    "pcm_s24le": 3,
    "pcm_s32le": 4,
    "pcm_u8": 1,
}
"""Bytes of a sample."""
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
"""By format tag (1: whole numbers, 3: floats, 6 and 7: as telephones have them) and bits of a sample."""
EXTENSIBLE = 0xFFFE
"""The format tag that says: the true one stands further on."""
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the true tag there."""
LAYOUTS = {1: "mono", 2: "stereo"}
"""By number of channels; of more, FFmpeg knows which is where."""
MASKS = {1: {0, 0x4}, 2: {0, 0x3}}
"""The loudspeakers of those layouts: the front one in the middle, or those to the left and right of it."""
FASTEST = 768_000
"""Samples a second; more is a damaged header."""


def probe(reader: Reader, track: int) -> AudioInfo | None:
    """What the header says, with the bytes of the samples; None where they are not plain.

    Args:
        reader: a wave file.
        track: the audio track that is wanted, from 0.

    Raises:
        BadMedia: `no-track`.
    """
    form, span = b"", None
    for name, start, size in parts(reader):
        if name == b"fmt " and not form:
            form = reader.at(start, min(size, 40))
        elif name == b"data":
            if span is not None:
                return None  # in several parts
            span = start, reader.size - start if size in UNKNOWN else size
            if size in UNKNOWN:
                break
    codec, rate, channels = _form(form)
    if codec is None or span is None or may_hide_a_stream(reader):
        return None
    check_track(track, 1)
    width = channels * WIDTHS[codec]
    start, size = span
    held = min(size, reader.size - start)
    count = held // width
    if count <= 0:
        return None
    length = Length(duration=count / rate, exact=True)
    if held < size:
        length = shortened(Promise(size=size, held=held), length, 8 * width * rate)
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


def is_plain(audio: AudioInfo) -> bool:
    """Whether it was this module that found the samples of a recording."""
    return audio.format == "wav" and audio.last_byte > 0 and audio.codec in WIDTHS


def _form(data: bytes) -> tuple[str | None, int, int]:
    """Codec, rate and channels by the description of the samples; no codec where it is not a plain one."""
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
