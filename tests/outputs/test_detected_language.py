"""Which language was heard, told from the text."""

# ruff: noqa: RUF001 - sentences in many alphabets

from __future__ import annotations

import pytest

from shared.languages import WEIGHTS
from shared.outputs.detected_language import Detected, among, named
from shared.outputs.segments import sentences
from shared.results import Part
from tests.world import words

KNOWN = tuple(sorted(WEIGHTS["nvidia/parakeet-tdt-0.6b-v3"]))
ENGLISH = "Today we are going to talk about the new city transport law. I do not know whether he will come tomorrow. "
DUTCH = "Vandaag gaan we het hebben over de nieuwe wet op het stadsvervoer. Ik weet niet of hij morgen komt. "
SENTENCES = {
    "bg": "Днес ще говорим за новия закон за градския транспорт.",
    "hr": "Danas ćemo razgovarati o novom zakonu o gradskom prijevozu.",
    "cs": "Dnes budeme mluvit o novém zákoně o městské dopravě.",
    "da": "I dag skal vi tale om den nye lov om bytransport.",
    "nl": "Vandaag gaan we het hebben over de nieuwe wet op het stadsvervoer.",
    "en": "Today we are going to talk about the new city transport law.",
    "et": "Täna räägime uuest linnatranspordi seadusest.",
    "fi": "Tänään puhumme uudesta kaupunkiliikenteen laista.",
    "fr": "Aujourd'hui nous allons parler de la nouvelle loi sur les transports urbains.",
    "de": "Heute sprechen wir über das neue Gesetz zum Stadtverkehr.",
    "el": "Σήμερα θα μιλήσουμε για τον νέο νόμο των αστικών συγκοινωνιών.",
    "hu": "Ma az új városi közlekedési törvényről fogunk beszélni.",
    "it": "Oggi parleremo della nuova legge sui trasporti urbani.",
    "lv": "Šodien mēs runāsim par jauno pilsētas transporta likumu.",
    "lt": "Šiandien kalbėsime apie naują miesto transporto įstatymą.",
    "mt": "Illum se nitkellmu dwar il-liġi l-ġdida tat-trasport fil-belt.",
    "pl": "Dzisiaj będziemy rozmawiać o nowej ustawie o transporcie miejskim.",
    "pt": "Hoje vamos falar sobre a nova lei dos transportes urbanos.",
    "ro": "Astăzi vom vorbi despre noua lege a transportului urban.",
    "ru": "Сегодня мы поговорим о новом законе о городском транспорте.",
    "sk": "Dnes budeme hovoriť o novom zákone o mestskej doprave.",
    "sl": "Danes bomo govorili o novem zakonu o mestnem prometu.",
    "es": "Hoy vamos a hablar de la nueva ley del transporte urbano.",
    "sv": "I dag ska vi prata om den nya lagen om stadstrafiken.",
    "uk": "Сьогодні ми поговоримо про новий закон про міський транспорт.",
}


def said(text):
    return sentences(words(text))


def heard(text):
    return Detected(said(text), KNOWN)


def test_a_sentence_of_each_language_of_parakeet_is_told():
    assert set(SENTENCES) == set(KNOWN)
    assert {code: heard(text).most for code, text in SENTENCES.items()} == {code: code for code in SENTENCES}


def test_each_sentence_has_its_own_and_short_ones_go_with_the_rest():
    found = heard(f"{ENGLISH}{DUTCH}{ENGLISH}Hm! 42! {ENGLISH}")
    assert found.each == ["en", "en", "nl", "nl", "en", "en", "en", "en", "en", "en"]
    assert found.most == "en"


def test_a_recording_of_one_short_sentence_is_told_as_well_as_may_be():
    assert heard("Danke schön!").each == ["de"]


@pytest.mark.parametrize("text", ["", "12 34."])
def test_nothing_is_told_from_nothing(text):
    found = heard(text)
    assert (found.most, found.warning("en")) == (None, "")
    assert set(found.each) <= {None}


@pytest.mark.parametrize("asked", [None, "en", "en-GB", "mul"])
def test_what_was_asked_for_gives_no_warning(asked):
    assert heard(ENGLISH * 9).warning(asked) == ""


def test_another_language_than_the_one_asked_for_is_told():
    assert heard(DUTCH).warning("en-GB") == (
        "English (en-GB) was asked for, but most of the text looks like Dutch (nl). If that is right, ask for it "
        "(--language nl), or for no language."
    )
    assert heard(DUTCH).warning("mul") == ""


def test_drifting_into_another_language_is_told_and_where():
    assert heard(ENGLISH * 10 + DUTCH + ENGLISH).warning("en") == (
        "English (en) was asked for, but 19 of 250 words are in sentences that look like Dutch (nl), the first at "
        "0:01:45."
    )
    assert heard(ENGLISH * 100 + DUTCH).warning("en") == "", "one quotation in fifty minutes is no drift"


def part(engine, model):
    return Part(start=0.0, end=1.0, engine=engine, model=model, revision="")


@pytest.mark.parametrize(
    ("parts", "known"),
    [
        ([part("parakeet-cpu", "nvidia/parakeet-tdt-0.6b-v3:int8")], KNOWN),
        ([part("deepgram", "nova-3"), part("parakeet-gpu", "nvidia/parakeet-tdt-0.6b-v3")], KNOWN),
        ([part("parakeet-cpu", "nvidia/parakeet-tdt-0.6b-v2")], ()),
        ([part("parakeet-cpu", "/my/weights"), part("deepgram", "nova-3")], ()),
    ],
)
def test_the_text_is_asked_only_where_weights_know_several(parts, known):
    assert among(parts) == known


@pytest.mark.parametrize(
    ("told", "asked", "written"),
    [
        ("pt", "pt-BR", "pt-BR"),
        ("pt", None, "pt"),
        ("nl", "en", "nl"),
        (None, "en", "en"),
        (None, None, None),
    ],
)
def test_a_language_keeps_the_region_that_was_asked_for(told, asked, written):
    assert named(told, asked) == written
