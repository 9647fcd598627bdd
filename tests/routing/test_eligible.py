"""Which engines may take over from each other, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Chunk, Fallback, Options
from shared.routing import eligible
from shared.settings import Settings

NAMES = ("parakeet-gpu", "parakeet-cpu", "deepgram")
ALL = frozenset(NAMES)
TWO = frozenset({"parakeet-cpu", "deepgram"})


NOT_APART = "speakers were asked for, and the others do not tell those of this recording apart"


def chunks(engine, *lengths):
    """A plan."""
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    return tuple(
        Chunk(index=at, start=start, end=start + length, lead=0.0, tail=0.0, engine=engine)
        for at, (start, length) in enumerate(zip(starts, lengths, strict=True))
    )


OURS = ("parakeet-gpu", "parakeet-cpu")


@pytest.mark.parametrize(
    ("plan", "engines", "whole"),
    [
        (chunks("parakeet-gpu", 500.0), OURS, ("deepgram",)),
        (chunks("parakeet-gpu", 500.0, 500.0), OURS, ("deepgram",)),
        (chunks("parakeet-cpu", 4 * 3600.0), OURS, ("deepgram",)),
        (chunks("parakeet-cpu", 4 * 3600.0, 1.0), OURS, ()),
        (chunks("deepgram", 3000.0), ("deepgram",), OURS),
        (chunks("deepgram", 80_000.0), ("deepgram",), OURS),
        ((replace(chunks("deepgram", 1.0)[0], end=None),), ("deepgram",), OURS),
    ],
)
def test_a_recording_with_speakers_is_taken_over_whole_or_by_an_engine_of_the_same_kind(plan, engines, whole):
    found = eligible.allowed(Options(diarize=True), Settings(), ALL, plan)
    assert found == Fallback(engines=engines, whole=whole, why_not="" if whole else NOT_APART)
    assert eligible.allowed(Options(), Settings(), ALL, plan) == Fallback(engines=(*OURS, "deepgram"))


@pytest.mark.parametrize(
    ("options", "settings", "engines", "why_not"),
    [
        ({}, {}, ("parakeet-gpu", "parakeet-cpu", "deepgram"), ""),
        ({"method": "hybrid"}, {}, ("parakeet-gpu", "parakeet-cpu", "deepgram"), ""),
        ({"method": "parakeet"}, {}, ("parakeet-gpu", "parakeet-cpu"), "parakeet was asked for"),
        ({"method": "deepgram"}, {}, ("deepgram",), "deepgram was asked for"),
        ({}, {"method": "parakeet"}, ("parakeet-gpu", "parakeet-cpu"), "parakeet was asked for"),
        ({"model": "a/b"}, {}, ("parakeet-gpu", "parakeet-cpu"), "the weights a/b were asked for"),
        ({"model": "a/b"}, {"model": "a/b"}, ("parakeet-gpu", "parakeet-cpu", "deepgram"), ""),
        (
            {"diarize": True, "method": "parakeet"},
            {},
            ("parakeet-gpu", "parakeet-cpu"),
            "parakeet was asked for",
        ),
    ],
)
def test_a_wish_for_one_engine_leaves_the_others_out_and_auto_does_not(options, settings, engines, why_not):
    found = eligible.allowed(Options(**options), Settings(**settings), ALL)
    assert found == Fallback(engines=engines, why_not=why_not)


@pytest.mark.parametrize("settings", [{}, {"method": "hybrid"}])
def test_before_there_is_a_plan_ours_come_first_and_a_service_may_take_over_the_whole(settings):
    found = eligible.allowed(Options(diarize=True), Settings(**settings), ALL)
    assert found == Fallback(engines=OURS, whole=("deepgram",))


def test_only_engines_of_the_deployment_take_over():
    assert eligible.allowed(Options(), Settings(), TWO).engines == ("parakeet-cpu", "deepgram")
    only = eligible.allowed(Options(method="parakeet"), Settings(), {"parakeet-cpu"})
    assert only == Fallback(engines=("parakeet-cpu",)), "nothing is left out, so there is no reason to give"


@pytest.mark.parametrize(
    ("first", "circle"),
    [
        ("parakeet-gpu", ["parakeet-cpu", "deepgram"]),
        ("parakeet-cpu", ["deepgram", "parakeet-gpu"]),
        ("deepgram", ["parakeet-gpu", "parakeet-cpu"]),
    ],
)
def test_a_chunk_goes_round_the_engines_from_its_own(first, circle):
    now, tried, went = first, {first}, []
    while (following := eligible.next_engine(now, tried, NAMES, Settings())) is not None:
        went.append(now := following)
        tried.add(now)
    assert went == circle


@given(
    st.sampled_from(NAMES),
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.booleans(),
    st.booleans(),
)
def test_whoever_is_next_is_there_is_switched_on_and_has_not_tried(now, tried, there, gpu, on):
    settings = Settings(enable_gpu=gpu, enable_fallback=on)
    found = eligible.next_engine(now, tried, there, settings)
    assert found is None or (on and found in there and found not in tried and found != now)
    assert found != "parakeet-gpu" or gpu
