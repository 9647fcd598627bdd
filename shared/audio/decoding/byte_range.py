"""Decodes a chunk that is cut by byte range: mp3 and raw aac, whose frames are their own index.

A frame belongs to the chunk in whose own range its header lies. Neighbours find the same frames, so
every frame has exactly one owner and the owned seconds add up to the whole recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import av

from shared.audio.decoding.timeline import EXACT, Timeline
from shared.audio.probing.mpeg_frames import LONGEST, Frame, Kind, Walk, info_tag
from shared.audio.probing.sniff import damage
from shared.audio.types import Decoded
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame

    from shared.audio.files.reader import Reader
    from shared.model import AudioInfo, ByteSpan, Chunk

STRETCH = 512 * 1024
"""Bytes walked over at one time."""
DECODERS = {"mp1": "mp1float", "mp2": "mp2float", "mp3": "mp3float", "aac": "aac"}
TOGETHER: dict[Kind, int] = {"mpeg": 32, "adts": 1}
"""Frames that the decoder takes in one packet, which saves a sixth of its time. That of aac takes just one."""
RUN_UP = 4
"""Runs after which a decoder's state tells little of what was before: no frame borrows bits of more than 23 others."""
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
    decoder = _Decoder(audio.codec)
    now = lead = owned = 0.0
    sound = False
    damaged: list[float] = []
    runs = _Runs(reader, "mpeg" if audio.format == "mp3" else "adts", audio, span)
    for run in runs:
        seconds = run.frame.samples / run.frame.rate
        if run.position < span.own_from:
            lead += seconds * len(run.sizes)
        elif run.position < span.own_to:
            if run.position == audio.first_byte:
                tag = info_tag(run.data, 0, run.frame)
                if tag is not None:
                    # Decoded samples start with what only the codec needed: they lie before zero.
                    now = owned = -tag.skip / run.frame.rate
                    continue
            owned += seconds * len(run.sizes)
        heard = decoder.decode(run)
        timeline.extend(heard, now, seconds, tolerance=EXACT)
        lost = [at for at, one in enumerate(heard) if one is None]
        sound = sound or len(lost) < len(heard)
        if run.position >= span.own_from:
            damaged += [chunk.start - lead + now + at * seconds for at in lost]
        now += seconds * len(heard)
        if timeline.full:
            raise BadMedia(
                "limit",
                f"This part of the recording holds more than {longest / 3600:g} hours of sound. Convert it to "
                "another format (for example FLAC) and upload it again.",
            )
    timeline.finish()
    return (
        Decoded(start=-lead, owned=max(0.0, owned), warnings=_warnings(chunk, damaged, runs)),
        sound,
    )


class _Decoder:
    """Decodes runs of frames."""

    def __init__(self, codec: str) -> None:
        self._codec = DECODERS.get(codec, codec)
        self._context = self._open()
        self._before: list[_Run] = []

    def decode(self, run: _Run) -> list[AudioFrame | None]:
        """What each frame sounds like; None where it does not decode or is not there."""
        heard: list[AudioFrame | None] = [*self._call(run.data)]
        if len(heard) != len(run.sizes) > 1:
            # FFmpeg passes over a frame that does not decode, and does not say which it was: once more, one by one.
            self._context = self._open()
            for before in self._before:
                self._call(before.data)
            heard = [next(iter(self._call(one)), None) for one in run.each()]
        self._before = [*self._before, run][-RUN_UP:]
        return heard or [None]

    def _open(self) -> AudioCodecContext:
        context = av.CodecContext.create(self._codec, "r")
        context.thread_count = 1
        return context  # type: ignore[return-value]  # audio by its name

    def _call(self, data: bytes) -> list[AudioFrame]:
        if not data:
            return []
        try:
            return [one for one in self._context.decode(av.Packet(data)) if one.samples and one.sample_rate]
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            return []


def _warnings(chunk: Chunk, damaged: list[float], runs: _Runs) -> tuple[str, ...]:
    warnings = []
    if damaged:
        warnings.append(damage([max(0.0, time) for time in damaged]))
    if runs.skipped:
        warnings.append(
            f"{runs.skipped:,} bytes that are no audio were left out, somewhere after {chunk.start:.1f} s"
        )
    return tuple(warnings)


class _Run(NamedTuple):
    """Frames that lie behind one another in the file, all of one length in time."""

    position: int
    """Of the first one in the file."""
    frame: Frame
    """The first one."""
    sizes: list[int]
    """Bytes of each."""
    data: bytes
    """Their bytes; empty where damage hides them."""

    def each(self) -> Iterator[bytes]:
        """The bytes of one after the other."""
        at = 0
        for size in self.sizes:
            yield self.data[at : at + size]
            at += size


class _Runs:
    """The frames whose header lies in the range to read; a run of them lies in, before or behind the own range.

    Where damage hides frames, as many as would have fitted are given without bytes.
    """

    def __init__(self, reader: Reader, kind: Kind, audio: AudioInfo, span: ByteSpan) -> None:
        self.skipped = 0
        self._reader = reader
        self._kind = kind
        self._last = min(audio.last_byte, reader.size)
        self._span = span
        # A tag instead of sound may be in the first frame.
        self._cuts = (audio.first_byte + 1, span.own_from, span.own_to, span.read_to)

    def __iter__(self) -> Iterator[_Run]:
        at, span = self._span.read_from, self._span
        self._reader.expect(min(span.read_to + 6 * LONGEST, self._last) - at, start=at)
        before: _Run | None = None
        while at < span.read_to:
            # Beyond read_to only so far that the frame across it is complete and believed.
            stop = min(at + STRETCH, span.read_to + 6 * LONGEST, self._last)
            data = self._reader.at(at, stop - at)
            if not data:
                return
            reached = 0
            for run in self._stretch(at, data):
                position = run.position - at
                if position > reached and before is not None:
                    yield from self._lost(at + reached, data[reached:position], before)
                if run.position >= span.read_to:
                    return
                before = run
                reached = position + len(run.data)
                yield run
            if at + len(data) >= self._last:
                return
            if not reached:
                # No frame in all of this: go on where one may have begun.
                reached = max(1, len(data) - 6 * LONGEST)
                self.skipped += reached if before else 0
            at += reached

    def _stretch(self, at: int, data: bytes) -> Iterator[_Run]:
        """The runs of a stretch of the file that begins at a position."""
        most = TOGETHER[self._kind]
        first, start, end, stop = None, 0, 0, 0
        sizes: list[int] = []
        for position, frame in Walk(self._kind, data, last=at + len(data) >= self._last):
            if (
                first is None
                or position != end
                or position >= stop
                or len(sizes) == most
                or frame.key != first.key
            ):
                if first is not None:
                    yield _Run(at + start, first, sizes, data[start:end])
                first, start, sizes = frame, position, []
                stop = min((cut - at for cut in self._cuts if cut > at + position), default=len(data))
            sizes.append(frame.size)
            end = position + frame.size
        if first is not None:
            yield _Run(at + start, first, sizes, data[start:end])

    def _lost(self, start: int, gap: bytes, before: _Run) -> Iterator[_Run]:
        if gap.startswith(TAGS) or len(gap) > LOST:
            self.skipped += len(gap) if len(gap) > LOST else 0
            return
        size = before.sizes[-1]
        for position in range(start, start + size * round(len(gap) / size), size):
            if position < self._span.read_to:
                yield _Run(position, before.frame, [size], b"")
