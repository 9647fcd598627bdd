"""What the sweeper and people leave to the router, in every Records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import capacity
from shared.results import LedgerRow
from shared.routing import conditions, flags, route
from shared.sweep import observe
from shared.sweep.observe import Backlog
from tests.flow.test_capacity import ScriptedJobs
from tests.routing.test_route import case
from tests.world import IN_A_PROJECT, World


@pytest.fixture
def ports(records, tmp_path):
    world = World(tmp_path)
    engines = frozenset({"parakeet-gpu", "deepgram"})
    yield replace(world.ports, records=records.port, gpu_jobs=ScriptedJobs(running=2), engines=engines)
    world.close()


def look(ports):
    start = capacity.Start(tasks=0, reason="nothing waits")
    backlog = Backlog(waiting={"parakeet": 60.0, "deepgram": 1.5}, oldest={"main": 7.0})
    settings = replace(ports.settings, **IN_A_PROJECT, cpu_job="cpu")
    apart = replace(ports, settings=settings, cpu_jobs=ScriptedJobs(status="quota"))
    return observe.observe(backlog, {"main": start, "cpu": start}, apart)


def test_conditions_come_back_as_the_sweeper_saw_them(ports):
    row = LedgerRow(
        recording="r", chunk=0, engine="parakeet-gpu", attempt="a", audio_seconds=900.0, busy_seconds=4.5,
        usd=0.1, prices="p", minute=int(ports.clock.now() // 60) - 3,
    )  # fmt: skip
    ports.records.create("ledger", "one", {name: getattr(row, name) for name in LedgerRow.__slots__})
    seen = look(ports)
    assert (seen.speed("parakeet-gpu"), len(seen.minutes), seen.running) == (200.0, 1, 2)
    assert conditions.read(ports) == seen
    again = look(ports)
    assert again.speeds == seen.speeds
    assert conditions.read(ports) == again


def test_flags_hold_for_the_next_decision(ports):
    assert route.choose(case(), route.known(ports)).decision.method == "parakeet"
    flags.change({"ROLLOUT_PERCENT": "0", "ENABLE_FALLBACK": "false"}, ports)
    assert route.choose(case(), route.known(ports)).decision.method == "deepgram"
    flags.change({"ROLLOUT_PERCENT": ""}, ports)
    known = route.known(ports)
    assert not known.settings.enable_fallback
    assert route.choose(case(), known).decision.method == "parakeet"
