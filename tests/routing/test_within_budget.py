"""What a soft budget changes about the router's choice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import upload
from shared.model import Options
from shared.routing import within_budget
from shared.routing.case import Case, Known
from shared.routing.route import choose, known

MINUTE = 0.0077
"""US dollars that a minute costs at Deepgram, and the recordings of these tests are a minute long."""


@pytest.fixture
def ports(world):
    """A deployment with Deepgram first, that may spend the price of ten recordings in a day."""
    world.media.info = replace(world.media.info, duration=60.0)
    settings = replace(
        world.settings,
        budget_daily_usd=10.5 * MINUTE,
        budget_mode="soft",
        method="deepgram",
        chunk_minutes=10,
    )
    return replace(world.ports, settings=settings, engines=frozenset({"deepgram", "parakeet-cpu"}))


def drop(world, ports, count, **metadata):
    return [upload.on_upload(world.upload(f"{n}.wav", **metadata), ports) for n in range(count)]


def test_a_soft_budget_takes_the_cheapest_method_and_says_why(world, ports):
    done = drop(world, ports, 12)
    assert [one.decision.method for one in done] == ["deepgram"] * 10 + ["parakeet"] * 2
    assert "the daily budget is used up" in done[-1].decision.reason
    assert done[-1].decision.reason.endswith("parakeet is the cheapest method")


def test_what_somebody_asked_for_stays_under_a_soft_budget(world, ports):
    done = drop(world, ports, 12, **{"dropscribe-method": "deepgram"})
    assert {one.decision.method for one in done} == {"deepgram"}


def test_with_speakers_the_cheapest_is_one_that_tells_them_apart(world, ports):
    done = drop(world, ports, 12, **{"dropscribe-diarize": "true"})
    assert [one.decision.method for one in done] == ["deepgram"] * 8 + ["parakeet"] * 4
    assert {len({chunk.engine for chunk in one.chunks}) for one in done} == {1}


def test_where_nothing_is_cheaper_the_choice_stays(world, ports):
    case = Case(key="r", size=1, audio=world.media.info, options=Options())
    only: Known = replace(known(ports), engines=frozenset({"deepgram"}))
    choice = choose(case, only)
    assert within_budget.cheapest(case, only, choice, "used up") == choice
