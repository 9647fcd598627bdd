"""Decodes a chunk that is cut by byte range: mp3 and raw aac, which have no container and no index.

A frame belongs to the chunk whose own range contains its header. Neighbouring chunks find the same frames, so every
frame has exactly one owner and the owned seconds add up to the whole recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import av

from shared.audio.decoding.timeline import EXACT, Timeline
from shared.audio.probing.ffmpeg import check_place
from shared.audio.probing.mpeg_frames import LONGEST, Frame, Kind, Walk, info_tag
from shared.audio.probing.notices import damage
from shared.audio.types import Decoded
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame

    from shared.audio.files.reader import Reader
    from shared.model import AudioInfo, ByteSpan, Chunk

READ_SIZE = 512 * 1024
"""Bytes read and searched for frames at one time."""
DECODERS = {"mp1": "mp1float", "mp2": "mp2float", "mp3": "mp3float", "aac": "aac"}
FRAMES_PER_PACKET: dict[Kind, int] = {"mpeg": 32, "adts": 1}
"""Frames in one packet for the decoder, which saves a sixth of its time. That of aac accepts only one."""
PREROLL_RUNS = 4
"""Runs decoded before one that is repeated, to restore the decoder: no frame uses bits of more than 23 others."""
LONGEST_DAMAGE = 64 * 1024
"""Bytes; a longer gap between frames is not lost sound but something else, such as a picture."""
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN", bytes(16))
"""What lies between recordings that were concatenated: no sound is lost there."""


def decode_span(
    reader: Reader,
    audio: AudioInfo,
    chunk: Chunk,
    span: ByteSpan,
    *,
    longest: float,
    emit: Callable[[bytes], None],
    both: bool = False,
) -> tuple[Decoded, bool]:
    """Decode the frames of a byte range; returns how it went and whether any frame gave sound.

    Times count from the first frame of the range. A frame that does not decode (the first after a cut often needs
    bits that lie before it) becomes silence of its own length, so that no time is lost.

    Raises:
        BadMedia: `limit`, if there is more audio than may be returned.
    """
    timeline = Timeline(emit, begin=0.0, end=longest, both=both)
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
                    # Decoded samples start with the encoder's delay: it lies before zero.
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
                f"This part of the recording contains more than {longest / 3600:g} hours of sound. Convert it to "
                "another format (for example FLAC) and try again.",
            )
    timeline.finish()
    return (
        Decoded(
            start=-lead,
            owned=max(0.0, owned),
            warnings=(*timeline.warnings, *_warnings(chunk, damaged, runs)),
        ),
        sound,
    )


class _Decoder:
    """Decodes runs of frames."""

    def __init__(self, codec: str) -> None:
        self._codec = DECODERS.get(codec, codec)
        self._context = self._open()
        self._before: list[_Run] = []

    def decode(self, run: _Run) -> list[AudioFrame | None]:
        """Each frame decoded; None if it does not decode or is missing."""
        heard: list[AudioFrame | None] = [*self._call(run.data)]
        if len(heard) != len(run.sizes) > 1:
            # FFmpeg skips a frame that does not decode without saying which: decode them again, one by one.
            self._context = self._open()
            for before in self._before:
                self._call(before.data)
            heard = [next(iter(self._call(one)), None) for one in run.each()]
        self._before = [*self._before, run][-PREROLL_RUNS:]
        return heard or [None]

    def _open(self) -> AudioCodecContext:
        check_place()
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
            f"{runs.skipped:,} bytes that are not audio were left out, somewhere after {chunk.start:.1f} s"
        )
    return tuple(warnings)


class _Run(NamedTuple):
    """Consecutive frames in the file, all of the same duration."""

    position: int
    """Position of the first frame, bytes from the start of the file."""
    frame: Frame
    """The first frame."""
    sizes: list[int]
    """Bytes of each frame."""
    data: bytes
    """Their bytes; empty for frames lost to damage."""

    def each(self) -> Iterator[bytes]:
        """The bytes of each frame in turn."""
        at = 0
        for size in self.sizes:
            yield self.data[at : at + size]
            at += size


class _Runs:
    """The frames whose header lies in the range to read; a run is entirely inside, before or after the own range.

    For frames lost to damage it gives as many as would have fitted, without bytes.
    """

    def __init__(self, reader: Reader, kind: Kind, audio: AudioInfo, span: ByteSpan) -> None:
        self.skipped = 0
        self._reader = reader
        self._kind = kind
        self._last = min(audio.last_byte, reader.size)
        self._span = span
        # The first frame may contain an info tag instead of sound.
        self._cuts = (audio.first_byte + 1, span.own_from, span.own_to, span.read_to)

    def __iter__(self) -> Iterator[_Run]:
        at, span = self._span.read_from, self._span
        self._reader.expect_span(at, min(span.read_to + 6 * LONGEST, self._last))
        before: _Run | None = None
        while at < span.read_to:
            # Beyond read_to only far enough to complete and confirm the frame across it.
            stop = min(at + READ_SIZE, span.read_to + 6 * LONGEST, self._last)
            data = self._reader.at(at, stop - at)
            if not data:
                return
            reached = 0
            for run in self._find_runs(at, data):
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
                # No frame in all of this: continue where one may have begun.
                reached = max(1, len(data) - 6 * LONGEST)
                self.skipped += reached if before else 0
            at += reached

    def _find_runs(self, at: int, data: bytes) -> Iterator[_Run]:
        """The runs in loaded bytes that begin at a position of the file."""
        most = FRAMES_PER_PACKET[self._kind]
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
        if gap.startswith(TAGS) or len(gap) > LONGEST_DAMAGE:
            self.skipped += len(gap) if len(gap) > LONGEST_DAMAGE else 0
            return
        size = before.sizes[-1]
        for position in range(start, start + size * round(len(gap) / size), size):
            if position < self._span.read_to:
                yield _Run(position, before.frame, [size], b"")
