"""Names and codes of languages."""

from __future__ import annotations

import pytest

from console.openai.languages import code_of, name_of
from shared.languages import NAMES


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("en", "english"),
        ("en-GB", "english"),
        ("PT-br", "portuguese"),
        ("tlh", "tlh"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_a_code_is_said_as_whisper_says_it(code, name):
    assert name_of(code) == name


@pytest.mark.parametrize(
    ("said", "code"),
    [("en", "en"), ("pt-BR", "pt-BR"), ("English", "en"), (" german ", "de"), ("haitian creole", "ht"),
     ("", None), ("english!", None), ("e", None), ("klingon", None)],
)  # fmt: skip
def test_callers_name_languages_by_code_or_name(said, code):
    assert code_of(said) == code


def test_every_name_leads_back_to_its_code():
    assert {code_of(name) for name in NAMES.values()} == set(NAMES)
