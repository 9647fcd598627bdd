"""What the owner of a recording is told: why it is refused, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import BadMedia
from shared.in_words import human_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_MEDIA: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "a playlist, which only points at audio; use the audio file itself"),
    (b"[playlist]", "a playlist, which only points at audio; use the audio file itself"),
    (b"ffconcat", "a playlist, which only points at audio; use the audio file itself"),
    (b"%PDF", "a PDF document; use the recording itself"),
    (b"PK\x03\x04", "a zip archive or an office document; unpack it and use the recordings in it"),
    (
        b"\x1f\x8b",
        (
            "compressed with gzip, so that its parts cannot be read; unpack it and use the recordings in it. If you "
            "did not compress it, the program that uploaded it did (Content-Encoding: gzip): upload it with "
            "`gcloud storage cp` without --gzip-local and --gzip-local-all"
        ),
    ),
    (b"\x89PNG", "a picture; use the recording itself"),
    (b"\xff\xd8\xff", "a picture; use the recording itself"),
    (b"GIF8", "a picture; use the recording itself"),
    (b"<!DOCTYPE", "a web page; download the recording itself and use that"),
    (b"<html", "a web page; download the recording itself and use that"),
    (b"MThd", "MIDI, notes without sound; there is no speech in it to transcribe"),
)


def not_media(head: bytes, name: str) -> BadMedia:
    """The refusal of a file that is not a recording, by its first bytes and its name."""
    stripped = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    for start, what in _NOT_MEDIA:
        if stripped[: len(start)].lower() == start.lower():
            return BadMedia("not-media", f"This is {what}.")
    suffix = name.rsplit("/", 1)[-1].rpartition(".")[2] if "." in name.rsplit("/", 1)[-1] else ""
    called = f", although its name ends in .{suffix[:12]}" if suffix else ""
    if head and not any(byte < 9 or 13 < byte < 27 for byte in head[:1024]):
        return BadMedia("not-media", f"This is text{called}. Use the recording itself.")
    return BadMedia(
        "not-media",
        f"This is not a readable audio or video file{called}. Play it: if it plays, convert it to a "
        "common format (for example FLAC or MP3) and try again.",
    )


def encrypted(how: str) -> BadMedia:
    """The refusal of a protected file."""
    return BadMedia(
        "encrypted",
        f"This file is encrypted ({how}), so its sound cannot be read. Use a copy without protection.",
    )


def no_audio() -> BadMedia:
    """The refusal of a file without an audio track."""
    return BadMedia(
        "no-audio",
        "This file has no audio track. Check that the recording was made with the microphone on, and use "
        "a file with sound.",
    )


def codec_name(name: bytes) -> str:
    """What a file calls its codec, in up to 40 characters that can be shown."""
    text = name.strip(b"\0 ").decode("latin-1")
    return "".join(one if "!" <= one <= "~" else "?" for one in text)[:40] or "unknown"


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


def in_order(defaults: Sequence[bool]) -> list[int]:
    """The audio tracks as they are counted, by their places in the file: the one that players choose is track 0.

    Args:
        defaults: whether each track is marked as the default one.
    """
    first = list(defaults).index(True) if any(defaults) else 0
    return sorted(range(len(defaults)), key=lambda one: (one != first, one))


def falls_short(declared: int, present: int) -> str:
    """The warning for a file that is shorter than its header says; both in bytes."""
    return (
        f"the header promises {declared:,} bytes but the file ends after {present:,}: it is not complete, and "
        "only what is there can be transcribed"
    )


def stops_early(reached: float, declared: float) -> str:
    """The warning for audio that ends before its header says; both in seconds."""
    return f"the audio stops at {reached:.1f} s, the header promised {declared:.1f} s"


def followed_by_another(end: int, size: int) -> str:
    """The warning for a file behind whose end another recording begins; both in bytes."""
    return (
        f"another recording follows the end of this one, and was not transcribed: {size - end:,} bytes; take it "
        f"out (tail -c +{end + 1} FILE > second) and transcribe it, too"
    )


def left_out_before(count: int) -> str:
    """The warning for so many bytes before the first recording in a file."""
    return f"{count:,} bytes before the first recording were left out: they hold the end of another one, or no sound"


def long_silence(seconds: float) -> str:
    """The warning for silence that the edits of an mp4 put before its sound, and that is left out."""
    return f"by its edit list {human_duration(seconds)} of silence come before the sound, which cannot be: they were left out"


def damage(times: list[float]) -> str:
    """The warning for places that did not decode; times in seconds from the start of the recording."""
    if len(times) == 1:
        return f"1 damaged place was replaced by silence, at {times[0]:.1f} s"
    return f"{len(times)} damaged places were replaced by silence, the first at {times[0]:.1f} s"
