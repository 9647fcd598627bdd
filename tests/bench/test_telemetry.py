"""Telemetry on against off: the numbers, and a run so short that it says nothing but that it runs."""

from __future__ import annotations

import pytest

from bench import telemetry
from bench.keeps_up import Passed, make_still
from shared.adapters import cloud_telemetry
from tests.measured import listening


def passed(seconds, core):
    return Passed(seconds=seconds, fill=0.0, core=core, others=0.0, audio=60.0, padding=0.0)


def test_what_telemetry_adds_is_told_by_the_medians_of_the_rounds():
    on = [passed(10.2, 2.2), passed(10.1, 2.1), passed(99.0, 9.0)]
    off = [passed(10.0, 2.0), passed(10.0, 2.0), passed(50.0, 5.0)]
    assert telemetry.compared(on, off) == (pytest.approx(0.02), pytest.approx(0.1))


@pytest.mark.slow
def test_with_a_collector_the_worker_is_listened_to_and_without_it_is_not(tmp_path, monkeypatch):
    make_still(tmp_path, 0.01)
    monkeypatch.setenv(cloud_telemetry.COLLECTOR, "")
    with listening() as told:
        monkeypatch.setattr(cloud_telemetry, "start", lambda settings: started.append(settings.platform))
        started = []
        telemetry._run(tmp_path, 5000.0, "http://127.0.0.1:9")
    assert started == ["google"]
    assert {"worker_busy_seconds_total", "worker_decode_seconds"} <= {name for name, _, _ in told.values}
    assert {"decode", "recognise", "commit"} <= {one.name for one in told.spans}
    telemetry._run(tmp_path, 5000.0, "")
    assert started == ["google"]
