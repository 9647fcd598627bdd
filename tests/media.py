"""Media files of any kind, written and read with PyAV alone (its wheels carry the encoders)."""

from __future__ import annotations

import wave
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SAMPLE_RATE = 16_000
"""Hertz, of all samples that go in and come out."""

Samples = npt.NDArray[np.int16]

CODECS = {
    ".aac": "aac",
    ".aif": "pcm_s16be",
    ".aiff": "pcm_s16be",
    ".amr": "libopencore_amrnb",
    ".flac": "flac",
    ".m4a": "aac",
    ".mka": "libopus",
    ".mkv": "aac",
    ".mov": "aac",
    ".mp3": "libmp3lame",
    ".mp4": "aac",
    ".ogg": "libopus",
    ".opus": "libopus",
    ".wav": "pcm_s16le",
    ".webm": "libopus",
    ".wma": "wmav2",
}
"""Encoder of the audio, by the suffix of the file."""
RATES = {"libopus": 48_000, "libopencore_amrnb": 8_000}
"""Hertz, where an encoder does not take 16 kHz or the usual choice is another."""
BIT_RATES = {"wmav2": 64_000}
"""Bits a second, where an encoder has no default of its own."""
PICTURES = {".webm": "libvpx-vp9"}
"""Encoder of the picture where it is not H.264, by the suffix of the file."""


def write_media(
    path: Path,
    samples: Samples | Sequence[Samples],
    *,
    codec: str | None = None,
    rate: int | None = None,
    layout: str = "mono",
    bit_rate: int | None = None,
    picture: bool = False,
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> None:
    """Encode speech to a media file. The same arguments give the same bytes.

    Args:
        path: file to write; its suffix chooses container and codecs.
        samples: int16, 16 kHz mono; or several of them, one for each audio track.
        codec: FFmpeg's name of the audio encoder, if not the usual one.
        rate: sample rate of the file, hertz, if not the usual one.
        layout: channel layout as FFmpeg names it: mono, stereo, 5.1, 7.1, …
        bit_rate: bits a second of each audio track; None is the encoder's default.
        picture: add a small video track, one frame a second.
        container: FFmpeg's name of the container, where the suffix does not tell or should lie.
        options: options of the container, e.g. `{"movflags": "faststart"}`.
    """
    tracks = [samples] if isinstance(samples, np.ndarray) else list(samples)
    codec = codec or CODECS[path.suffix.lower()]
    bit_rate = bit_rate or BIT_RATES.get(codec)
    rate = rate or RATES.get(codec, SAMPLE_RATE)
    # bitexact: no encoder versions, dates or random stream numbers in the file.
    settings = {"fflags": "+bitexact", **(options or {})}
    with av.open(str(path), "w", format=container, container_options=settings) as file:
        video = _add_picture(file, PICTURES.get(path.suffix.lower(), "libx264")) if picture else None
        streams: list[av.AudioStream] = []
        for _ in tracks:
            # FFmpeg calls its own vorbis encoder (stereo only) experimental; the wheels have no other.
            stream = file.add_stream(
                codec, rate=rate, options={"flags": "+bitexact", "strict": "experimental"}
            )
            assert isinstance(stream, av.AudioStream)
            stream.layout = layout
            if bit_rate:
                stream.bit_rate = bit_rate
            streams.append(stream)
        # The tracks are written second by second, interleaved as a recorder would.
        sources = [_frames(track) for track in tracks]
        for second in range(max(len(track) for track in tracks) // SAMPLE_RATE + 1):
            if video:
                file.mux(video.encode(_drawing(second)))
            for stream, source in zip(streams, sources, strict=True):
                frame = next(source, None)
                if frame:
                    file.mux(stream.encode(frame))
        if video:
            file.mux(video.encode(None))
        for stream in streams:
            file.mux(stream.encode(None))


def read_media(path: Path, track: int = 0) -> Samples:
    """One audio track of any file, as 16 kHz mono samples."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts = []
    with av.open(str(path)) as file:
        for frame in (*file.decode(audio=track), None):
            parts += [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
    return np.concatenate(parts)


def write_wav(path: Path, samples: Samples) -> None:
    """Write 16 kHz mono samples as a wav file, with the standard library alone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def _frames(samples: Samples) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), SAMPLE_RATE):
        part = np.ascontiguousarray(samples[start : start + SAMPLE_RATE])
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield frame


def _add_picture(file: av.container.OutputContainer, codec: str) -> av.VideoStream:
    stream = file.add_stream(codec, rate=1, options={"flags": "+bitexact", "threads": "1"})
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
    stream.bit_rate = 20_000
    return stream


def _drawing(second: int) -> av.VideoFrame:
    """A bar that moves to the right, over a slowly changing grey."""
    picture = np.full((96, 160, 3), 60 + second % 60, dtype=np.uint8)
    picture[40:56, : 8 + second * 4 % 152] = (240, 180, 40)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = second
    frame.time_base = Fraction(1, 1)
    return frame
