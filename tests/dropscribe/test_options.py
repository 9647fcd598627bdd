from __future__ import annotations

from dataclasses import fields

import pytest

from dropscribe.options import Options, options_of
from shared import model
from shared.errors import BadRequest


def test_there_is_an_option_for_each_of_a_request():
    assert {*Options.__annotations__} == {one.name for one in fields(model.Options)} - {"formats"}


def test_options_are_those_of_a_request_and_lists_are_joined():
    found = options_of({"keyterms": ["Anna Karenina", "Oslo"], "language": None, "diarize": True}, ["docx"])
    assert found == model.Options(keyterms="Anna Karenina, Oslo", diarize=True, formats="docx")
    assert options_of({"keyterms": "Oslo, Rome"}, "docx, md").formats == "docx, md"
    assert options_of({"keyterms": []}, []) == model.Options()


def test_a_folder_of_weights_is_named_absolutely(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert options_of({"model": "mine"}).model == str(tmp_path / "mine")


def test_an_unknown_option_is_named():
    with pytest.raises(Exception, match="wrong"):
        options_of({"wrong": 1})


def test_options_are_named_as_python_names_them():
    with pytest.raises(BadRequest, match=r"^min_speakers must be .*, and not more than max_speakers\.$"):
        options_of({"min_speakers": 3, "max_speakers": 2})
