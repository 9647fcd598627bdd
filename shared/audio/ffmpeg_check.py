"""`python -m shared.audio.ffmpeg_check`: is this the FFmpeg that the project knows, with the decoders that it needs?

Images run it while they are built, and every decoding process does when it starts, which costs microseconds. A wheel of
PyAV without a decoder would refuse recordings one by one, each as if it were damaged.
"""

from __future__ import annotations

import sys

import av

from shared.errors import ConfigurationError

MAJOR = "8"
"""Major version of FFmpeg: limits and the traps of the probes were looked at in this one."""

NEEDED = frozenset(
    [
        "aac",
        "ac3",
        "adpcm_ms",
        "alac",
        "amrnb",
        "amrwb",
        "eac3",
        "flac",
        "gsm",
        "mp3",
        "opus",
        "pcm_alaw",
        "pcm_mulaw",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_f32le",
        "vorbis",
        "wavpack",
        "wmapro",
        "wmav2",
    ]
)
"""Decoders of the formats that recordings usually have. `probing/ffmpeg.py` allows more, where there are more."""


def check() -> str:
    """What is installed, in words.

    Raises:
        ConfigurationError: another major version, or decoders are missing; says which.
    """
    version = str(av.ffmpeg_version_info)
    if version.removeprefix("n").split(".")[0] != MAJOR:
        raise ConfigurationError(
            f"PyAV {av.__version__} carries FFmpeg {version}, and this project knows FFmpeg {MAJOR}. Install the version "
            "that pyproject.toml names: pip install 'av>=18,<19'."
        )
    if missing := sorted(NEEDED - av.codecs_available):
        raise ConfigurationError(
            f"The FFmpeg of PyAV {av.__version__} lacks the decoders {', '.join(missing)}. Install PyAV's own wheel: "
            "pip install --only-binary av --force-reinstall av."
        )
    return f"FFmpeg {version}, PyAV {av.__version__}, {len(NEEDED)} decoders that are needed"


def main() -> int:
    """Print the answer; 0 if all is right, 1 otherwise."""
    try:
        sys.stdout.write(f"{check()}\n")
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
