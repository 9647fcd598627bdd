"""What it costs to learn the length of a six-hour recording, and to read ten minutes in its middle.

    python -m bench probe [HOURS]

The process that reports does nothing else, as a router does that only probes. Memory is the peak resident set of
that process and, beside it, of the decoding process that it started, both before the chunk. A chunk's own bytes are
those of its audio and overlap at the recording's average; each read is a request where the recording lies in a
bucket.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import command_line
from gpu_job.peak_memory import peak_memory

FORMATS = {
    "mp3": ("mp3", "libmp3lame", 44_100, {}),
    "m4a": ("ipod", "aac", 44_100, {}),
    "m4a, index first": ("ipod", "aac", 44_100, {"movflags": "faststart"}),
    "mp4, fragmented": ("mp4", "aac", 44_100, {"movflags": "empty_moov", "frag_duration": "10000000"}),
    "mp4, 1 s fragments": ("mp4", "aac", 44_100, {"movflags": "empty_moov", "frag_duration": "1000000"}),
    "mp4, segment index": (
        "mp4",
        "aac",
        44_100,
        {"movflags": "dash+global_sidx", "frag_duration": "10000000"},
    ),
    "webm": ("webm", "libopus", 48_000, {}),
    "webm, live": ("webm", "libopus", 48_000, {"live": "1"}),
    "mkv": ("matroska", "aac", 44_100, {}),
    "ogg": ("ogg", "libopus", 48_000, {}),
    "aac": ("adts", "aac", 44_100, {}),
    "wma": ("asf", "wmav2", 44_100, {}),
    "avi": ("avi", "libmp3lame", 44_100, {}),
    "wav": ("wav", "pcm_s16le", 16_000, {}),
    "flac": ("flac", "flac", 16_000, {}),
}
ENCODING = {"wma": {"b": "64000"}}
CHUNK, OVERLAP = 600.0, 30.0
"""Seconds of a chunk, and of what it shares with each neighbour."""


def probe(path):
    from shared.audio import Sandbox
    from shared.audio.local_file import LocalFile

    with Sandbox() as sandbox:
        started = time.perf_counter()
        info = sandbox.probe(LocalFile(Path(path)))
        first = time.perf_counter() - started
        started = time.perf_counter()
        sandbox.probe(LocalFile(Path(path)))
        again = time.perf_counter() - started
        child, own = peak_memory(sandbox._process.pid) / 1e6, peak_memory() / 1e6  # noqa: SLF001 - the measured process is nowhere public
        file, reads = LocalFile(Path(path)), []
        read = file.read
        file.read = lambda start, length: reads.append(length) or read(start, length)
        pcm = sandbox.decode(file, info, middle(info))
    total, needed = sum(reads), file.size * pcm.seconds / info.duration
    print(
        f"{info.bytes_read:8,d} {first:8.3f} {again:8.3f} {own:7.0f} {child:8.0f} "
        f"{total / 1e6:9.2f} {total / needed:8.2f} {len(reads):8d}",
        flush=True,
    )


def middle(info):
    """A chunk in the middle of a recording."""
    from shared.model import ByteSpan, Chunk

    start, span = info.duration / 2, None
    if info.splittable_by == "bytes":
        rate = (info.last_byte - info.first_byte) / info.duration
        cuts = [
            info.first_byte + int(rate * at)
            for at in (start - OVERLAP, start, start + CHUNK, start + CHUNK + OVERLAP)
        ]
        span = ByteSpan(read_from=cuts[0], own_from=cuts[1], own_to=cuts[2], read_to=cuts[3])
    return Chunk(
        index=0, start=start, end=start + CHUNK, lead=OVERLAP, tail=OVERLAP, engine="parakeet-cpu", span=span
    )


def write_flac(path, hours, rate):
    """A flac file numbers its own frames, so the packets of another cannot be repeated: it is encoded."""
    import av
    import numpy as np

    wave = (np.random.default_rng(1).standard_normal(20 * rate) * 800).astype(np.int16)
    with av.open(str(path), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=rate, layout="mono", options={"compression_level": "0"})
        for at in range(0, int(hours * 3600 * rate), 4096):
            part = wave[at % (len(wave) - 4096) :][:4096].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, "s16", "mono")
            frame.sample_rate, frame.pts = rate, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def main(hours):
    from tests.audio.media import write_repeated

    print(
        f"{'':18s} {'MB':>6s} {'bytes':>8s} {'first s':>8s} {'again s':>8s} {'own MB':>7s} {'child MB':>8s} "
        f"{'chunk MB':>9s} {'of own':>8s} {'requests':>8s}"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long"
        for name, (container, codec, rate, muxing) in FORMATS.items():
            if name == "flac":
                write_flac(path, hours, rate)
            else:
                encoding = ENCODING.get(name, {})
                write_repeated(str(path), container, codec, rate=rate, hours=hours, muxing=muxing, **encoding)
            print(f"{name:18s} {path.stat().st_size / 1e6:6.0f}", end=" ", flush=True)
            subprocess.run([sys.executable, __file__, "--probe", str(path)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        probe(sys.argv[2])
    else:
        parser = command_line("probe", __doc__)
        parser.add_argument("hours", type=float, nargs="?", default=6.0, help="length of the recordings (6)")
        main(parser.parse_args().hours)
