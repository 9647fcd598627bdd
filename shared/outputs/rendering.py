"""The output files of a recording: one row for each, and nowhere else a list of them.

A new format is a renderer (a pure function that returns bytes), a row in `FILES`, and a name in `shared/formats.py`. The
command line, the exported copies, the longest name of an output and the guides follow from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.errors import BadRequest
from shared.formats import STANDARD, ordered
from shared.outputs.captions import USUAL, Caption, Shape, captions
from shared.outputs.document import transcript_json
from shared.outputs.markdown import transcript_md
from shared.outputs.phonetics import labels_txt, words_textgrid
from shared.outputs.plain_text import transcript_txt
from shared.outputs.podcast import podcast_json
from shared.outputs.printable import heading, tidy
from shared.outputs.scoring import speakers_rttm, words_ctm
from shared.outputs.segments import Segment, paragraphs, sentences
from shared.outputs.subtitles import transcript_srt, transcript_vtt
from shared.outputs.tables import paragraphs_csv, words_csv
from shared.outputs.word_document import transcript_docx
from shared.outputs.word_times import words_vtt
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
    shape: Shape = USUAL
    """Of the captions."""

    @cached_property
    def captions(self) -> Sequence[Caption]:
        """Made of these words, when the first renderer asks for them."""
        return captions(self.words, self.sentences, self.names, self.shape)

    @property
    def names(self) -> Mapping[int, str]:
        """Of its speakers, by number."""
        return self.transcript.speakers

    @property
    def heading(self) -> str:
        """What people call the recording, in one line."""
        return heading(self.transcript.title, self.transcript.source.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFile:
    """A file of a recording."""

    format: str
    """Name of its format, as in `--format csv`; a format may have several files."""
    name: str
    """File name."""
    use: str
    """What it is for, as in `docs/outputs.md`: you want to …"""
    content_type: str
    """Media type to store it under."""
    render: Callable[[Content], bytes]
    """Its content; all but `docx` are UTF-8."""
    has_captions: bool = False
    """Whether the shape of captions changes it."""


FILES = (
    OutputFile(
        format="json",
        name="transcript.json",
        use="know everything, or write a program",
        content_type="application/json",
        render=lambda it: transcript_json(it.transcript, it.words, it.sentences, it.paragraphs),
    ),
    OutputFile(
        format="csv",
        name="words.csv",
        use="look at words in a spreadsheet or a data frame",
        content_type="text/csv; charset=utf-8",
        render=lambda it: words_csv(it.words, it.names),
    ),
    OutputFile(
        format="csv",
        name="paragraphs.csv",
        use="read along with times, code interviews",
        content_type="text/csv; charset=utf-8",
        render=lambda it: paragraphs_csv(it.paragraphs, it.names),
    ),
    OutputFile(
        format="srt",
        name="transcript.srt",
        use="caption a video in an editor or a player",
        # No media type is registered for SubRip; this is the one in use.
        content_type="application/x-subrip",
        render=lambda it: transcript_srt(it.captions),
        has_captions=True,
    ),
    OutputFile(
        format="vtt",
        name="transcript.vtt",
        use="caption a video on a web page",
        content_type="text/vtt; charset=utf-8",
        render=lambda it: transcript_vtt(it.captions, it.transcript.warnings, it.names),
        has_captions=True,
    ),
    OutputFile(
        format="txt",
        name="transcript.txt",
        use="read it, search it, paste it",
        content_type="text/plain; charset=utf-8",
        render=lambda it: transcript_txt(it.paragraphs, it.names),
    ),
    OutputFile(
        format="vtt-words",
        name="words.vtt",
        use="light each word on a web page when it is spoken",
        content_type="text/vtt; charset=utf-8",
        render=lambda it: words_vtt(it.captions, it.words, it.transcript.warnings, it.names),
        has_captions=True,
    ),
    OutputFile(
        format="podcast",
        name="podcast.json",
        use="publish the transcript of a podcast",
        content_type="application/json",
        render=lambda it: podcast_json(it.words, it.names),
    ),
    OutputFile(
        format="md",
        name="transcript.md",
        use="put it into a wiki or a repository",
        content_type="text/markdown; charset=utf-8",
        render=lambda it: transcript_md(it.heading, it.paragraphs, it.transcript.warnings, it.names),
    ),
    OutputFile(
        format="docx",
        name="transcript.docx",
        use="edit it in a word processor",
        content_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        render=lambda it: transcript_docx(
            it.heading, it.paragraphs, it.transcript.warnings, it.transcript.language, it.names
        ),
    ),
    OutputFile(
        format="audacity",
        name="labels.txt",
        use="cut the sound in Audacity",
        content_type="text/plain; charset=utf-8",
        render=lambda it: labels_txt(it.sentences, it.names),
    ),
    OutputFile(
        format="textgrid",
        name="words.TextGrid",
        use="study the speech in Praat",
        content_type="text/plain; charset=utf-8",
        render=lambda it: words_textgrid(it.words, it.sentences, it.transcript.duration, it.names),
    ),
    OutputFile(
        format="ctm",
        name="words.ctm",
        use="score the words with `sclite`",
        content_type="text/plain; charset=utf-8",
        render=lambda it: words_ctm(it.transcript.source.name, it.words),
    ),
    OutputFile(
        format="rttm",
        name="speakers.rttm",
        use="score the speakers with `md-eval`",
        content_type="text/plain; charset=utf-8",
        render=lambda it: speakers_rttm(it.transcript.source.name, it.words, it.names),
    ),
)
"""All files, in the order in which they are listed everywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output file of a transcript."""

    name: str
    """File name."""
    data: bytes
    """Its content."""
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
    known = format_names()
    wanted = known if wanted is None else wanted
    for name in wanted:
        if name not in known:
            raise BadRequest(f"There is no format {name!r}. Choose from {', '.join(known)}.")
    return [one.name for name in wanted for one in FILES if one.format == name]


def formats_of(names: Sequence[str]) -> tuple[str, ...]:
    """The formats of some files, by their names.

    Raises:
        BadRequest: names the file that no format has.
    """
    known = {one.name: one.format for one in FILES}
    for name in names:
        if name not in known:
            raise BadRequest(f"There is no output file {name!r}. Choose from {', '.join(known)}.")
    return ordered(known[name] for name in names)


def with_captions(names: Iterable[str]) -> set[str]:
    """Those of some files that the shape of captions changes."""
    return {one.name for one in FILES if one.has_captions}.intersection(names)


def render(
    transcript: Transcript, wanted: Sequence[str] = STANDARD, shape: Shape = USUAL
) -> tuple[Output, ...]:
    """Write the output files of a transcript.

    Returns:
        The files, in the order of `FILES` however they were asked for.

    Raises:
        BadRequest: names a format that does not exist.
    """
    names = file_names(wanted)
    words = tidy(transcript.words)
    segments = sentences(words)
    content = Content(
        transcript=transcript,
        words=words,
        sentences=segments,
        paragraphs=paragraphs(words, segments),
        shape=shape,
    )
    return tuple(
        Output(name=one.name, data=one.render(content), content_type=one.content_type)
        for one in FILES
        if one.name in names
    )
