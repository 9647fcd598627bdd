import io
import zipfile
from dataclasses import replace

from shared.outputs import render
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import spoken, transcript


def written(of):
    (file,) = render(of, ["docx"])
    return file.data


def read(of):
    from docx import Document  # noqa: PLC0415 - a quarter of a second for each process that collects tests

    return Document(io.BytesIO(written(of)))


def paragraphs(of):
    return [(one.style.name, one.text) for one in read(of).paragraphs]


def test_paragraphs_have_their_times_and_the_name_is_the_title():
    assert paragraphs(transcript(spoken("One, two. Three.", pauses={1: 3.0}))) == [
        ("Title", "a talk.mp3"),
        ("Normal", "0:00:00"),
        ("Normal", "One, two."),
        ("Normal", "0:00:03"),
        ("Normal", "Three."),
    ]


def test_every_word_is_there_whatever_it_says():
    found = paragraphs(HOSTILE)
    assert found[0] == ("Title", "<img onerror=x> #1 *.mp3")
    assert found[1][1] == "A *warning* --> <b>. It has two lines."
    assert " ".join(text for _, text in found[3::2]) == " ".join(one.text for one in TIDY).replace(
        "\ufffe", "\ufffd"
    )


def test_speakers_are_named_beside_the_time():
    assert paragraphs(TALKERS)[1] == ("Normal", "0:00:00 Speaker 1")


def test_silence_is_a_title():
    assert paragraphs(SILENT) == [("Title", "a talk.mp3")]
    assert paragraphs(replace(SILENT, title="Q1/Q2")) == [("Title", "Q1/Q2")]


def test_the_language_is_that_of_the_recording():
    document = read(HOSTILE)
    assert document.core_properties.language == "en"
    assert 'w:lang w:val="en"' in document.styles["Normal"].element.xml


def test_no_file_in_it_has_a_time_of_its_own():
    with zipfile.ZipFile(io.BytesIO(written(HOSTILE))) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"
        assert archive.testzip() is None


def test_a_name_is_text_as_well():
    assert paragraphs(NAMED)[1] == ("Normal", "0:00:00 <b>*Ann*</b> \\ & -->")
