"""Names, alphabets and weights of languages."""

from __future__ import annotations

import pytest

from gpu_job.weights.catalogue import catalogue
from shared import languages


def test_all_published_weights_say_which_languages_they_know():
    for weights in catalogue():
        assert weights.languages == languages.of_weights(weights.name)
        assert set(weights.languages) <= set(languages.NAMES)


def test_a_form_of_some_weights_knows_what_they_know():
    assert languages.of_weights("tiny:int8") == ("en",)
    assert languages.of_weights("/home/somebody/weights") is None


@pytest.mark.parametrize(
    ("code", "name"), [("de", "German"), ("pt-BR", "Portuguese"), ("ZH", "Chinese"), ("tlh", "tlh")]
)
def test_names_stand_in_sentences(code, name):
    assert languages.name(code) == name


def test_several_are_listed():
    assert languages.listed(("en",)) == "English (en)"
    assert languages.listed(("xx-zz", "en")) == "xx-zz and English (en)"
    assert languages.listed(("en", "fr", "de")) == "English (en), French (fr) and German (de)"


@pytest.mark.parametrize(
    ("code", "alphabet"),
    [("en", "latin"), ("mt", "latin"), ("ru", "cyrillic"), ("uk-UA", "cyrillic"), ("bg", "cyrillic"), ("el", "greek"),
     ("ja", None), ("mul", None), ("sr", None)],
)  # fmt: skip
def test_the_languages_of_parakeet_have_an_alphabet(code, alphabet):
    assert languages.alphabet(code) == alphabet
