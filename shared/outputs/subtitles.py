r"""transcript.srt and transcript.vtt, written by the `srt` and `webvtt` libraries.

Two libraries, because neither format can be derived from the other: SubRip has no escapes, so what a player would read as
markup (`<i>`, `<script>` where a web page shows captions, `{\an8}`) begins with a character that looks alike; WebVTT reads
`&` and `<` as markup, so they are escaped, and many players obey `{\an8}` there as well.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import srt  # type: ignore[import-untyped]  # publishes no types
import webvtt

from shared.outputs.printable import NO_NAMES, one_line, speaker_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.outputs.captions import Caption

ARROW = "-->"
"""Marks a line of times in both formats, wherever it is in the line."""

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_COMMAND = re.compile(r"\{(?=\\|[A-Za-z]:)")
"""Beginnings of what players take for a tag, and for a command of Advanced SubStation or MicroDVD."""


def transcript_srt(captions: Sequence[Caption]) -> bytes:
    """The captions as SubRip; without captions, an empty file."""
    cues = (
        srt.Subtitle(
            index=number,
            start=timedelta(milliseconds=one.start),
            end=timedelta(milliseconds=one.end),
            content=_alike(one.label) + "\n".join(map(_alike, one.lines)),
        )
        for number, one in enumerate(captions, start=1)
    )
    text: str = srt.compose(cues, reindex=False)
    return text.encode()


def transcript_vtt(
    captions: Sequence[Caption], warnings: Sequence[str], names: Mapping[int, str] = NO_NAMES
) -> bytes:
    """The captions as WebVTT, the warnings as comments above them; without captions, the header."""
    return vtt(captions, (_vtt_lines(one, names) for one in captions), warnings)


def vtt(captions: Sequence[Caption], texts: Iterable[Iterable[str]], warnings: Sequence[str]) -> bytes:
    """A file of WebVTT: captions with the escaped lines of each, and warnings as comments above them."""
    cues = [
        webvtt.Caption(timestamp(one.start), timestamp(one.end), list(lines))
        for one, lines in zip(captions, texts, strict=True)
    ]
    notes = [one_line(warning).replace(ARROW, "→") for warning in warnings]
    return webvtt.WebVTT(captions=cues, header_comments=[one for one in notes if one]).content.encode()


def _vtt_lines(caption: Caption, names: Mapping[int, str]) -> list[str]:
    lines = [escaped(line) for line in caption.lines]
    if caption.speaker is not None:
        lines[0] = f"{voice(caption.speaker, names)}{lines[0]}"
    return lines


def voice(speaker: int, names: Mapping[int, str]) -> str:
    """The tag before the text of a speaker. One that spans the whole cue needs no end tag (WebVTT, section 4.2.2)."""
    return f"<v {escaped(speaker_name(speaker, names))}>"


def timestamp(time: int) -> str:
    """A time of WebVTT, from milliseconds."""
    seconds, thousandths = divmod(time, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"


def _alike(text: str) -> str:
    # A reader would take a line with an arrow for the start of a caption.
    return _COMMAND.sub(
        "(", _TAG.sub("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", text.replace(ARROW, "→"))
    )


def escaped(text: str) -> str:
    """Text for a cue of WebVTT, which no player takes for markup.

    The escapes of the standard, section 4.2.2. That of `>` keeps an arrow out of the text.
    """
    return _COMMAND.sub("(", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
