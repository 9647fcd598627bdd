"""What it costs to learn the length of a six-hour recording: bytes, seconds, memory.

Run: python bench/probe.py [hours]

The process that reports does nothing but probe, as the router does. Memory is the peak resident set of
that process and, beside it, of the decoding process that it started. `first` includes that start.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

FORMATS = {
    "mp3": ("mp3", "libmp3lame", 44_100, {}),
    "m4a": ("ipod", "aac", 44_100, {}),
    "m4a, index first": ("ipod", "aac", 44_100, {"movflags": "faststart"}),
    "mp4, fragmented": ("mp4", "aac", 44_100, {"movflags": "empty_moov", "frag_duration": "10000000"}),
    "webm": ("webm", "libopus", 48_000, {}),
    "webm, live": ("webm", "libopus", 48_000, {"live": "1"}),
    "ogg": ("ogg", "libopus", 48_000, {}),
    "aac": ("adts", "aac", 44_100, {}),
    "wav": ("wav", "pcm_s16le", 16_000, {}),
    "flac": ("flac", "flac", 16_000, {}),
}


class File:
    def __init__(self, path):
        self.file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, start, length):
        self.file.seek(start)
        return self.file.read(length)


def peak(process):
    """Peak resident set, MB. Not ru_maxrss: that begins with the memory of the process that forked."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def probe(path):
    from shared.audio import Sandbox

    with Sandbox() as sandbox:
        started = time.perf_counter()
        info = sandbox.probe(File(Path(path)))
        first = time.perf_counter() - started
        started = time.perf_counter()
        sandbox.probe(File(Path(path)))
        again = time.perf_counter() - started
        child = peak(sandbox._process.pid)  # noqa: SLF001 - the measured process is nowhere public
    own = peak("self")
    duration = f"{info.duration:9.1f}" if info.duration is not None else "  unknown"
    print(
        f"{info.bytes_read:8,d} {first:8.3f} {again:8.3f} {own:8.0f} {child:8.0f} {duration} {info.exact}",
        flush=True,
    )


def main(hours):
    from tests.audio.media import write_repeated

    print(
        f"{'':18s} {'MB':>6s} {'bytes':>8s} {'first s':>8s} {'again s':>8s} {'own MB':>8s} {'child MB':>8s} {'seconds':>9s} exact"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long"
        for name, (container, codec, rate, muxing) in FORMATS.items():
            write_repeated(str(path), container, codec, rate=rate, hours=hours, muxing=muxing)
            if name == "flac":
                with path.open("r+b") as file:  # the encoder only knows of the packets it made itself
                    file.seek(22)
                    file.write(int(hours * 3600 * rate).to_bytes(4, "big"))
            print(f"{name:18s} {path.stat().st_size / 1e6:6.0f}", end=" ", flush=True)
            subprocess.run([sys.executable, __file__, "--probe", str(path)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        probe(sys.argv[2])
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else 6.0)
