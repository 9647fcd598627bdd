"""Makes recordings of every format with PyAV's own encoders, and reads what the decoder gives back.

The sound is noise whose loudness changes 20 times a second, from a fixed seed: two stretches of it
match at one lag only, so that a shift of a few samples shows.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from shared.model import ByteSpan, Chunk
from tests.kept import kept

RATE = 16_000


FASTER = {
    "aac": {"aac_coder": "fast", "aac_ms": "0"},
    "libmp3lame": {"compression_level": "9"},
    "libopus": {"compression_level": "0"},
}
"""Encoders search long for what sounds best of all that fits the bit rate: nobody listens to these recordings."""


@dataclass
class Memory:
    """A Source over bytes that counts what was read."""

    data: bytes
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self):
        return len(self.data)

    def read(self, start, length):
        self.reads.append((start, length))
        return self.data[start : start + length]


@dataclass
class Sparse:
    """A Source with zeros between a head and a tail: long files at no cost."""

    head: bytes
    size: int
    tail: bytes = b""

    def read(self, start, length):
        end = min(self.size, start + length)
        tail_from = self.size - len(self.tail)
        middle = bytes(max(0, min(end, tail_from) - max(start, len(self.head))))
        return self.head[start:end] + middle + self.tail[max(0, start - tail_from) : max(0, end - tail_from)]


@cache
def sound(rate: int, seconds: float) -> np.ndarray:
    """Mono float samples, the same sound at every rate."""
    base = 16_000
    count = int(base * seconds)
    rng = np.random.default_rng(20)
    noise = np.convolve(rng.standard_normal(count + 64), np.hanning(16), mode="same")[:count]
    loud = np.repeat(rng.uniform(0.02, 1.0, count // 800 + 1), 800)[:count]
    wave = 0.08 * noise * loud
    at = np.arange(int(rate * seconds)) * (base / rate)
    return np.interp(at, np.arange(count), wave).clip(-1, 1)


def frames(rate: int, layout: str, seconds: float, start: int = 0, *, wave=sound, gains=None):
    """Frames of the sound as s16, 1,000 samples each.

    `wave` gives another sound, as `sound` does; `gains` are those of the channels, from -1 to 1.
    """
    wave = (wave(rate, seconds) * 32767).astype(np.int16)
    channels = av.AudioLayout(layout).nb_channels
    for at in range(0, len(wave), 1000):
        part = np.repeat(wave[at : at + 1000], channels).reshape(1, -1)
        if gains is not None:
            part = np.outer(wave[at : at + 1000], gains).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, "s16", layout)
        frame.sample_rate = rate
        frame.pts = start + at
        yield frame


def encode(stream, rate, layout, seconds, **spoken):
    """Packets of the sound for an output stream; `spoken` as for `frames`."""
    context = stream.codec_context
    context.options = {**FASTER.get(context.name, {}), **context.options}
    shape = av.AudioResampler(
        format=context.format, layout=layout, rate=rate, frame_size=context.frame_size or 0
    )
    for frame in frames(rate, layout, seconds, **spoken):
        for shaped in shape.resample(frame):
            yield from stream.encode(shaped)
    for shaped in shape.resample(None):
        yield from stream.encode(shaped)
    yield from stream.encode(None)


@kept
def make(
    container,
    codec,
    *,
    rate=44_100,
    layout="stereo",
    seconds=8.0,
    tracks=1,
    video=False,
    late=0.0,
    bit_rate=None,
    muxing=None,
    wave=sound,
    gains=None,
    **encoding,
) -> bytes:
    """A recording of the sound as bytes; the sound may begin later than the pictures, seconds.

    `wave` and `gains` as for `frames`.
    """
    spoken = {"wave": wave, "gains": gains}
    return _as_bytes(
        muxing,
        lambda target: _make(
            target,
            container,
            codec,
            rate,
            layout,
            seconds,
            tracks,
            video,
            late,
            bit_rate,
            muxing,
            encoding,
            spoken,
        ),
    )


def _as_bytes(muxing, write) -> bytes:
    if muxing and {"faststart", "dash"} & set(muxing.get("movflags", "").split("+")):
        # These muxers read back what they wrote, by name.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made"
            write(str(path))
            return path.read_bytes()
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _make(
    target, container, codec, rate, layout, seconds, tracks, video, late, bit_rate, muxing, encoding, spoken
):
    with av.open(target, "w", format=container, options=muxing or {}) as out:
        picture = None
        if video:
            picture = out.add_stream("mpeg4", rate=25)
            picture.width = picture.height = 32
            picture.pix_fmt = "yuv420p"
        streams = []
        for _ in range(tracks if codec else 0):
            stream = out.add_stream(codec, rate=rate, layout=layout, options=encoding)
            if bit_rate:
                stream.bit_rate = bit_rate
            streams.append(stream)
        packets = [p for one in streams for p in encode(one, rate, layout, seconds, **spoken)]
        for packet in packets:
            packet.pts += round(late / packet.time_base)
            packet.dts += round(late / packet.time_base)
        if picture:
            for index in range(int(25 * seconds)):
                image = av.VideoFrame(32, 32, "yuv420p")
                image.pts = index
                packets += picture.encode(image)
            packets += picture.encode(None)
        packets = [p for p in packets if p.dts is not None]
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)


FORMATS = {
    "wav": ("wav", "pcm_s16le", {}),
    "wav-24-bit-192k": ("wav", "pcm_s24le", {"rate": 192_000}),
    "wav-8k": ("wav", "pcm_s16le", {"rate": 8_000, "layout": "mono"}),
    "wav-7.1": ("wav", "pcm_s16le", {"rate": 48_000, "layout": "7.1"}),
    "rf64": ("wav", "pcm_s16le", {"muxing": {"rf64": "always"}}),
    "w64": ("w64", "pcm_s16le", {}),
    "aiff": ("aiff", "pcm_s16be", {}),
    "caf": ("caf", "pcm_s16le", {}),
    "au": ("au", "pcm_s16be", {}),
    "voc": ("voc", "pcm_s16le", {"rate": 16_000, "layout": "mono"}),
    "mp3": ("mp3", "libmp3lame", {"bit_rate": 128_000}),
    "mp3-no-header": ("mp3", "libmp3lame", {"bit_rate": 64_000, "muxing": {"write_xing": "0"}}),
    "mp3-vbr-no-header": ("mp3", "libmp3lame", {"muxing": {"write_xing": "0"}, "compression_level": "7", "abr": "1"}),
    "mp3-22k-mono": ("mp3", "libmp3lame", {"rate": 22_050, "layout": "mono"}),
    "mp2": ("mp2", "mp2", {}),
    "aac": ("adts", "aac", {}),
    "m4a": ("ipod", "aac", {}),
    "m4a-alac": ("ipod", "alac", {}),
    "mp4-fragmented": ("mp4", "aac", {"muxing": {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}}),
    "mp4-video": ("mp4", "aac", {"video": True}),
    "mov": ("mov", "pcm_s16le", {}),
    "3gp": ("3gp", "libopencore_amrnb", {"rate": 8_000, "layout": "mono"}),
    "mkv-video": ("matroska", "aac", {"video": True, "tracks": 2}),
    "mkv-flac": ("matroska", "flac", {}),
    "webm": ("webm", "libopus", {"rate": 48_000}),
    "webm-live": ("webm", "libopus", {"rate": 48_000, "muxing": {"live": "1"}}),
    "ogg-opus": ("ogg", "libopus", {"rate": 48_000}),
    "ogg-vorbis": ("ogg", "vorbis", {"strict": "-2"}),
    "ogg-flac": ("ogg", "flac", {}),
    "flac": ("flac", "flac", {}),
    "wma": ("asf", "wmav2", {"bit_rate": 128_000}),
    "amr": ("amr", "libopencore_amrnb", {"rate": 8_000, "layout": "mono"}),
    "avi": ("avi", "libmp3lame", {"video": True}),
    "flv": ("flv", "libmp3lame", {}),
    "mpegts": ("mpegts", "aac", {"video": True}),
    "mpeg": ("vob", "mp2", {"video": True, "rate": 48_000}),
    "ac3": ("ac3", "ac3", {}),
    "wavpack": ("wv", "wavpack", {}),
    "tta": ("tta", "tta", {}),
}  # fmt: skip


@cache
def of_format(name: str) -> bytes:
    """A recording of eight seconds in one of the formats above."""
    container, codec, options = FORMATS[name]
    return make(container, codec, **options)


@kept
def repeated(container, codec, *, rate, hours, muxing=None, **encoding) -> bytes:
    """A recording of many hours: the same packets again and again."""
    return _as_bytes(
        muxing,
        lambda target: write_repeated(
            target, container, codec, rate=rate, hours=hours, muxing=muxing, **encoding
        ),
    )


def write_repeated(target, container, codec, *, rate, hours, muxing=None, **encoding):
    """The same, to a path or a file."""
    with av.open(target, "w", format=container, options=muxing or {}) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono", options=encoding)
        packets = list(encode(stream, rate, "mono", 2.0))
        step = stream.codec_context.frame_size or packets[4].duration
        base = stream.codec_context.time_base
        packets = packets[4:14]  # of different sizes, as in life: else an mp4 needs no table
        for index in range(int(hours * 3600 * rate / step)):
            packet = packets[index % len(packets)]
            packet.time_base = base
            packet.pts = packet.dts = index * step
            packet.duration = step
            out.mux_one(packet)


def samples(pcm) -> np.ndarray:
    """The samples of a Pcm as floats."""
    return np.frombuffer(pcm.samples, np.int16).astype(np.float64)


def chunk(start=0.0, end=None, lead=0.0, tail=0.0, span=None) -> Chunk:
    """A chunk of a plan."""
    return Chunk(index=0, start=start, end=end, lead=lead, tail=tail, engine="parakeet-cpu", span=span)


def spans(info, count, overlap):
    """Cut a recording by bytes into chunks with an overlap in bytes."""
    first, last = info.first_byte, info.last_byte
    cuts = [first + (last - first) * i // count for i in range(count + 1)]
    return [
        ByteSpan(read_from=max(first, a - overlap), own_from=a, own_to=b, read_to=min(last, b + overlap))
        for a, b in pairwise(cuts)
    ]


def lag(part: np.ndarray, whole: np.ndarray, at: float, most: int = 1600) -> float:
    """By how many seconds `part` lies later in `whole` than expected at second `at` (negative: earlier)."""
    first = round(at * RATE)
    low = max(0, first - most)
    window = whole[low : first + len(part) + most]
    size = 1 << (len(window) + len(part)).bit_length()
    spectrum = np.fft.rfft(window, size) * np.conj(np.fft.rfft(part, size))
    match = np.fft.irfft(spectrum, size)[: len(window) - len(part) + 1]
    return (low + int(np.argmax(match)) - first) / RATE
