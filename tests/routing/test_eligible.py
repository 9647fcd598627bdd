"""Which engines may take over from each other, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engines import ENGINES
from shared.model import Chunk, Fallback, Options
from shared.routing import eligible
from shared.settings import Settings

ALL = frozenset(tuple(ENGINES))
TWO = frozenset({"parakeet-cpu", "deepgram"})


ONE_KIND = "speakers were asked for, and one kind of engine tells those of all parts of a recording apart"


def chunks(engine, *lengths):
    """A plan."""
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    return tuple(
        Chunk(index=at, start=start, end=start + length, lead=0.0, tail=0.0, engine=engine)
        for at, (start, length) in enumerate(zip(starts, lengths, strict=True))
    )


@pytest.mark.parametrize(
    ("plan", "engines"),
    [
        (chunks("parakeet-gpu", 500.0), ("parakeet-gpu", "parakeet-cpu", "deepgram")),
        (chunks("parakeet-gpu", 500.0, 500.0), ("parakeet-gpu", "parakeet-cpu")),
        (chunks("parakeet-cpu", 500.0, 500.0), ("parakeet-gpu", "parakeet-cpu")),
        (chunks("deepgram", 3000.0), ("parakeet-gpu", "parakeet-cpu", "deepgram")),
        (chunks("deepgram", 8000.0), ("deepgram",)),
        ((replace(chunks("deepgram", 1.0)[0], end=None),), ("deepgram",)),
    ],
)
def test_a_recording_with_speakers_is_taken_over_whole_or_by_an_engine_of_the_same_kind(plan, engines):
    found = eligible.allowed(Options(diarize=True), Settings(), ALL, plan)
    assert found == Fallback(engines=engines, why_not=ONE_KIND if len(engines) < 3 else "")
    assert eligible.allowed(Options(), Settings(), ALL, plan).why_not == ""


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
        ({"diarize": True}, {}, ("parakeet-gpu", "parakeet-cpu"), ONE_KIND),
        ({"diarize": True}, {"method": "hybrid"}, ("parakeet-gpu", "parakeet-cpu"), ONE_KIND),
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
    everyone, now, tried, went = Fallback(engines=tuple(ENGINES)), first, {first}, []
    while (following := eligible.next_engine(now, tried, everyone, Settings())) is not None:
        went.append(now := following)
        tried.add(now)
    assert went == circle


@given(
    st.sampled_from(tuple(ENGINES)),
    st.sets(st.sampled_from(tuple(ENGINES))),
    st.sets(st.sampled_from(tuple(ENGINES))),
    st.booleans(),
    st.booleans(),
)
def test_whoever_is_next_is_there_is_switched_on_and_has_not_tried(now, tried, there, gpu, on):
    settings = Settings(enable_gpu=gpu, enable_fallback=on)
    found = eligible.next_engine(now, tried, Fallback(engines=tuple(there)), settings)
    assert found is None or (on and found in there and found not in tried and found != now)
    assert found != "parakeet-gpu" or gpu
