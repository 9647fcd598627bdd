"""The containers that may be recordings, one row each: how they begin, what their files are called, what browsers play.

A new one is a row here. If FFmpeg alone would read too much of it, it also gets a probe in `shared/audio/probing/`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Container:
    """One container."""

    name: str
    """FFmpeg's name of its demuxer."""
    suffixes: tuple[str, ...] = ()
    """Of its files. A file without a name of its own gets the first."""
    starts: tuple[bytes, ...] = ()
    """First bytes of its files; none: they have other marks, see `shared/audio/probing/sniff.py` and `elementary.py`."""
    forms: tuple[tuple[bytes, bytes], ...] = ()
    """The same for files in chunks: their first four bytes, and those from the ninth on."""
    media_type: str = ""
    """Media type for a browser; empty: none plays it."""
    played: frozenset[str] = frozenset()
    """The codecs in it that all browsers play, by FFmpeg's names."""


CONTAINERS = (
    Container("aac", (".aac",), media_type="audio/aac", played=frozenset({"aac"})),
    Container("ac3", (".ac3",), (b"\x0b\x77",)),
    Container("aiff", (".aiff", ".aif", ".aifc"), forms=((b"FORM", b"AIFF"), (b"FORM", b"AIFC"))),
    Container("amr", (".amr",), (b"#!AMR\n", b"#!AMR-WB\n")),
    Container("ape", (".ape",), (b"MAC ",)),
    Container("asf", (".wma", ".wmv", ".asf"), (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",)),
    Container("au", (".au",), (b".snd",)),
    Container("avi", (".avi",), forms=((b"RIFF", b"AVI "),)),
    Container("caf", (".caf",), (b"caff\x00\x01",)),
    Container("dts", (".dts",), (b"\x7f\xfe\x80\x01",)),
    Container("eac3", (".eac3",)),
    Container("flac", (".flac",), (b"fLaC",), media_type="audio/flac", played=frozenset({"flac"})),
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
    Container("mpc", starts=(b"MP+",)),
    Container("mpc8", starts=(b"MPCK",)),
    Container("mpeg", (".mpg", ".mpeg"), (b"\x00\x00\x01\xba",)),
    Container("mpegts", (".ts", ".mts", ".m2ts")),
    Container("nistsphere", (".sph",), (b"NIST_1A\n",)),
    Container(
        "ogg",
        (".ogg", ".oga", ".ogv", ".opus", ".spx"),
        (b"OggS",),
        media_type="audio/ogg",
        played=frozenset({"opus", "vorbis", "flac"}),
    ),
    Container("tta", (".tta",), (b"TTA1",)),
    Container("voc", (".voc",), (b"Creative Voice File\x1a",)),
    Container("w64", (".w64",), (b"riff\x2e\x91\xcf\x11",)),
    Container(
        "wav",
        (".wav",),
        forms=((b"RIFF", b"WAVE"), (b"RF64", b"WAVE"), (b"BW64", b"WAVE")),
        media_type="audio/wav",
        played=frozenset({"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le"}),
    ),
    Container("wv", (".wv",), (b"wvpk",)),
)
"""The table. What is not in it is never parsed, whatever its name says: no playlists, images, subtitles or devices."""

BY_NAME = {one.name: one for one in CONTAINERS}
"""The same, by FFmpeg's names."""

SUFFIXES = frozenset(suffix for one in CONTAINERS for suffix in one.suffixes)
"""Those of all."""
