"""Which weights a recording gets, and what happens where they do not know its language."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest
from shared.model import Options
from shared.routing import eligible, weights
from shared.routing.route import choose
from shared.settings import Settings
from tests.routing.test_route import case, decide, known

V2, V3 = "nvidia/parakeet-tdt-0.6b-v2", "nvidia/parakeet-tdt-0.6b-v3"
TWO = frozenset({"parakeet-cpu", "deepgram"})


@pytest.mark.parametrize(("options", "ours"), [({}, "a/b"), ({"model": "c/d"}, "c/d")])
def test_each_engine_of_the_deployment_has_its_weights(options, ours):
    found = weights.each(Options(**options), Settings(model="a/b"), TWO)
    assert found == {"parakeet-cpu": ours, "deepgram": "nova-3"}


@pytest.mark.parametrize(
    ("language", "model", "used"),
    [("en", None, V2), ("en-GB", None, V2), ("EN", None, V2), ("en", "a/b", "a/b"),
     (None, None, V3), ("de", None, V3), ("eno", None, V3)],
)  # fmt: skip
def test_recordings_in_english_get_the_weights_for_english(language, model, used):
    settings = Settings(model=V3, english_model=V2)
    assert weights.chosen(Options(language=language, model=model), settings) == used


def test_the_weights_for_english_leave_the_choice_of_the_engine_open():
    settings = Settings(model=V3, english_model=V2)
    asked = weights.named(Options(language="en"), settings)
    assert asked.model == V2
    assert eligible.allowed(asked, settings, TWO).engines == ("parakeet-cpu", "deepgram")
    decision = decide(case(language="en"), known("parakeet-cpu", model=V3, english_model=V2))
    assert decision.model == V2


@pytest.mark.parametrize(
    ("language", "model", "lacks"),
    [
        ("ja", V3, True), ("de", V3, False), ("pt-BR", V3, False), ("de", V2, True), ("en", V2, False),
        ("mul", V3, False), ("mul", V2, True), ("de", "tiny:int8", True), ("ja", "my/weights", False), (None, V2, False),
    ],
)  # fmt: skip
def test_published_weights_lack_the_languages_that_they_do_not_know(language, model, lacks):
    assert bool(weights.lack(Options(language=language), Settings(model=model))) == lacks


def test_a_language_that_ours_do_not_know_goes_to_a_hosted_engine_and_says_why():
    decision = decide(case(language="ja"), known("parakeet-cpu", "deepgram", model=V3))
    assert decision.engine == "deepgram"
    [why] = [one.why_not for one in decision.considered if one.method == "parakeet"]
    assert why.startswith(f"the weights {V3} do not know Japanese (ja): they know Bulgarian (bg), ")
    assert decision.reason == f"the weights {V3} do not know Japanese (ja): Deepgram"
    told = [one.why_not for one in decision.considered]
    assert " ".join(told).count("Bulgarian") == 1, "the list is told once"
    assert eligible.allowed(Options(language="ja"), Settings(model=V3), TWO).engines == ("deepgram",)


@pytest.mark.parametrize("options", [{}, {"method": "parakeet"}, {"model": V2}])
def test_without_one_it_is_refused_with_the_languages_that_there_are(options):
    asked = {"language": "de", **options}
    with pytest.raises(
        BadRequest, match=r"do not know German \(de\): they know English \(en\)\. Ask for other"
    ):
        choose(case(**asked), known("parakeet-cpu", model=V2))
    with pytest.raises(BadRequest, match=r"The weights .* do not know German"):
        eligible.check_language(Options(**asked), Settings(model=V2), {"parakeet-cpu"})


def test_a_language_without_a_name_is_named_once():
    assert weights.lack(Options(language="xx-zz"), Settings(model=V2)).endswith(
        " do not know xx-zz: they know English (en)"
    )


def test_several_languages_take_weights_of_several():
    with pytest.raises(BadRequest, match=r"know English \(en\) only"):
        choose(case(language="mul"), known("parakeet-cpu", model=V2))
    assert decide(case(language="mul"), known("parakeet-cpu", model=V3)).engine == "parakeet-cpu"


def test_what_a_hosted_engine_may_do_is_not_refused_early():
    eligible.check_language(Options(language="ja"), Settings(model=V3), TWO)
    with pytest.raises(BadRequest, match=r"do not know Japanese"):
        eligible.check_language(Options(language="ja", method="parakeet"), Settings(model=V3), TWO)
