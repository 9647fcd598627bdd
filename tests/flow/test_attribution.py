"""What a decision says once others transcribed than were chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow.attribution import actual_decision, dedupe_warnings
from shared.model import Chunk, Decision
from shared.results import ChunkResult

CHOSEN = Decision(
    method="parakeet", engine="parakeet-gpu", model="nvidia/parakeet", reason="it is short: Parakeet on a GPU"
)
SPLIT = replace(CHOSEN, method="hybrid", reason="it is long: both")


def plan(*engines):
    return [
        Chunk(index=i, start=i * 600.0, end=(i + 1) * 600.0, lead=0.0, tail=0.0, engine=engine)
        for i, engine in enumerate(engines)
    ]


def results(*engines, warnings=()):
    return [
        ChunkResult(
            recording="r", index=i, engine=engine, attempt="m-1", revision="", words=(), lead=0.0,
            model="nova-3" if engine == "deepgram" else "nvidia/parakeet",
            owned=600.0, decoded=600.0, warnings=warnings,
        )
        for i, engine in enumerate(engines)
    ]  # fmt: skip


GPU, CPU, DEEPGRAM = "parakeet-gpu", "parakeet-cpu", "deepgram"


@pytest.mark.parametrize("engines", [[GPU, GPU], [GPU, DEEPGRAM], [CPU]])
def test_where_everybody_did_what_was_theirs_the_decision_stays(engines):
    assert actual_decision(CHOSEN, plan(*engines), results(*engines)) is CHOSEN


def test_what_one_other_engine_did_whole_is_its_own():
    done = actual_decision(CHOSEN, plan(GPU, GPU), results(DEEPGRAM, DEEPGRAM, warnings=("Why.",)))
    assert (done.method, done.engine, done.model) == (DEEPGRAM, DEEPGRAM, "nova-3")
    assert done.reason == (
        "it is short: Parakeet on a GPU; Deepgram did all of it in place of Parakeet on a GPU; the warnings say why"
    )


def test_what_two_did_is_a_hybrid_and_the_reason_counts_the_parts():
    done = actual_decision(CHOSEN, plan(GPU, GPU, GPU), results(GPU, DEEPGRAM, CPU))
    assert (done.method, done.engine, done.model) == ("hybrid", GPU, "nvidia/parakeet")
    assert done.reason.endswith(
        "; Parakeet on a CPU and Deepgram did 2 of 3 parts in place of Parakeet on a GPU"
    )


def test_another_processor_is_the_same_method_and_is_named():
    done = actual_decision(CHOSEN, plan(GPU), results(CPU))
    assert (done.method, done.engine, done.model) == ("parakeet", CPU, "nvidia/parakeet")
    assert done.reason.endswith("; Parakeet on a CPU did all of it in place of Parakeet on a GPU")


def test_a_hybrid_that_one_engine_did_alone_is_none():
    done = actual_decision(SPLIT, plan(GPU, DEEPGRAM), results(DEEPGRAM, DEEPGRAM))
    assert (done.method, done.model) == (DEEPGRAM, "nova-3")
    assert done.reason == "it is long: both; Deepgram did 1 of 2 parts in place of Parakeet on a GPU"


def test_one_cause_of_many_hand_overs_is_told_once_and_another_one_apart():
    full = "Parakeet on a CPU transcribed parts that another engine could not. Parakeet on a GPU: {} s do not fit."
    other = "Deepgram transcribed parts that another engine could not. Parakeet on a CPU: 1 part broke."
    heard = "The sound stops at {} s."
    lines = [
        full.format(14.1),
        heard.format(3.5),
        full.format(11),
        other,
        full.format(14.1),
        heard.format(9.5),
    ]
    assert dedupe_warnings([*lines, heard.format(3.5)]) == (
        full.format(14.1), heard.format(3.5), other, heard.format(9.5),
    )  # fmt: skip
