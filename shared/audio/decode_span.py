"""Decodes a chunk that is cut by byte range: mp3 and raw aac, whose frames are their own index.

A frame belongs to the chunk in whose own range its header lies. Neighbours find the same frames, so
every frame has exactly one owner and the owned seconds add up to the whole recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from shared.audio.elementary import LONGEST, Frame, Kind, Walk, info_tag
from shared.audio.sniff import damage
from shared.audio.timeline import EXACT, Timeline
from shared.audio.wire import Decoded
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame

    from shared.audio.reader import Reader
    from shared.model import AudioInfo, ByteSpan, Chunk

STRETCH = 512 * 1024
"""Bytes walked over at one time."""
DECODERS = {"mp1": "mp1float", "mp2": "mp2float", "mp3": "mp3float", "aac": "aac"}
LOST = 64 * 1024
"""A longer stretch without frames is something foreign, such as a picture, not lost frames, bytes."""
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN", bytes(16))
"""What lies between recordings that were joined: no sound is lost there."""


def decode_span(
    reader: Reader,
    audio: AudioInfo,
    chunk: Chunk,
    span: ByteSpan,
    *,
    longest: float,
    emit: Callable[[bytes], None],
) -> tuple[Decoded, bool]:
    """Decode the frames of a byte range; returns the account and whether anything gave sound.

    Times run from the first frame of the range. A frame that does not decode (the first after a cut
    often lacks bits that lie before it) is silence of its own length, so that no time is lost.

    Raises:
        BadMedia: `limit`, where there is more audio than may be returned.
    """
    timeline = Timeline(emit, begin=0.0, end=longest)
    decoder = _decoder(audio.codec)
    now = lead = owned = 0.0
    sound = False
    damaged: list[float] = []
    frames = _Frames(reader, "mpeg" if audio.format == "mp3" else "adts", audio, span)
    for position, frame, data in frames:
        if position < span.own_from:
            lead += frame.samples / frame.rate
        elif position < span.own_to:
            if position == audio.first_byte:
                tag = info_tag(data, 0, frame)
                if tag is not None:
                    # Decoded samples start with what only the codec needed: they lie before zero.
                    now = owned = -tag.skip / frame.rate
                    continue
            owned += frame.samples / frame.rate
        decoded = _decode(decoder, data) if data else []
        if decoded:
            sound = True
            for one in decoded:
                timeline.add(one, now, tolerance=EXACT)
        elif position >= span.own_from:
            damaged.append(chunk.start - lead + now)
        now += frame.samples / frame.rate
        if timeline.full:
            raise BadMedia(
                "limit",
                f"This part of the recording holds more than {longest / 3600:g} hours of sound. Convert it to "
                "another format (for example FLAC) and upload it again.",
            )
    timeline.finish()
    return (
        Decoded(start=-lead, owned=max(0.0, owned), warnings=_warnings(chunk, damaged, frames)),
        sound,
    )


def _decoder(codec: str) -> AudioCodecContext:
    context = av.CodecContext.create(DECODERS.get(codec, codec), "r")
    context.thread_count = 1
    return context  # type: ignore[return-value]  # audio by its name


def _decode(decoder: AudioCodecContext, data: bytes) -> list[AudioFrame]:
    try:
        return [one for one in decoder.decode(av.Packet(data)) if one.samples and one.sample_rate]
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        return []


def _warnings(chunk: Chunk, damaged: list[float], frames: _Frames) -> tuple[str, ...]:
    warnings = []
    if damaged:
        warnings.append(damage([max(0.0, time) for time in damaged]))
    if frames.skipped:
        warnings.append(
            f"{frames.skipped:,} bytes that are no audio were left out, somewhere after {chunk.start:.1f} s"
        )
    return tuple(warnings)


class _Frames:
    """(position in the file, frame, its bytes) of the frames whose header lies in the range to read.

    Where damage hides frames, as many as would have fitted are given without bytes.
    """

    def __init__(self, reader: Reader, kind: Kind, audio: AudioInfo, span: ByteSpan) -> None:
        self.skipped = 0
        self._reader = reader
        self._kind = kind
        self._last = min(audio.last_byte, reader.size)
        self._span = span

    def __iter__(self) -> Iterator[tuple[int, Frame, bytes]]:
        at, span = self._span.read_from, self._span
        self._reader.expect(min(span.read_to + 6 * LONGEST, self._last) - at, start=at)
        before: Frame | None = None
        while at < span.read_to:
            # Beyond read_to only so far that the frame across it is complete and believed.
            stop = min(at + STRETCH, span.read_to + 6 * LONGEST, self._last)
            data = self._reader.at(at, stop - at)
            if not data:
                return
            walk = Walk(self._kind, data, last=at + len(data) >= self._last)
            reached = 0
            for position, frame in walk:
                if position > reached and before is not None:
                    yield from self._lost(at + reached, data[reached:position], before)
                if at + position >= span.read_to:
                    return
                before = frame
                reached = position + frame.size
                yield at + position, frame, data[position:reached]
            if at + len(data) >= self._last:
                return
            if not reached:
                # No frame in all of this: go on where one may have begun.
                reached = max(1, len(data) - 6 * LONGEST)
                self.skipped += reached if before else 0
            at += reached

    def _lost(self, start: int, gap: bytes, before: Frame) -> Iterator[tuple[int, Frame, bytes]]:
        if gap.startswith(TAGS) or len(gap) > LOST:
            self.skipped += len(gap) if len(gap) > LOST else 0
            return
        for index in range(round(len(gap) / before.size)):
            position = start + index * before.size
            if position < self._span.read_to:
                yield position, before, b""
