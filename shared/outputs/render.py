"""All output files of a transcript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.outputs.captions import captions
from shared.outputs.document import transcript_json
from shared.outputs.printable import tidy, turn
from shared.outputs.segments import Segment, paragraphs, sentences
from shared.outputs.subtitles import transcript_srt, transcript_vtt
from shared.outputs.tables import paragraphs_csv, words_csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.results import Transcript

FORMATS = ("json", "csv", "srt", "vtt", "txt")
"""What can be asked for; `csv` is two files, one of words and one of paragraphs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output file."""

    name: str
    """File name."""
    data: bytes
    """Its content, UTF-8."""
    content_type: str
    """Media type to store it under."""


def render(transcript: Transcript, formats: Sequence[str] = FORMATS) -> tuple[Output, ...]:
    """Write the output files of a transcript.

    Args:
        transcript: what to write.
        formats: which of `FORMATS` to write.

    Returns:
        The files, in the order of `FORMATS` however they were asked for.

    Raises:
        BadRequest: names a format that does not exist.
    """
    for name in formats:
        if name not in FORMATS:
            raise BadRequest(f"there is no format {name!r}: choose from {', '.join(FORMATS)}")
    return tuple(_all(transcript, formats))


def _all(transcript: Transcript, formats: Sequence[str]) -> Iterator[Output]:
    words = tidy(transcript.words)
    segments = sentences(words)
    blocks = paragraphs(words, segments)
    if "json" in formats:
        document = transcript_json(transcript, words, segments, blocks)
        yield Output(name="transcript.json", data=document, content_type="application/json")
    if "csv" in formats:
        table = "text/csv; charset=utf-8"
        yield Output(name="words.csv", data=words_csv(words), content_type=table)
        yield Output(name="paragraphs.csv", data=paragraphs_csv(blocks), content_type=table)
    cues = captions(words, segments) if {"srt", "vtt"} & set(formats) else []
    if "srt" in formats:
        # No media type is registered for SubRip; this is the one in use.
        yield Output(name="transcript.srt", data=transcript_srt(cues), content_type="application/x-subrip")
    if "vtt" in formats:
        data = transcript_vtt(cues, transcript.warnings)
        yield Output(name="transcript.vtt", data=data, content_type="text/vtt; charset=utf-8")
    if "txt" in formats:
        data = _plain(blocks)
        yield Output(name="transcript.txt", data=data, content_type="text/plain; charset=utf-8")


def _plain(blocks: Sequence[Segment]) -> bytes:
    """Paragraphs with an empty line between them, each new speaker named; nothing where nothing was said."""
    lines, before = [], None
    for one in blocks:
        lines.append(f"{turn(one.speaker, before)}{one.text}\n")
        before = one.speaker
    return "\n".join(lines).encode()
