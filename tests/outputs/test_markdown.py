import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from shared.outputs import render
from shared.outputs.printable import tidy
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import any_stream, spoken, transcript

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def read(of):
    """Blocks of the file: their kind, and their text as a reader sees it. Fails on any other markup than ours."""
    (file,) = render(of, ["md"])
    tokens = MARKDOWN.parse(file.data.decode())
    assert {one.type.removesuffix("_open").removesuffix("_close") for one in tokens} <= {
        "heading", "inline", "paragraph", "blockquote",
    }  # fmt: skip
    blocks = []
    for before, one in itertools.pairwise(tokens):
        if one.type == "inline":
            kinds = {child.type for child in one.children}
            assert kinds <= {"text", "text_special", "strong_open", "strong_close"}, one.content
            bold = "strong_open" in kinds
            text = "".join(child.content for child in one.children)
            blocks.append(("time" if bold else before.tag, text))
    return blocks


def said(blocks):
    return " ".join(text for kind, text in blocks[1:] if kind == "p")


def test_a_paragraph_has_its_time_above_it():
    (file,) = render(transcript(spoken("One, two. Three.", pauses={1: 3600.0})), ["md"])
    assert file.data.decode() == "# a talk.mp3\n\n**0:00:00**\n\nOne, two.\n\n**1:00:00**\n\nThree.\n"


def test_what_is_said_is_text_and_never_markup():
    blocks = read(HOSTILE)
    assert blocks[0] == ("h1", "<img onerror=x> #1 *.mp3")
    assert blocks[1] == ("p", "A *warning* --> <b>. It has two lines.")
    assert said(blocks[1:]) == " ".join(one.text for one in TIDY)


def test_speakers_are_named_beside_the_time():
    times = [text for kind, text in read(TALKERS) if kind == "time"]
    assert times[0] == "0:00:00 Speaker 1"
    assert any(one.count(" ") == 0 for one in times)


def test_silence_is_a_heading():
    assert read(SILENT) == [("h1", "a talk.mp3")]


def test_a_title_is_the_heading_and_is_text():
    (file,) = render(replace(SILENT, title="Q1/Q2 *draft*"), ["md"])
    assert file.data.decode() == "# Q1/Q2 \\*draft\\*\n"
    assert read(replace(SILENT, title="<b>\n")) == [("h1", "<b>")]


@pytest.mark.parametrize("name", ["#", "a ##", "1. x", "- x", "", "a/", "\n"])
def test_any_name_is_a_heading(name):
    assert read(transcript([], name=name))[0][0] == "h1"


@given(any_stream)
def test_every_word_is_read_as_it_was_written(words):
    kept = tidy(words)
    assert said(read(transcript(words))) == " ".join(one.text for one in kept)


def test_a_name_is_text_as_well():
    times = [text for kind, text in read(NAMED) if kind == "time"]
    assert times[0] == "0:00:00 <b>*Ann*</b> \\ & -->"
