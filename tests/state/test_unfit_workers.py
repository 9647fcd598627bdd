from __future__ import annotations

from shared.state import unfit_workers
from shared.state.unfit_workers import PAUSE


def test_what_workers_said_counts_for_a_while_and_for_their_pool_only(world):
    unfit_workers.report("cpu", "The image is wrong.", world.ports)
    assert unfit_workers.said_lately("main", world.ports) == ""
    assert unfit_workers.said_lately("cpu", world.ports) == "The image is wrong."
    world.clock.time += PAUSE
    assert unfit_workers.said_lately("cpu", world.ports) == ""


def test_the_last_report_counts(world):
    unfit_workers.report("main", "One.", world.ports)
    world.clock.time += PAUSE - 1
    unfit_workers.report("main", "Two.", world.ports)
    world.clock.time += PAUSE - 1
    assert unfit_workers.said_lately("main", world.ports) == "Two."


def test_a_report_from_a_clock_that_was_set_back_since_does_not_stop_the_workers(world):
    unfit_workers.report("main", "One.", world.ports)
    world.clock.time -= 10 * PAUSE
    assert unfit_workers.said_lately("main", world.ports) == ""


def test_a_report_of_another_version_does_not_stop_the_workers(world):
    world.ports.records.create(unfit_workers.STATE, f"{unfit_workers.KEY}.main", {"time": "noon"})
    assert unfit_workers.said_lately("main", world.ports) == ""
