"""Decodes one chunk of a wave file of plain samples, which `shared/audio/probing/wav.py` has found."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import av

from shared.audio.decoding.timeline import FILTER_LENGTH, Timeline
from shared.audio.probing.notices import check_track
from shared.audio.probing.wav import LAYOUTS, WIDTHS
from shared.audio.types import SAMPLE_RATE, Decoded
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.audio.files.reader import Reader
    from shared.model import AudioInfo, Chunk

PREROLL = 0.1
"""Seconds before the wanted start that are decoded: more than the resampler's filter takes."""
BLOCK = 1.0
"""Seconds that are decoded at one time."""


def decode(
    reader: Reader,
    audio: AudioInfo,
    chunk: Chunk,
    *,
    track: int,
    longest: float,
    emit: Callable[[bytes], None],
    both: bool = False,
) -> Decoded:
    """Decode one chunk of what `wav.probe` found.

    As `decode.decode`, with the same arguments.

    Raises:
        BadMedia: `no-track`; `limit`, if there is more audio than may be returned.
    """
    check_track(track, 1)
    rate, width = audio.sample_rate, audio.channels * WIDTHS[audio.codec]
    total = (audio.last_byte - audio.first_byte) // width
    begin = max(0.0, chunk.start - chunk.lead)
    if chunk.end is None and total / rate - begin > longest:
        raise BadMedia(
            "limit",
            f"This recording is longer than {longest / 3600:g} hours, which is too long for one part. Convert "
            "it to another format (for example FLAC) and try again.",
        )
    stop = total / rate if chunk.end is None else min(chunk.end + chunk.tail, total / rate)
    # Where samples of both rates coincide, so that a chunk gets the same samples as the whole file.
    step = rate // gcd(rate, SAMPLE_RATE)
    first = int(max(0.0, begin - PREROLL) * rate) // step * step
    last = min(total, int((stop + FILTER_LENGTH) * rate) + 1)
    end = None if chunk.end is None else chunk.end + chunk.tail
    timeline = Timeline(emit, begin=begin, end=end, both=both)
    if last > first:
        reader.expect_span(audio.first_byte + first * width, audio.first_byte + last * width)
    context = av.CodecContext.create(audio.codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.thread_count = 1
    context.sample_rate = rate
    context.layout = LAYOUTS[audio.channels]
    together = max(1, round(BLOCK * rate))
    for at in range(first, last, together):
        data = reader.at(audio.first_byte + at * width, (min(at + together, last) - at) * width)
        for frame in context.decode(av.Packet(data)):
            timeline.add(frame, at / rate)
    timeline.finish()
    reached = total / rate if chunk.end is None else min(chunk.end, total / rate)
    return Decoded(
        start=begin - chunk.start,
        owned=max(0.0, reached - chunk.start),
        warnings=tuple(timeline.warnings),
    )
