"""Duration, codec and channels of a recording, from its header and its tail.

The number of bytes read does not grow with the length of the recording; see `Limits.probe_bytes`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

import av

from shared.audio.containers import BY_NAME
from shared.audio.probing import amr, asf, avi, elementary, isobmff, matroska, ogg, riff, wav
from shared.audio.probing.concatenated import numbered
from shared.audio.probing.concatenated import probe as concatenated
from shared.audio.probing.ffmpeg import as_read, choose_stream, open_container
from shared.audio.probing.notices import check_track, left_out_before
from shared.audio.probing.sniff import HEAD, sniff
from shared.audio.probing.truncation import DeclaredSize, Length, in_proportion, truncated_length
from shared.errors import BadMedia
from shared.model import AudioInfo

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from shared.audio.files.reader import Reader


def probe(reader: Reader, *, name: str, track: int) -> AudioInfo:
    """What the container says about the recording.

    `track` counts from 0; `name` is what its owner calls it, for messages.

    Raises:
        BadMedia: `empty`, `not-media`, `no-audio`, `no-track`, `encrypted`, `incomplete`, `undecodable`; `limit`, see
            `in_proportion`.
    """
    if reader.size == 0:
        raise BadMedia("empty", "The file is empty (0 bytes): the copy did not finish. Copy it again.")
    head = reader.at(0, HEAD)
    if not head.strip(b"\0"):
        head = reader.at(0, elementary.SEARCH)
        if not head.strip(b"\0"):
            raise BadMedia(
                "not-media",
                "This file contains nothing but zeros where a recording should begin. The copy "
                "failed; copy it again.",
            )
    audio_from = elementary.skip_id3(reader)
    demuxer = sniff(reader.at(audio_from, HEAD) if audio_from else head)
    if demuxer == "wav" and (frames := wav.adts_from(reader)):
        demuxer, audio_from = None, frames
    warnings: tuple[str, ...] = ()
    if demuxer is None and (begin := ogg.first_beginning(reader, audio_from)):
        demuxer, warnings = "ogg", (left_out_before(begin - audio_from),)
        audio_from = begin
    if demuxer is None:
        info = elementary.probe(reader, audio_from, name)
        check_track(track, info.tracks)
    else:
        several = concatenated.probe(reader, demuxer, track, tags=audio_from, one=_of_one)
        info = several or _of_one(reader, demuxer, track)
    info = in_proportion(info, reader.size)
    return replace(info, bytes_read=reader.bytes_read, warnings=(*warnings, *info.warnings))


def _of_one(reader: Reader, demuxer: str, track: int) -> AudioInfo:
    """What a file says that is one recording."""
    if demuxer == "mov":
        return isobmff.probe(reader, track)
    if demuxer == "matroska":
        return matroska.probe(reader, track)
    if demuxer == "wav" and (found := wav.probe(reader, track)):
        return found
    return _with_ffmpeg(reader, demuxer, track)


def _with_ffmpeg(reader: Reader, demuxer: str, track: int) -> AudioInfo:
    if demuxer == "asf":
        asf.check(reader)
    declared = _declared_size(reader, demuxer, track)
    # Decoding needs the index of AVI, the probe does not.
    file = avi.without_index(reader) if demuxer == "avi" else as_read(reader, demuxer)
    with open_container(file, demuxer, probing=True) as container:
        stream = choose_stream(container, track)
        context = stream.codec_context
        origin = _first_time(container)
        origin = _first_of_program(container, stream, origin) if demuxer == "mpegts" else origin
        duration: float | None = None
        if stream.duration is not None and stream.time_base is not None:
            duration = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration = container.duration / av.time_base
        if demuxer == "ogg" and duration:
            origin = _voted(container, stream, origin)
            duration -= origin  # FFmpeg says when it ends
        duration = duration or _counted(reader, demuxer, context.sample_rate)
        if demuxer == "avi" and stream.frames == avi.UNKNOWN_LENGTH:
            duration = None
        if demuxer == "asf" and asf.is_broadcast(reader):
            duration = asf.seconds_sent(reader) or duration
        length = Length(duration=duration or None, exact=bool(duration) and not _is_guess(reader, demuxer))
        if demuxer == "amr":
            length = amr.length(reader)
        if declared is not None:
            length = truncated_length(declared, length, context.bit_rate or 0)
        if demuxer == "ogg" and duration:
            warning = ogg.truncation_warning(reader, duration)
            length = replace(length, warnings=(warning,) if warning else ())
        return AudioInfo(
            format=demuxer,
            codec=context.codec.canonical_name,
            sample_rate=context.sample_rate,
            channels=context.channels,
            duration=length.duration if length.duration and length.duration > 0 else None,
            exact=length.exact,
            splittable_by="time",
            tracks=len(container.streams.audio),
            origin=origin,
            warnings=length.warnings,
        )


def _first_time(container: InputContainer) -> float:
    """The earliest presentation time of all streams, seconds; 0 where it is a little before zero, as encoders' delays.

    FFmpeg does not know that of pictures without their decoder, so the first packets are asked.
    """
    first = math.inf if container.start_time is None else container.start_time / av.time_base
    waiting = {one.index for one in container.streams.video}
    if waiting:
        for packet in islice(container.demux(), MOST_PACKETS):
            if packet.pts is not None and packet.stream.type in {"audio", "video"}:
                first = min(first, float(packet.pts * packet.time_base))
                waiting.discard(packet.stream.index)
            if not waiting:
                break
    return 0.0 if -DELAY < first < 0 or math.isinf(first) else first


def _counted(reader: Reader, demuxer: str, rate: int) -> float | None:
    """Seconds by the number of the last frame, where the header does not say; None where frames have no numbers."""
    samples = numbered.last_end(reader, demuxer) if demuxer in numbered.DECLARED else None
    return samples / rate if samples and rate else None


def _first_of_program(container: InputContainer, stream: AudioStream, first: float) -> float:
    """The earliest presentation time on the clock of a track, seconds: each program of a transport stream has its own."""
    starts = [
        float(one.start_time * one.time_base)
        for one in (stream, *container.streams)
        if one.start_time is not None and one.time_base is not None
    ]
    if stream.start_time is None or starts[0] - first <= OWN_CLOCK:
        return first
    return min(one for one in starts if abs(one - starts[0]) <= OWN_CLOCK)


def _voted(container: InputContainer, stream: AudioStream, first: float) -> float:
    """When a track begins by its first packets: by most of them where the first ones are alone with their timestamps.

    A recorder that takes over a running stream writes its first page with a clock of its own.
    """
    before, starts = 0.0, []
    size = 0
    for packet in islice(container.demux(stream), VOTERS):
        size += packet.size
        if size > VOTERS_BYTES:
            break
        if packet.pts is not None and packet.duration:
            starts.append(float(packet.pts * packet.time_base) - before)
            before += float(packet.duration * packet.time_base)
    middle = median(starts) if starts else first
    return middle if abs(middle - first) > ALONE else first


def _is_guess(reader: Reader, demuxer: str) -> bool:
    """Whether FFmpeg derives the duration from a bit rate, because the file does not say it."""
    return (
        BY_NAME[demuxer].is_estimated
        or (demuxer == "asf" and asf.is_broadcast(reader))
        or (demuxer == "wav" and riff.is_variable(reader))
    )


def _declared_size(reader: Reader, demuxer: str, track: int) -> DeclaredSize | None:
    if demuxer == "avi":
        return avi.declared_size(reader, track)
    if demuxer == "asf":
        return asf.declared_size(reader)
    return riff.declared_size(reader) if demuxer in {"wav", "aiff", "caf", "w64"} else None


VOTERS = 200
"""Packets that are asked when a track begins: four seconds of most codecs."""
VOTERS_BYTES = 64 * 1024
"""Bytes of them."""
ALONE = 60.0
"""Seconds by which they must disagree with the first one."""
OWN_CLOCK = 600.0
"""Seconds by which the clocks of two programs of a transport stream differ at least: less may be sound that begins late."""
DELAY = 0.5
"""Seconds before zero that encoders add, and players leave out."""
MOST_PACKETS = 200
"""Packets in which the first picture is looked for."""
