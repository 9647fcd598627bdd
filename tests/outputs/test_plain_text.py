"""transcript.txt."""

from __future__ import annotations

from shared.outputs.plain_text import transcript_txt
from shared.outputs.segments import Segment


def paragraph(text, speaker=None):
    return Segment(first=0, last=1, count=2, start=0.0, end=1.0, text=text, speaker=speaker)


def test_nothing_said_is_an_empty_file():
    assert transcript_txt([]) == b""


def test_paragraphs_have_an_empty_line_between_them_and_the_last_line_ends():
    assert transcript_txt([paragraph("One two."), paragraph("Three é.")]) == "One two.\n\nThree é.\n".encode()


def test_a_speaker_is_named_where_another_one_begins():
    told = transcript_txt([paragraph("One.", 0), paragraph("Two.", 0), paragraph("Three.", 1)]).decode()
    assert told == "Speaker 0: One.\n\nTwo.\n\nSpeaker 1: Three.\n"
