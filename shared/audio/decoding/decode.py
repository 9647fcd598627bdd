"""Decodes one chunk to 16 kHz mono, with the overlap around it.

Time zero is where the probe found it (`AudioInfo.origin`).
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import av
from av.stream import Discard

from shared.audio.decoding import parts, wav_samples
from shared.audio.decoding.byte_range import decode_span
from shared.audio.decoding.index_repair import repaired
from shared.audio.decoding.seek import packets_from
from shared.audio.decoding.splice import indexed_until, splice
from shared.audio.decoding.timeline import EXACT, TOLERANCE, Timeline
from shared.audio.decoding.timestamps import Timestamps
from shared.audio.probing import amr, isobmff, wav
from shared.audio.probing.ffmpeg import as_read, choose_stream, open_container
from shared.audio.probing.notices import damage, stops_early
from shared.audio.types import SAMPLE_RATE, WIDTH, WITH_CHANNELS, Decoded
from shared.errors import BadMedia
from shared.model import AudioInfo, ByteSpan, Chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    from shared.audio.files.reader import Reader

SETTLING = 5.0
"""Seconds before the wanted start from which on packets are decoded, if a container had to be read from its
beginning."""
TOLERATED_SHORTFALL = 1.0
"""Seconds by which a recording may end before its header says without a warning."""
TOO_LONG = (
    "This part of the recording is longer than {hours:g} hours, which its header did not say. Convert it "
    "to another format (for example FLAC) and try again."
)
NO_SOUND = (
    "Nothing in this file decodes to sound. It is probably damaged; play it, and if it plays convert it to "
    "another format (for example FLAC) and try again."
)


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
    """Decode one chunk.

    `emit` takes 16-bit mono samples at 16 kHz, in order; with `both` those of both channels, see `Timeline`. `track`
    counts from 0. A chunk without an end is given up after `longest` seconds.

    Raises:
        BadMedia: `undecodable` if the beginning of a recording gives no sound at all, `limit`, `no-track`.
    """
    if wav.is_plain(audio):
        # First: the decoding process relies on it.
        return wav_samples.decode(reader, audio, chunk, track=track, longest=longest, emit=emit, both=both)
    if audio.splittable_by == "bytes":
        span = chunk.span
        if span is None and chunk.start <= 0 and chunk.end is None:
            span = ByteSpan(
                read_from=audio.first_byte,
                own_from=audio.first_byte,
                own_to=audio.last_byte,
                read_to=audio.last_byte,
            )
        if span is not None:
            done, sound = decode_span(reader, audio, chunk, span, longest=longest, emit=emit, both=both)
            if not sound and span.own_from <= audio.first_byte:
                raise BadMedia("undecodable", NO_SOUND)
            return done
    if audio.parts:

        def one(
            reader: Reader, audio: AudioInfo, chunk: Chunk, *, emit: Callable[[bytes], None], shift: float
        ) -> Decoded:
            return _ChunkDecoder(reader, audio, chunk, track, longest, emit, both=both, shift=shift).decode()

        _check_length(audio, chunk, longest)
        return parts.decode(reader, audio, chunk, emit=emit, one=one, width=WITH_CHANNELS if both else WIDTH)
    return _ChunkDecoder(reader, audio, chunk, track, longest, emit, both=both).decode()


def _check_length(audio: AudioInfo, chunk: Chunk, longest: float) -> None:
    """Raise BadMedia `limit` where a chunk without an end, of recordings whose length is known, is too long."""
    if chunk.end is None and (audio.duration or 0.0) - chunk.start > longest:
        raise BadMedia("limit", TOO_LONG.format(hours=longest / 3600))


class _ChunkDecoder:
    """Decodes one chunk that is cut by time."""

    def __init__(
        self,
        reader: Reader,
        audio: AudioInfo,
        chunk: Chunk,
        track: int,
        longest: float,
        emit: Callable[[bytes], None],
        *,
        both: bool = False,
        shift: float = 0.0,
    ) -> None:
        """As `decode`; what is said of times adds `shift`, where the file is one of several."""
        self._shift = shift
        self._reader = reader
        self._audio = audio
        self._chunk = chunk
        self._track = track
        self._begin = max(0.0, chunk.start - chunk.lead)
        stop = self._begin + longest if chunk.end is None else chunk.end + chunk.tail
        self._stop = stop
        self._open_ended = chunk.end is None
        self._file = as_read(reader, audio.format)
        self._timeline = Timeline(emit, begin=self._begin, end=stop, both=both)
        self._timestamps = Timestamps(self._timeline, open_ended=self._open_ended, shift=shift)
        self._origin = 0.0
        self._units, self._per_second = 0, 1  # seconds of one unit of the stream's clock, as a fraction
        self._settles = 0.0  # from when on packets are decoded, in units of that clock
        self._reached = 0.0  # where the packets end that were skipped; at the end, where the audio does
        self._damaged: list[float] = []
        self._tolerance = TOLERANCE  # for the next frame
        self._decoded = False
        self._sounded = False  # a frame was placed, so the timeline tells how far the audio goes
        self._has_video = False
        self._may_pause = audio.codec in amr.CODECS

    def decode(self) -> Decoded:
        """Open, seek, decode, and report how it went."""
        ended = True
        with ExitStack() as stack:
            self._announce()
            container = stack.enter_context(self._open())
            stream = choose_stream(container, self._track)
            if self._audio.origin is not None:
                self._origin = self._audio.origin
            elif container.start_time is not None and container.start_time > 0:
                self._origin = container.start_time / av.time_base
            view = splice(
                self._reader, self._audio, container, stream, begin=self._begin, origin=self._origin
            )
            if view is None and self._index_ends_early(stream):
                view = repaired(self._reader)
            if view is not None:
                self._file = view
                container = stack.enter_context(self._open())
                stream = choose_stream(container, self._track)
            self._has_video = any(not _is_cover(one) for one in container.streams.video)
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            assert stream.time_base is not None
            self._units, self._per_second = stream.time_base.as_integer_ratio()
            self._settles = (self._begin - SETTLING + self._origin) * self._per_second / self._units
            for packet in packets_from(
                self._begin,
                container,
                stream,
                origin=self._origin,
                demuxer=self._audio.format,
                codec=self._audio.codec,
                reopen=self._open,
            ):
                self._decode_packet(stream, packet)
                if self._timeline.full:
                    ended = False
                    break
            self._timestamps.finish()
            self._timeline.finish()
            if self._sounded:
                self._reached = self._timeline.reached
        return self._account(ended)

    def _announce(self) -> None:
        """Tell the reader what will be read, so that it takes few requests."""
        if self._audio.duration:
            end = self._audio.duration if self._open_ended else min(self._stop, self._audio.duration)
            self._reader.expect(int(self._reader.size / self._audio.duration * (end - self._begin)))
        index = isobmff.index_span(self._reader) if self._audio.format == "mov" else None
        if index is not None:
            self._reader.expect_span(*index)  # FFmpeg loads all of it, for hours megabytes

    def _index_ends_early(self, stream: AudioStream) -> bool:
        if self._audio.format != "mov" or not self._audio.duration:
            return False
        end = min(self._stop, self._audio.duration) + self._origin
        return indexed_until(stream) < end - TOLERATED_SHORTFALL

    def _open(self) -> InputContainer:
        return open_container(self._file, self._audio.format, probing=False)

    def _decode_packet(self, stream: AudioStream, packet: Packet[AudioStream]) -> None:
        if packet.pts is not None and packet.pts < self._settles:
            self._reached = self._time(packet.pts + (packet.duration or 0))
            self._decoded = True
            return
        try:
            pauses = amr.pause(stream.codec_context, packet) if self._may_pause else []
            frames = pauses or stream.codec_context.decode(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            if packet.pts is not None:
                self._damaged.append(self._time(packet.pts))
            else:
                self._damaged.append(self._timestamps.reached if self._sounded else self._reached)
            self._tolerance = EXACT  # a lost packet is shorter than what a coarse clock may jitter
            return
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            self._decoded = True
            self._sounded = True
            time = None if frame.pts is None else self._time(frame.pts)
            self._timestamps.add(frame, time, tolerance=self._tolerance)
            self._tolerance = TOLERANCE
            if self._timeline.full:
                return

    def _time(self, pts: int) -> float:
        return pts * self._units / self._per_second - self._origin

    def _account(self, ended: bool) -> Decoded:  # noqa: FBT001 - one caller
        chunk, reached = self._chunk, self._reached
        if not ended and self._open_ended:
            hours = (self._timeline.out / SAMPLE_RATE) / 3600
            raise BadMedia("limit", TOO_LONG.format(hours=hours))
        if not self._decoded and chunk.start <= 0:
            raise BadMedia("undecodable", NO_SOUND)
        stop = reached if chunk.end is None else min(chunk.end, reached)
        warnings = [*self._timestamps.warnings, *self._timeline.warnings]
        declared = self._audio.duration
        if (
            ended
            and self._decoded
            and declared is not None
            and self._audio.exact
            and reached < min(declared - TOLERATED_SHORTFALL, self._stop)
            and (not self._has_video or self._audio.warnings)
        ):
            warnings.append(stops_early(reached + self._shift, declared + self._shift))
        inside = [
            time + self._shift for time in self._damaged if self._begin <= time < reached - TOLERANCE
        ]  # before it a seek led into the middle of a frame; the end of a cut file is not damage
        if inside:
            warnings.append(damage(inside))
        return Decoded(
            start=self._begin - chunk.start,
            owned=max(0.0, stop - chunk.start),
            warnings=tuple(warnings),
        )


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
