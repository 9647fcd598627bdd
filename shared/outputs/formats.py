"""The output files of a recording: one row for each, and nowhere else a list of them.

A new format is a renderer (a pure function that returns bytes) and a row in `FILES`. The command line, the exported
copies and the longest name of an output follow from the rows; a test compares `docs/outputs.md` with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.errors import BadRequest
from shared.outputs.captions import Caption, captions
from shared.outputs.document import transcript_json
from shared.outputs.plain_text import transcript_txt
from shared.outputs.printable import tidy
from shared.outputs.segments import Segment, paragraphs, sentences
from shared.outputs.subtitles import transcript_srt, transcript_vtt
from shared.outputs.tables import paragraphs_csv, words_csv
from shared.results import Transcript, Word


@dataclass(frozen=True, kw_only=True)
class Content:
    """A transcript, prepared for all renderers."""

    transcript: Transcript
    """What is written."""
    words: Sequence[Word]
    """Its words, tidy."""
    sentences: Sequence[Segment]
    """Of these words."""
    paragraphs: Sequence[Segment]
    """Of these sentences."""

    @cached_property
    def captions(self) -> Sequence[Caption]:
        """Made of these words, when the first renderer asks for them."""
        return captions(self.words, self.sentences, self.names)

    @property
    def names(self) -> Mapping[int, str]:
        """Of its speakers, by number."""
        return self.transcript.speakers


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFile:
    """A file that every recording gets."""

    format: str
    """Name of its format, as in `--format csv`; a format may have several files."""
    name: str
    """File name."""
    content_type: str
    """Media type to store it under."""
    render: Callable[[Content], bytes]
    """Its content, as UTF-8."""


FILES = (
    OutputFile(
        format="json",
        name="transcript.json",
        content_type="application/json",
        render=lambda it: transcript_json(it.transcript, it.words, it.sentences, it.paragraphs),
    ),
    OutputFile(
        format="csv",
        name="words.csv",
        content_type="text/csv; charset=utf-8",
        render=lambda it: words_csv(it.words, it.names),
    ),
    OutputFile(
        format="csv",
        name="paragraphs.csv",
        content_type="text/csv; charset=utf-8",
        render=lambda it: paragraphs_csv(it.paragraphs, it.names),
    ),
    OutputFile(
        format="srt",
        name="transcript.srt",
        # No media type is registered for SubRip; this is the one in use.
        content_type="application/x-subrip",
        render=lambda it: transcript_srt(it.captions),
    ),
    OutputFile(
        format="vtt",
        name="transcript.vtt",
        content_type="text/vtt; charset=utf-8",
        render=lambda it: transcript_vtt(it.captions, it.transcript.warnings, it.names),
    ),
    OutputFile(
        format="txt",
        name="transcript.txt",
        content_type="text/plain; charset=utf-8",
        render=lambda it: transcript_txt(it.paragraphs, it.names),
    ),
)
"""All files, in the order in which they are listed everywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output file of a transcript."""

    name: str
    """File name."""
    data: bytes
    """Its content, UTF-8."""
    content_type: str
    """Media type to store it under."""


def format_names() -> tuple[str, ...]:
    """The names of all formats, in the order of `FILES`."""
    return tuple(dict.fromkeys(one.format for one in FILES))


def file_names(wanted: Sequence[str] | None = None) -> list[str]:
    """The names of the files of some formats, in the order of the formats; None: of all.

    Raises:
        BadRequest: names the format that does not exist.
    """
    wanted = format_names() if wanted is None else wanted
    for name in wanted:
        if name not in format_names():
            raise BadRequest(f"There is no format {name!r}. Choose from {', '.join(format_names())}.")
    return [one.name for name in wanted for one in FILES if one.format == name]


def render(transcript: Transcript, wanted: Sequence[str] | None = None) -> tuple[Output, ...]:
    """Write the output files of a transcript.

    Args:
        transcript: what to write.
        wanted: formats; None: all.

    Returns:
        The files, in the order of `FILES` however they were asked for.

    Raises:
        BadRequest: names a format that does not exist.
    """
    names = file_names(wanted)
    words = tidy(transcript.words)
    segments = sentences(words)
    content = Content(
        transcript=transcript, words=words, sentences=segments, paragraphs=paragraphs(words, segments)
    )
    return tuple(
        Output(name=one.name, data=one.render(content), content_type=one.content_type)
        for one in FILES
        if one.name in names
    )
