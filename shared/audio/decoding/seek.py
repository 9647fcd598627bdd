"""The packets of one track from shortly before a time on, however well the container can seek."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING

import av

from shared.audio.decoding.splice import indexed_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

PREROLL = (0.3, 15.0)
"""Seconds before the wanted start to seek to: decoders settle within 0.1 s (Opus: RFC 7845 §4.6). The
second is for containers that seek coarsely; after that we read from the beginning."""
OGG_FLAC = (3.0, 15.0)
"""The same for flac in Ogg: after a seek FFmpeg gives the packets of the first page the times of the next one. A page
takes 64 KB at most, about two seconds of mono."""
MAX_DEMUX_ERRORS = 200
"""Damaged places in a row after which we take the rest for lost."""


def packets_from(
    begin: float,
    container: InputContainer,
    stream: AudioStream,
    *,
    origin: float,
    demuxer: str,
    codec: str = "",
    reopen: Callable[[], InputContainer],
) -> Iterator[Packet[AudioStream]]:
    """The packets from safely before a time on; from the beginning where no seek leads there.

    Args:
        begin: seconds on the player's clock.
        container: the recording.
        stream: the track.
        origin: zero of the player's clock, seconds by the file's own timestamps.
        demuxer: FFmpeg's name of the format, see `sniff`.
        codec: FFmpeg's name of the codec.
        reopen: opens the recording again, where it cannot even seek to its beginning.
    """
    if begin > PREROLL[0]:
        for back in OGG_FLAC if (demuxer, codec) == ("ogg", "flac") else PREROLL:
            wanted = max(0.0, begin - back) + origin
            if demuxer == "mov":
                wanted = min(wanted, _present_until(container, stream))
            packets = _demux(container, stream)
            try:
                container.seek(_ticks(stream, wanted), stream=stream)
            except av.error.FFmpegError:
                break
            if demuxer == "mov" and indexed_until(stream) < wanted:
                packets = _last_before(packets, stream, wanted)
            first = next(packets, None)
            packets = packets if first is None else chain((first,), packets)
            if first is not None and first.pts is not None and _seconds(stream, first.pts) <= begin + origin:
                yield from packets
                return
        try:
            start = _ticks(stream, origin) if stream.start_time is None else stream.start_time
            container.seek(start, stream=stream)
        except av.error.FFmpegError:
            with reopen() as again:
                yield from _demux(again, again.streams.audio[container.streams.audio.index(stream)])
            return
    yield from _demux(container, stream)


def _present_until(container: InputContainer, stream: AudioStream) -> float:
    """When the last sample that the file holds begins, by the index: that of a cut file goes on behind its end."""
    index = stream.index_entries
    count = bisect_right(index, container.size, key=lambda one: one.pos + one.size)
    return _seconds(stream, index[count - 1].timestamp) if 0 < count < len(index) else math.inf


def _last_before(
    packets: Iterator[Packet[AudioStream]], stream: AudioStream, wanted: float
) -> Iterator[Packet[AudioStream]]:
    """The packets from the last one on that begins at or before a time: where a seek with an index would have led."""
    assert stream.time_base is not None
    units, per_second = stream.time_base.as_integer_ratio()  # each look at the time base makes a new one
    before: Packet[AudioStream] | None = None
    for packet in packets:
        if before is not None and (packet.pts is None or packet.pts * units / per_second > wanted):
            yield before
            yield packet
            break
        before = packet
    else:
        if before is not None:
            yield before
    yield from packets


def _ticks(stream: AudioStream, seconds: float) -> int:
    assert stream.time_base is not None
    return int(seconds / stream.time_base)


def _seconds(stream: AudioStream, ticks: int) -> float:
    assert stream.time_base is not None
    return ticks * stream.time_base.numerator / stream.time_base.denominator


def _demux(container: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Packets of one stream, going on after damage."""
    errors = 0
    while errors < MAX_DEMUX_ERRORS:
        try:
            for packet in container.demux(stream):
                errors = 0
                yield packet
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            errors += 1
        else:
            return
