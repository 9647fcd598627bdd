"""Probing and decoding of untrusted recordings, in a process of its own.

Read in this order:

    types.py       what callers pass in and get back
    containers.py  the table of containers: how they begin, what their files are called, what browsers play
    sandbox/       the process, from both sides; `Sandbox` is the entry point
    files/         a recording as a seekable file over ranged reads
    probing/       format, codec and duration from a few kilobytes
    decoding/      one chunk as 16 kHz mono samples
    pool.py        several sandboxes: the `Media` port
    local_file.py  a whole recording on this disk
    encode.py      samples as FLAC, for a hosted engine; rendition.py: as AAC, for browsers
    channel_levels.py  how loud the two channels of a call are
    peaks.py       how loud they are, for a waveform
    ffmpeg_check.py  whether this is the FFmpeg that the project knows, for images

Importing this package loads neither FFmpeg nor numpy.
"""

from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import Limits, Pcm, Source

__all__ = ["Limits", "Pcm", "Sandbox", "Source"]
