"""The containers that may be recordings, one row each: how they begin, what their files are called, what browsers play.

A new one is a row here. If FFmpeg alone would read too much of it, it also gets a probe in `shared/audio/probing/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Container:
    """One container."""

    name: str
    """FFmpeg's name of its demuxer."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of its files. A file without a name of its own gets the first."""
    starts: tuple[bytes, ...] = ()
    """First bytes of its files; none: they have other marks, see `shared/audio/probing/sniff.py` and `elementary.py`."""
    forms: tuple[tuple[bytes, bytes], ...] = ()
    """The same for files in chunks: their first four bytes, and those from the ninth on."""
    media_type: str = ""
    """Media type for a browser; empty: none plays it."""
    played: frozenset[str] = frozenset()
    """The codecs in it that all browsers play, by FFmpeg's names."""
    has_length: bool = False
    """Whether its length is a number in the header. Its samples have no times, so that decoding finds the end."""
    kbps: float = 128.0
    """Usual bit rate of its sound, kbit/s, for a guess before it is read."""
    is_estimated: bool = False
    """Whether the length that FFmpeg gives is derived from the bit rate of the first frames."""

    @property
    def magic(self) -> re.Pattern[bytes]:
        """What finds its files within others, by how they begin."""
        forms = (re.escape(first) + b"...." + re.escape(second) for first, second in self.forms)
        return re.compile(b"|".join([*map(re.escape, self.starts), *forms]), re.DOTALL)


CONTAINERS = (
    Container("aac", (".aac",), media_type="audio/aac", played=frozenset({"aac"})),
    Container("ac3", (".ac3",), (b"\x0b\x77",), is_estimated=True),
    Container(
        "aiff",
        (".aiff", ".aif", ".aifc"),
        forms=((b"FORM", b"AIFF"), (b"FORM", b"AIFC")),
        has_length=True,
        kbps=1411.0,
    ),
    Container("amr", (".amr",), (b"#!AMR\n", b"#!AMR-WB\n"), is_estimated=True),
    Container("ape", (".ape",), (b"MAC ",), has_length=True),
    Container("asf", (".wma", ".wmv", ".asf"), (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",)),
    Container("au", (".au",), (b".snd",), has_length=True),
    Container("avi", (".avi",), forms=((b"RIFF", b"AVI "),)),
    Container("caf", (".caf",), (b"caff\x00\x01",), has_length=True),
    Container("dts", (".dts",), (b"\x7f\xfe\x80\x01",), is_estimated=True),
    Container("eac3", (".eac3",), is_estimated=True),
    Container(
        "flac",
        (".flac",),
        (b"fLaC",),
        media_type="audio/flac",
        played=frozenset({"flac"}),
        has_length=True,
        kbps=700.0,
    ),
    Container("flv", (".flv",), (b"FLV\x01",)),
    Container(
        "matroska", (".mkv", ".mka", ".webm", ".weba"), (b"\x1a\x45\xdf\xa3",), media_type="video/webm"
    ),
    Container(
        "mov",
        (".mp4", ".m4a", ".m4b", ".m4v", ".mov", ".3gp", ".3g2"),
        media_type="audio/mp4",
        played=frozenset({"aac", "mp3", "flac", "opus"}),
    ),
    Container("mp3", (".mp3", ".mp2"), media_type="audio/mpeg", played=frozenset({"mp3"})),
    Container("mpc", starts=(b"MP+",), has_length=True, is_estimated=True),
    Container("mpc8", starts=(b"MPCK",), has_length=True),
    Container("mpeg", (".mpg", ".mpeg"), (b"\x00\x00\x01\xba",)),
    Container("mpegts", (".ts", ".mts", ".m2ts")),
    Container("nistsphere", (".sph",), (b"NIST_1A\n",), has_length=True),
    Container(
        "ogg",
        (".ogg", ".oga", ".ogv", ".opus", ".spx"),
        (b"OggS",),
        media_type="audio/ogg",
        played=frozenset({"opus", "vorbis", "flac"}),
        kbps=64.0,
    ),
    Container("tta", (".tta",), (b"TTA1",), has_length=True),
    Container("voc", (".voc",), (b"Creative Voice File\x1a",), has_length=True),
    Container("w64", (".w64",), (b"riff\x2e\x91\xcf\x11",), has_length=True),
    Container(
        "wav",
        (".wav",),
        forms=((b"RIFF", b"WAVE"), (b"RF64", b"WAVE"), (b"BW64", b"WAVE")),
        media_type="audio/wav",
        played=frozenset({"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le"}),
        has_length=True,
        kbps=1411.0,
    ),
    Container("wv", (".wv",), (b"wvpk",), has_length=True),
)
"""The table. What is not in it is never parsed, whatever its name says: no playlists, images, subtitles or devices."""

BY_NAME = {one.name: one for one in CONTAINERS}
"""The same, by FFmpeg's names."""

BY_SUFFIX = {suffix: one for one in CONTAINERS for suffix in one.suffixes}
"""The same, by the suffixes of their files."""

SUFFIXES = frozenset(BY_SUFFIX)
"""Those of all."""
