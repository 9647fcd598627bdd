"""What writes each output file of `shared/formats.py`, and `render`, which writes those of a transcript.

A renderer is a pure function that returns bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared import formats
from shared.formats import STANDARD
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
    """Sentences of these words."""
    paragraphs: Sequence[Segment]
    """Paragraphs of these sentences."""
    shape: Shape = USUAL
    """Shape of the captions."""

    @cached_property
    def captions(self) -> Sequence[Caption]:
        """Made of these words, when the first renderer asks for them."""
        return captions(self.words, self.sentences, self.names, self.shape)

    @property
    def names(self) -> Mapping[int, str]:
        """Names of its speakers, by number."""
        return self.transcript.speakers

    @property
    def heading(self) -> str:
        """What people call the recording, in one line."""
        return heading(self.transcript.title, self.transcript.source.name)


RENDERERS: dict[str, Callable[[Content], bytes]] = {
    "transcript.json": lambda it: transcript_json(it.transcript, it.words, it.sentences, it.paragraphs),
    "words.csv": lambda it: words_csv(it.words, it.names),
    "paragraphs.csv": lambda it: paragraphs_csv(it.paragraphs, it.names),
    "transcript.srt": lambda it: transcript_srt(it.captions),
    "transcript.vtt": lambda it: transcript_vtt(it.captions, it.transcript.warnings, it.names),
    "transcript.txt": lambda it: transcript_txt(it.paragraphs, it.names),
    "words.vtt": lambda it: words_vtt(it.captions, it.words, it.transcript.warnings, it.names),
    "podcast.json": lambda it: podcast_json(it.words, it.names),
    "transcript.md": lambda it: transcript_md(it.heading, it.paragraphs, it.transcript.warnings, it.names),
    "transcript.docx": lambda it: transcript_docx(
        it.heading, it.paragraphs, it.transcript.warnings, it.transcript.language, it.names
    ),
    "labels.txt": lambda it: labels_txt(it.sentences, it.names),
    "words.TextGrid": lambda it: words_textgrid(it.words, it.sentences, it.transcript.duration, it.names),
    "words.ctm": lambda it: words_ctm(it.transcript.source.name, it.words),
    "speakers.rttm": lambda it: speakers_rttm(it.transcript.source.name, it.words, it.names),
}
"""Renderer of each file of `shared/formats.py`, by its name: its content; all but that of `docx` are UTF-8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output file of a transcript."""

    name: str
    """File name."""
    data: bytes
    """Its content."""
    content_type: str
    """Media type to store it under."""


def render(
    transcript: Transcript, wanted: Sequence[str] = STANDARD, shape: Shape = USUAL
) -> tuple[Output, ...]:
    """Write the output files of a transcript.

    Returns:
        The files, in the order of `FILES` however they were asked for.

    Raises:
        BadRequest: names a format that does not exist.
    """
    files = formats.files_of(wanted)
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
        Output(name=one.name, data=RENDERERS[one.name](content), content_type=one.content_type)
        for one in files
    )
