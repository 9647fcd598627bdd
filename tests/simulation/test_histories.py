from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulation import history, sites
from tests.simulation.__main__ import replay_of
from tests.simulation.known import KNOWN, Known, unknown
from tests.simulation.scenarios import SCENARIOS

pytestmark = pytest.mark.filterwarnings(
    # A generator of a killed process ends when it is collected, and the end of it waits for a lock once more.
    "ignore:Exception ignored in. <generator:pytest.PytestUnraisableExceptionWarning"
)
ALL, BLOCK = 2000, 50
"""Histories from seeds of every run of the tests, and how many are one test."""

NAMES = list(SCENARIOS)
OUTAGES = ("outage", "outage-hosted")
OF_OTHERS = ("replaced", "backfill", "away-inbox", "away-bucket", "away-hosted")
MIXED = [one for one in NAMES if one not in {"forgotten", "settings", *OUTAGES, *OF_OTHERS}]
"""Scenarios that share these histories; the others, some of which take several times as long, have some of their own."""
FORGOTTEN, OUT = 160, 40
SEEDS = ALL - FORGOTTEN - (len(OUTAGES) + len(OF_OTHERS) + 1) * OUT
EXHAUSTIVE = ("one", "hand-over", "hosted", "project")
"""Scenarios in which each thing goes wrong once at each call."""
PARTS, SHARES = 4, 8
"""Tests of each of them, and of the faults at every call, so that several cores share them."""


def report(outcome):
    """What to read about a history that failed, and how to repeat it."""
    lines = [*map(str, outcome.faults), *(f"WRONG: {one}" for one in unknown(outcome)), replay_of(outcome)]
    return "\n".join(lines)


@pytest.mark.parametrize("scenario", NAMES)
def test_undisturbed_everything_is_right(scenario):
    assert history.run(scenario).problems == ()


FOUND_BY, FOUND_BY_FORGOTTEN, FOUND_BY_OTHERS = 286, 16, 4
"""The first histories from seeds, which the test of every call judges as well and looks for points in."""


@pytest.mark.parametrize("first", range(FOUND_BY, SEEDS, BLOCK))
def test_whatever_breaks_each_upload_has_one_transcript(first):
    for seed in range(first, min(first + BLOCK, SEEDS)):
        outcome = history.run(MIXED[seed % len(MIXED)], seed)
        assert not unknown(outcome), report(outcome)


