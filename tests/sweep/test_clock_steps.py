"""How old something is, whatever the clock said when it was made."""

from __future__ import annotations

import pytest

from shared.state import documents
from shared.sweep import clock_steps

DAY = 86_400.0
NOW = 20_000 * DAY


@pytest.mark.parametrize(
    ("then", "steps", "days"),
    [
        pytest.param(-3, [], 3, id="nobody set it"),
        pytest.param(2, [], -2, id="not yet"),
        pytest.param(-3, [(-2, -1, -9)], 4, id="set back since"),
        pytest.param(-1, [(-2, -1, -9)], 1, id="after that"),
        pytest.param(-9, [(-1, 5, -20)], 4, id="set forward since"),
        pytest.param(-9, [(-1, 5, -7)], 4, id="in an earlier boot, and forward since"),
        pytest.param(-3, [(-1, 5, -20)], 3, id="before a boot with a clock that was behind"),
        pytest.param(-3, [(-2, 20_000, -20_002), (-1, 20_000, -20_001)], 3, id="boots in 1970"),
        pytest.param(-20_001, [(-2, 20_000, -20_002), (-1, 20_000, -20_001)], 1, id="in the last of them"),
        pytest.param(-2.5, [(38, 40, -9), (-1, -40, 31)], 2.5, id="ahead for a while"),
        pytest.param(38.5, [(38, 40, -9), (-1, -40, 31)], 1.5, id="made in that while"),
    ],
)
def test_age(then, steps, days):
    steps = [(NOW + at * DAY, by * DAY, NOW + booted * DAY) for at, by, booted in steps]
    assert clock_steps.age(NOW + then * DAY, NOW, steps) == pytest.approx(days * DAY)


def test_small_corrections_are_no_step_until_they_add_up(world):
    seen = []
    for _ in range(4):
        world.clock.time += 60.0
        world.clock.step(1000.0)
        seen.append(clock_steps.watch(world.ports).steps)
    assert seen[:3] == [(), (), ()]
    world.clock.step(1000.0)
    [(at, by, _)] = clock_steps.watch(world.ports).steps
    assert (at, by) == (world.clock.now(), 4000.0)


def test_only_the_last_steps_are_kept_and_nothing_is_written_while_nobody_sets_the_clock(world, monkeypatch):
    monkeypatch.setattr(clock_steps, "MOST", 2)
    for _ in range(4):
        found = clock_steps.watch(world.ports)
        world.clock.step(2 * clock_steps.STEP)
    found = clock_steps.watch(world.ports)
    assert len(found.steps) == 2
    assert [at for at, _, _ in found.steps][-1] == world.clock.now()
    monkeypatch.setattr(documents, "put", None)
    world.clock.time += 30 * DAY
    assert clock_steps.watch(world.ports) == found
