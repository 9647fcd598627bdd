"""The benchmark of many recordings: its arithmetic, and that a small run ends with sensible figures."""

from __future__ import annotations

import pytest

from bench import load
from shared.state import documents


def test_percentiles_are_values_that_were_measured():
    values = [float(one) for one in range(1, 101)]
    assert [load.percentile(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert load.percentile([3.0], 50) == 3.0
    assert load.percentile([], 50) == 0.0


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power):
    points = [(n, 0.3 * n**power) for n in (300, 1000, 3000, 10_000)]
    assert load.exponent(points) == pytest.approx(power)


def test_reads_and_writes_are_counted_as_they_are_billed(world):
    records = load.Counted(world.ports.records)
    for number in range(3):
        records.create(documents.CHUNKS, f"k{number}", {"recording": "r"})
    records.create(documents.CHUNKS, "k0", {"recording": "r"})
    assert (records.reads, records.writes) == (0, 3)
    records.get(documents.CHUNKS, "k0")
    records.count(documents.CHUNKS)
    assert len(list(records.query(documents.CHUNKS, {"recording": "r"}))) == 3
    assert records.reads == 5
    records.update(documents.CHUNKS, "k0", lambda _: None)
    records.update(documents.CHUNKS, "k0", lambda fields: fields | {"index": 1})
    assert (records.reads, records.writes) == (7, 4)


@pytest.mark.slow
def test_a_small_run_transcribes_all_and_answers_every_caller():
    run = load.embedded(10, late=False, callers=3)
    assert (len(run.latencies), len(run.others), len(run.callers)) == (9, 1, 3)
    assert all(one > 0 for one in [*run.latencies, *run.others, *run.callers])
    assert run.seconds > 0
    assert run.core > 0
    assert run.writes >= 4 * run.count
    assert run.reads > run.count
    shown = load.shown([("one machine", run)])
    assert shown.row_count == 1


def test_growth_needs_two_sizes():
    assert load.growth([]) == []
