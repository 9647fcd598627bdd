import csv
import io

import pytest
from hypothesis import given

from shared.outputs.segments import paragraphs, sentences
from shared.outputs.tables import as_cell, paragraphs_csv, words_csv
from tests.outputs.streams import any_stream, said_by, spoken, word


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def test_words_are_written_one_a_row_with_milliseconds():
    words = [word("Yes,", 0.0, 0.1 + 0.2), word('"no"', 43_199.9996, 43_200.0)]
    assert words_csv(words).decode() == (
        'start_time,end_time,word,speaker\n0.000,0.300,"Yes,",\n43200.000,43200.000,"""no""",\n'
    )


def test_paragraphs_are_written_one_a_row():
    words = spoken("One, two. Three.", pace=0.5, pauses={1: 2.0})
    data = paragraphs_csv(paragraphs(words, sentences(words)))
    assert data.decode() == (
        'start_time,end_time,text,speaker\n0.000,1.000,"One, two.",\n3.000,3.500,Three.,\n'
    )


def test_the_speaker_is_the_last_column():
    words = said_by(spoken("Who is there? I am.", pace=0.5), [1, 1, 1, 2])
    assert rows(words_csv(words))[-1] == ["2.000", "2.500", "am.", "2"]
    assert rows(paragraphs_csv(paragraphs(words, sentences(words))))[1:] == [
        ["0.000", "1.500", "Who is there?", "1"],
        ["1.500", "2.500", "I am.", "2"],
    ]


def test_without_words_there_is_the_header():
    assert words_csv([]) == b"start_time,end_time,word,speaker\n"
    assert paragraphs_csv([]) == b"start_time,end_time,text,speaker\n"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(A1)", "+1+cmd|x", "-2-A1", "=A1", "- no"])
def test_a_cell_that_a_spreadsheet_would_run_is_guarded(text):
    assert as_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["-", "+", "=", "@", "-5", "+3.5%", "-1,000.", "'em", "a=b", "me@home", ""])
def test_a_cell_that_does_nothing_stays_as_it_is(text):
    assert as_cell(text) == text


@given(any_stream)
def test_every_word_is_read_back(words):
    header, *cells = rows(words_csv(words))
    assert header == ["start_time", "end_time", "word", "speaker"]
    assert [text for _, _, text, _ in cells] == [as_cell(one.text) for one in words]
    assert all(float(start) <= float(end) for start, end, _, _ in cells)


@given(any_stream)
def test_every_paragraph_is_read_back(words):
    _, *cells = rows(paragraphs_csv(paragraphs(words, sentences(words))))
    read = " ".join(
        text[1:] if text.startswith(("'=", "'@", "'+", "'-")) else text for _, _, text, _ in cells
    )
    assert read == " ".join(one.text for one in words)
