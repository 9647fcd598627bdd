"""What the owner of a recording is told of engines that gave a part of it up."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from shared.engines import ENGINES, Ability
from shared.errors import EngineLimit, NoEngineLeft, StoreUnavailable
from shared.model import Chunk, Fallback, Options, Recording, StoredObject, Tried
from shared.recovery import owner_messages
from shared.settings import Settings
from tests.acme import ACME
from tests.hosted.test_hosted_result import message

GAVE_UP = Tried(engine="parakeet-cpu", error="EngineLimit", reason="It does not fit")
RECORDING = Recording(
    id="r", source=StoredObject(bucket="audio", name="a.mp3", generation=1, size=1), options=Options(), state="PLANNED",
    created=0.0, chunks=tuple(Chunk(index=n, start=n, end=n + 1, lead=0, tail=0, engine="deepgram") for n in range(2)),
    fallback=Fallback(engines=("deepgram",), why_not="deepgram was asked for"),
)  # fmt: skip


@pytest.mark.parametrize(("attempt", "times"), [(0, "once"), (1, "once"), (3, "3 times")])
def test_an_error_that_is_none_of_ours_is_told_with_its_text_and_how_often(attempt, times):
    told = owner_messages.broken(RuntimeError("device-side assert"), attempt)
    assert isinstance(told, EngineLimit)
    assert f"failed {times} on one part" in str(told)
    assert "device-side assert" in str(told)


def test_an_error_of_ours_is_told_as_it_is():
    ours = StoreUnavailable("The disk is full.")
    assert owner_messages.broken(ours, 3) is ours


def test_a_chunk_of_its_first_engine_needs_no_warning():
    assert owner_messages.warnings(message()) == ()


def test_a_chunk_that_was_handed_over_names_all_that_gave_it_up():
    first = replace(GAVE_UP, engine="parakeet-gpu", reason="Lost!")
    (told,) = owner_messages.warnings(message(tried=(first, GAVE_UP)))
    assert told.startswith("Deepgram ")
    assert told.endswith("Parakeet on a GPU: Lost!; Parakeet on a CPU: It does not fit.")


@pytest.mark.usefixtures("three_engines")
def test_what_was_asked_for_and_an_engine_cannot_do_is_told_with_who_can(monkeypatch):
    monkeypatch.setitem(ENGINES, "acme", replace(ACME, abilities=frozenset()))
    asked = Options(diarize=True, keyterms="Dropscribe", filler_words=True)
    assert owner_messages.not_done(asked, "acme") == (
        "Acme Speech does not tell speakers apart. These engines do: Parakeet on a GPU, Parakeet on a CPU and Deepgram.",
        "Acme Speech does not listen for keyterms. These engines do: Parakeet on a GPU and Deepgram.",
        "Acme Speech does not keep filler words. These engines do: Deepgram.",
    )
    assert len(owner_messages.not_done(asked, "acme", set(get_args(Ability)))) == 0
    assert len(owner_messages.not_done(asked, "acme", ())) == len(get_args(Ability))
    assert owner_messages.not_done(Options(keyterms=" , "), "acme") == ()
    assert owner_messages.not_done(asked, "deepgram") == ()


def test_a_recording_ends_with_what_each_engine_said():
    error = EngineLimit("No words came")
    told = owner_messages.ending(message(), error, (GAVE_UP,), RECORDING, Settings())
    assert isinstance(told, NoEngineLeft)
    assert "part 2 of 2 of the recording" in str(told)
    assert str(told).endswith("Parakeet on a CPU: It does not fit. Deepgram: No words came.")
    short = owner_messages.ending(
        message(), error, (GAVE_UP,), RECORDING, Settings(), excluded=("parakeet-gpu",), why_excluded="the budget is used up"
    )  # fmt: skip
    assert str(short).endswith("Parakeet on a GPU was not tried: the budget is used up.")
    short = owner_messages.ending(
        message(), error, (GAVE_UP,), RECORDING, Settings(), excluded=("parakeet-gpu", "deepgram"), why_excluded="so"
    )  # fmt: skip
    assert str(short).endswith("Parakeet on a GPU and Deepgram were not tried: so.")


def test_a_recording_that_nobody_else_may_have_ends_with_the_reason_why():
    error = EngineLimit("No words came")
    told = owner_messages.ending(message(), error, (), RECORDING, Settings())
    assert str(told) == "No words came. No other engine was tried: deepgram was asked for."
    assert told.code == "EngineLimit"
    free = replace(RECORDING, fallback=Fallback(engines=("parakeet-cpu", "deepgram")))
    switched_off = owner_messages.ending(message(), error, (), free, Settings(enable_fallback=False))
    assert str(switched_off).endswith("ENABLE_FALLBACK is off.")
    alone = replace(RECORDING, fallback=Fallback(engines=("deepgram",)))
    assert owner_messages.ending(message(), error, (), alone, Settings()) is error