@pytest.mark.parametrize("first", range(FOUND_BY_FORGOTTEN, FORGOTTEN, BLOCK // 5))
def test_whatever_breaks_nothing_stays_of_what_is_deleted(first):
    for seed in range(first, min(first + BLOCK // 5, FORGOTTEN)):
        outcome = history.run("forgotten", seed)
        assert not unknown(outcome), report(outcome)


@pytest.mark.parametrize("scenario", OUTAGES)
def test_an_outage_of_a_minute_and_a_half_repeats_nothing(scenario):
    for seed in range(OUT):
        outcome = history.run(scenario, seed)
        assert not unknown(outcome), report(outcome)


@pytest.mark.parametrize("scenario", OF_OTHERS)
def test_whatever_others_do_with_files_and_buckets_each_upload_ends_once(scenario):
    for seed in range(FOUND_BY_OTHERS, OUT):
        outcome = history.run(scenario, seed)
        assert not unknown(outcome), report(outcome)


def test_while_settings_are_changed_each_recording_keeps_those_of_its_plan():
    for seed in range(OUT):
        outcome = history.run("settings", seed)
        assert not unknown(outcome), report(outcome)


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [
        ("cancelled", 45804),
        ("cancelled-hand-over", 53771),
        ("earlier-release", 102514),
        ("long", 554018),
        ("speakers-whole", 598924),
        ("vanishing", 812211),
        ("speakers-back", 932888),
    ],
)
def test_what_was_once_wrong_is_right(scenario, seed):
    """A chunk that an engine had when it was asked for again; two planned for a CPU that a GPU had, of which it gave one up;
    one handed over a moment before the sweeper pushed its recording; a push that was broken before it published; a
    result that was deleted while another attempt was under way, which stored its own; a worker that was at work on a chunk
    when a copy of its message came, and counted as dead."""
    outcome = history.run(scenario, seed)
    assert not unknown(outcome), report(outcome)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    "scenario",
    ["one", "hosted", *(pytest.param(name, marks=pytest.mark.slow) for name in ("hand-over", "project"))],
)
def test_one_fault_at_any_call_is_survived(scenario, part):
    for number, mode in history.single_faults(scenario, every=False)[part::PARTS]:
        outcome = history.run(scenario, None, {("fault", number): mode, ("rest", 0): number % 4})
        assert len(outcome.faults) == 1
        assert not unknown(outcome), report(outcome)


def stale(entries):
    """The entries that are not found any more."""
    return [
        one
        for one in entries
        if not any(
            re.search(one.problem, problem)
            for seed in range(one.within)
            for problem in history.run(one.scenario, seed).problems
        )
    ]


def test_what_is_known_is_still_there():
    """A mended fault must be taken out of the list, so that it is found if it comes back."""
    made_up = Known(about="nothing", problem="never seen", scenario="one", within=3)
    assert stale((*KNOWN, made_up)) == [made_up]


RARE = {
    "budget": 229,
    "garbage": 2,
    "no-weights": 27,
    "hosted-project": 1018,
    "moody": 1063,
    "hand-over": 1003,
    "project": 1117,
}
"""Seeds of histories that reach what few do: deliveries that run out, hand-overs whose message is missing, …"""


def slow_at(scenario, call, choices):
    """A history in which one call takes long."""
    outcome = history.run(scenario, None, choices)
    number = next(n for n, met in enumerate(outcome.met) if call in met.point)
    slow = outcome.met[number].modes.index("slow")
    outcome = history.run(scenario, None, choices | {("fault", number): slow})
    assert not unknown(outcome), report(outcome)
    return outcome


def cancelled_while_its_files_are_written():
    """That is a moment, unless writing them takes long."""
    return slow_at("cancelled", "store.create_all transcripts", {("cancel", 0): 15})


def a_sweep_that_is_broken_off():
    """Its next tick goes on behind the recording at which it was."""
    return slow_at("long", "shared/sweep/stuck.py:_push records.count chunks", {})


def results_gone_after_they_were_rendered():
    """A merger dies with its rendering kept and nothing decided, and the next one finds a result gone."""
    number = next(n for n, met in enumerate(history.run("vanishing").met) if ":_decide#" in met.point)
    return history.run("vanishing", None, {("fault", number): 1, ("vanishes", 1): 1})


def a_worker_that_ends_while_a_chunk_runs_alone():
    """The power fails while the engine is at it; when the chunk came again, the worker is asked to end."""
    outcome = history.run(
        "long", None, {("catastrophe", 0): 1, ("when", 0): 20, ("catastrophe", 1): 2, ("when", 1): 119}
    )
    assert [one.what for one in outcome.faults] == ["all die", "stop"]
    return outcome


SEVERE = ("before", "after", "lost")
"""What must have happened at each point that changes something."""


class Place(NamedTuple):
    """Where a point was first met."""

    scenario: str
    choices: dict[tuple[str, int], int]
    """Of the history."""
    number: int
    """Of the call."""
    modes: tuple[str, ...]
    """What may go wrong there."""


def look_at_the_first(_folder):
    """What happened at each point in the first of all histories, and where each that changes something was first met.

    They are judged here, too, and nowhere else. What the test of single faults breaks has happened as well.
    """
    done, reached = defaultdict(set), {}
    for scenario in EXHAUSTIVE:
        met = history.run(scenario).met
        for number, mode in history.single_faults(scenario, every=False):
            done[met[number].point].add(met[number].modes[mode])
    by_seed = (history.run(MIXED[seed % len(MIXED)], seed) for seed in range(FOUND_BY))
    deleted = (history.run("forgotten", seed) for seed in range(FOUND_BY_FORGOTTEN))
    others = (history.run(name, seed) for name in OF_OTHERS for seed in range(FOUND_BY_OTHERS))
    rare = (history.run(name, seed) for name, seed in RARE.items())
    special = (
        cancelled_while_its_files_are_written(),
        a_sweep_that_is_broken_off(),
        results_gone_after_they_were_rendered(),
        a_worker_that_ends_while_a_chunk_runs_alone(),
    )
    for outcome in chain(by_seed, rare, deleted, others, special):
        assert not unknown(outcome), report(outcome)
        for fault in outcome.faults:
            done[fault.point.partition(" ")[2]].add(fault.what)
        for number, met in enumerate(outcome.met):
            if "lost" in met.modes:
                reached.setdefault(met.point, Place(outcome.scenario, outcome.choices, number, met.modes))
    return done, reached


@pytest.fixture
def found(once):
    """The same, found by one of the processes that run the tests."""
    return once("simulated-calls", look_at_the_first)


@pytest.mark.long
def test_every_call_that_changes_something_is_simulated_or_has_a_reason(found):
    calls = {point.partition(" ")[0] for point in found[1]}
    assert set(sites.places().values()) - calls == set(sites.NOT_REACHED), (
        "simulate it, or say why not (sites.py)"
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(SHARES))
def test_at_every_call_that_changes_something_a_process_dies_before_and_after_and_a_reply_is_lost(
    part, found
):
    """Points that only a fault leads to are reached by a seed, whose history is repeated with one more fault."""
    done, reached = found
    for point, (scenario, choices, number, modes) in sorted(reached.items())[part::SHARES]:
        missing = [what for what in SEVERE if what not in done[point]]
        for what in missing:
            again = history.run(scenario, None, choices | {("fault", number): modes.index(what)})
            assert not unknown(again), report(again)
            assert any(one.what == what and one.point.endswith(point) for one in again.faults), point


def test_a_history_is_the_same_whenever_it_is_repeated():
    outcome = history.run("several", 7)
    assert history.run("several", 7).digest == outcome.digest
    assert history.run("several", None, outcome.choices).digest == outcome.digest
    assert history.run("several", 8).digest != outcome.digest


def test_a_history_is_the_same_in_processes_that_order_their_sets_differently():
    command = [sys.executable, "-m", "tests.simulation", "replay", "several", "--seed", "7", "--quiet"]
    root = Path(__file__).parent.parent.parent
    told = {
        subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": number},
        ).stdout
        for number in ("1", "2")
    }
    assert len(told) == 1
    assert f"digest {history.run('several', 7).digest}" in told.pop()
