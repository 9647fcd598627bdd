"""Which container a file is, from its first bytes.

We choose the demuxer ourselves instead of letting FFmpeg probe: what is not in this table is never parsed, whatever
its name says, and playlists, images and subtitles are not in it.
"""

from __future__ import annotations

from shared.audio.probing.notices import encrypted

HEAD = 4096
"""Bytes to look at."""

SYNC = 0x47
"""What each packet of a transport stream begins with."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"#!AMR\n", "amr"),
    (b"#!AMR-WB\n", "amr"),
    (b"FLV\x01", "flv"),
    (b"caff\x00\x01", "caf"),
    (b".snd", "au"),
    (b"wvpk", "wv"),
    (b"MAC ", "ape"),
    (b"TTA1", "tta"),
    (b"MPCK", "mpc8"),
    (b"MP+", "mpc"),
    (b"Creative Voice File\x1a", "voc"),
    (b"\x0b\x77", "ac3"),
    (b"\x7f\xfe\x80\x01", "dts"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"NIST_1A\n", "nistsphere"),
)
_FORMS: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"BW64", b"WAVE"): "wav",
    (b"RIFF", b"AVI "): "avi",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}


def sniff(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file that begins with these bytes; None if they name none.

    It may be a recording all the same: mp3 and raw aac have no magic number and are found by their frames.

    Raises:
        BadMedia: `encrypted`, for Audible's older format, which is always encrypted.
    """
    if head[4:8] == b"\x57\x90\x75\x36":
        raise encrypted("Audible's protection")
    for start, name in _MAGIC:
        if head.startswith(start):
            return "eac3" if name == "ac3" and len(head) > 5 and head[5] >> 3 > 10 else name
    form = _FORMS.get((head[:4], head[8:12]))
    if form:
        return form
    if head[4:8] in _BOXES:
        return "mov"
    for packet, first in ((188, 0), (192, 4), (204, 0)):
        if len(head) > first + 4 * packet and all(
            head[at] == SYNC for at in range(first, first + 5 * packet, packet) if at < len(head)
        ):
            return "mpegts"
    if len(head) == HEAD and any(
        set(head[first::packet]) == {SYNC} for packet in (188, 192, 204) for first in range(packet)
    ):
        return "mpegts"  # begins in the middle of a packet, as what was cut out of a stream does
    return None
