"""Who tells the speakers of a recording apart, and who may take such a recording over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.engines import DEEPGRAM, ENGINES, PARAKEET_CPU, PARAKEET_GPU
from shared.errors import BadRequest
from shared.model import Chunk, Options
from shared.routing import speakers
from shared.routing.case import Case
from shared.settings import Settings
from tests.acme import ACME
from tests.routing.test_matrix import audio

pytestmark = pytest.mark.usefixtures("three_engines")

METHODS = ("parakeet", "hybrid", "deepgram")
HYBRID = "one engine tells the speakers of a recording apart"


def left_out(hours, found=METHODS, settings=None, **options):
    asked = Case(
        key="k",
        size=1,
        audio=audio(None if hours is None else 3600 * hours),
        options=Options(diarize=True, **options),
    )
    return speakers.left_out(asked, settings or Settings(), found)


def whole(engine, end):
    return (Chunk(index=0, start=0.0, end=end, lead=0.0, tail=0.0, engine=engine),)


def test_every_method_of_one_engine_tells_speakers_apart():
    assert [speakers.tells(one) for one in ("auto", *METHODS)] == [True, True, False, True]


def test_a_hybrid_is_left_out():
    assert left_out(1.0) == {"hybrid": HYBRID}
    assert left_out(None) == {"hybrid": HYBRID}


def test_what_is_too_long_for_one_call_is_left_out_where_there_is_another():
    assert left_out(5.0) == {"hybrid": HYBRID, "deepgram": "tells the speakers of up to 4 h apart"}
    project = Settings(platform="google", project="my-project")
    assert left_out(5.0, settings=project) == {"hybrid": HYBRID}
    assert left_out(9.0, settings=project)["deepgram"] == "tells the speakers of up to 8 h apart"
    assert left_out(5.0, ("deepgram",)) == {}


def test_what_is_asked_for_is_left_out_for_no_length():
    assert left_out(5.0, method="deepgram") == {"hybrid": HYBRID}
    assert left_out(5.0, settings=Settings(method="deepgram")) == {"hybrid": HYBRID}


def test_a_hybrid_that_was_asked_for_is_refused():
    with pytest.raises(BadRequest, match="Ask for parakeet or deepgram, or leave the choice to auto"):
        left_out(1.0, method="hybrid")
    speakers.check(Options(method="hybrid"))
    speakers.check(Options(method="parakeet", diarize=True))


def test_a_deployment_needs_one_engine_that_tells_speakers_apart():
    speakers.check_engines({"parakeet-cpu"})
    speakers.check_engines({"deepgram"})
    with pytest.raises(
        BadRequest,
        match=r"Parakeet and Deepgram can: set up one of them, or ask without speakers \(diarize, channels\)\.",
    ):
        speakers.check_engines(set())


def test_whoever_tells_speakers_apart_is_named_with_commas(monkeypatch):
    monkeypatch.setitem(ENGINES, "acme", replace(ACME, abilities=frozenset({"speakers"})))
    with pytest.raises(BadRequest, match="Ask for parakeet, deepgram or acme, or leave the choice to auto"):
        left_out(1.0, method="hybrid")
    assert "tells speakers apart. Parakeet, Deepgram and Acme Speech can: " in speakers.no_engine()


def takes_over(engine, chunks):
    return speakers.takes_over(engine, chunks, Settings())


def test_workers_of_ours_take_over_chunks_from_each_other_and_a_service_only_the_whole():
    several = whole("parakeet-gpu", 600.0) * 2
    for plan in (several, several[:1], ()):
        assert [takes_over(one, plan) for one in (PARAKEET_GPU, PARAKEET_CPU, DEEPGRAM)] == [
            "a chunk",
            "a chunk",
            "the whole",
        ]
    assert takes_over(PARAKEET_CPU, whole("deepgram", None)) == "the whole"
    assert takes_over(DEEPGRAM, whole("deepgram", None)) == "a chunk"
    assert takes_over(replace(DEEPGRAM, abilities=frozenset()), several) == "nothing"


def test_a_service_takes_over_what_one_call_can_hold():
    longest = 4 * 3600.0
    assert takes_over(DEEPGRAM, whole("parakeet-gpu", longest)) == "the whole"
    assert takes_over(DEEPGRAM, whole("parakeet-gpu", longest + 1)) == "nothing"
    assert takes_over(PARAKEET_CPU, whole("deepgram", 12 * 3600.0)) == "the whole"
