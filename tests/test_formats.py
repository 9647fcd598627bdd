import pytest

from shared import formats, outputs


def test_every_name_is_that_of_a_format_and_the_other_way_round():
    assert outputs.format_names() == formats.FORMATS


def test_a_list_is_read_in_the_order_of_the_formats():
    assert formats.named(" docx, srt ,docx,") == ("srt", "docx")
    assert formats.named(None) == formats.named("") == ()


def test_an_unknown_name_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"no format 'pdf'. Choose from json, csv, .*, rttm"):
        formats.named("srt,pdf")


def test_a_recording_has_the_standard_formats_and_all_that_somebody_asked_for():
    assert formats.of_recording() == formats.STANDARD
    assert formats.of_recording("docx", None, "ctm, srt") == (*formats.STANDARD, "docx", "ctm")


def test_a_name_that_only_a_newer_version_knows_is_left_out():
    assert formats.of_recording("pdf,md") == (*formats.STANDARD, "md")
