"""Which container a file is, from its first bytes.

We choose the demuxer ourselves instead of letting FFmpeg probe: what is not in this table is never
parsed, whatever its name says, and playlists, images or subtitles are not in this table.
"""

from __future__ import annotations

from shared.errors import BadMedia

HEAD = 4096
"""Bytes to look at."""

_STARTS: tuple[tuple[bytes, str], ...] = (
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
_NOT_MEDIA: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "a playlist, which only points at audio; upload the audio file itself"),
    (b"[playlist]", "a playlist, which only points at audio; upload the audio file itself"),
    (b"ffconcat", "a playlist, which only points at audio; upload the audio file itself"),
    (b"%PDF", "a PDF document; upload the recording itself"),
    (b"PK\x03\x04", "a zip archive or an office document; unpack it and upload the recordings in it"),
    (b"\x1f\x8b", "a compressed archive; unpack it and upload the recordings in it"),
    (b"\x89PNG", "a picture; upload the recording itself"),
    (b"\xff\xd8\xff", "a picture; upload the recording itself"),
    (b"GIF8", "a picture; upload the recording itself"),
    (b"<!DOCTYPE", "a web page; download the recording itself and upload that"),
    (b"<html", "a web page; download the recording itself and upload that"),
    (b"MThd", "MIDI, notes without sound; there is no speech in it to transcribe"),
)


def sniff(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file that begins so, or None where the bytes name none.

    None does not mean that it is no recording: mp3 and raw aac have no magic number, they are found
    by their frames.

    Raises:
        BadMedia: `encrypted`, for Audible's older format, which is nothing but encrypted.
    """
    if head[4:8] == b"\x57\x90\x75\x36":
        raise encrypted("Audible's protection")
    for start, name in _STARTS:
        if head.startswith(start):
            return "eac3" if name == "ac3" and len(head) > 5 and head[5] >> 3 > 10 else name
    form = _FORMS.get((head[:4], head[8:12]))
    if form:
        return form
    if head[4:8] in _BOXES:
        return "mov"
    for packet, first in ((188, 0), (192, 4), (204, 0)):
        if len(head) > first + 4 * packet and all(
            head[at] == 0x47 for at in range(first, first + 5 * packet, packet) if at < len(head)
        ):
            return "mpegts"
    return None


def not_media(head: bytes, name: str) -> BadMedia:
    """What to tell the owner of a file that holds no sound."""
    stripped = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    for start, what in _NOT_MEDIA:
        if stripped[: len(start)].lower() == start.lower():
            return BadMedia("not-media", f"This is {what}.")
    suffix = name.rsplit("/", 1)[-1].rpartition(".")[2] if "." in name.rsplit("/", 1)[-1] else ""
    called = f", although its name ends in .{suffix[:12]}" if suffix else ""
    if head and not any(byte < 9 or 13 < byte < 27 for byte in head[:1024]):
        return BadMedia("not-media", f"This is text{called}. Upload the recording itself.")
    return BadMedia(
        "not-media",
        f"This is no audio or video file that can be read{called}. Play it: if it plays, convert it to a "
        "common format (for example FLAC or MP3) and upload it again.",
    )


def encrypted(how: str) -> BadMedia:
    """What to tell the owner of a protected file."""
    return BadMedia(
        "encrypted",
        f"This file is encrypted ({how}), so its sound cannot be read. Upload a copy without protection.",
    )


def no_audio() -> BadMedia:
    """What to tell the owner of a silent film."""
    return BadMedia(
        "no-audio",
        "This file has no audio track. Check that the recording was made with the microphone on, and upload "
        "a file with sound.",
    )


def check_track(track: int, tracks: int) -> None:
    """Raise BadMedia `no-audio` or `no-track` where the chosen audio track does not exist."""
    if tracks == 0:
        raise no_audio()
    if not 0 <= track < tracks:
        have = "only 1 audio track" if tracks == 1 else f"{tracks} audio tracks"
        choose = "track 0" if tracks == 1 else f"one from 0 to {tracks - 1}"
        raise BadMedia(
            "no-track",
            f"Track {track} was asked for, but this file has {have}, counted from 0. Choose {choose}.",
        )


def falls_short(promised: int, held: int) -> str:
    """The warning for a file that is shorter than its header says; both in bytes."""
    return (
        f"the header promises {promised:,} bytes but the file ends after {held:,}: it is not complete, and "
        "only what is there can be transcribed"
    )


def stops_early(reached: float, promised: float) -> str:
    """The warning for audio that ends before its header says; both in seconds of the recording."""
    return f"the audio stops at {reached:.1f} s, the header promised {promised:.1f} s"


def damage(times: list[float]) -> str:
    """The warning for places that did not decode; times in seconds of the recording."""
    if len(times) == 1:
        return f"1 damaged place was replaced by silence, at {times[0]:.1f} s"
    return f"{len(times)} damaged places were replaced by silence, the first at {times[0]:.1f} s"
