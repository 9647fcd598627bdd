import pytest

from shared import formats
from shared.errors import BadRequest


def test_a_list_is_read_in_the_order_of_the_formats():
    assert formats.named(" docx, srt ,docx,") == ("srt", "docx")
    assert formats.named(None) == formats.named("") == ()


def test_an_unknown_name_is_refused_with_the_choices():
    with pytest.raises(BadRequest, match=r"no format 'pdf'. Choose from json, csv, .*, rttm"):
        formats.named("srt,pdf")


def test_a_recording_has_the_standard_formats_and_all_that_somebody_asked_for():
    assert formats.of_recording() == formats.STANDARD
    assert formats.of_recording("docx", None, "ctm, srt") == (*formats.STANDARD, "docx", "ctm")


def test_a_name_that_only_a_newer_version_knows_is_left_out():
    assert formats.of_recording("pdf,md") == (*formats.STANDARD, "md")


def test_the_formats_of_files_are_known_by_their_names():
    assert formats.formats_of(["words.ctm", "words.csv", "paragraphs.csv"]) == ("csv", "ctm")
    with pytest.raises(BadRequest, match=r"no output file 'a\.pdf'. Choose from transcript\.json, "):
        formats.formats_of(["a.pdf"])


def test_no_name_is_longer_than_the_longest_of_the_first_version():
    # Or the outputs of a recording with a long name would move to another folder.
    assert max(map(len, formats.file_names())) == len("transcript.json")
