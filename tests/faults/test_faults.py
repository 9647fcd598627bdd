"""Real processes that are killed, stopped and told everything twice. `make faults` runs the same with many seeds."""

from __future__ import annotations

import pytest

from tests.deepgram_server import KEY, deepgram_server
from tests.faults import scenarios

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]


@pytest.fixture
def server():
    with deepgram_server() as running:
        yield running


def test_kills_at_any_moment_lose_and_repeat_nothing(tmp_path, recordings):
    scenarios.kills(tmp_path, *recordings, seed=1)


@pytest.mark.slow
def test_messages_that_come_twice_and_later_change_nothing(tmp_path, recordings, server):
    scenarios.duplicates(tmp_path, *recordings, 1, server, KEY)


def test_a_clock_that_is_set_by_an_hour_and_a_day_changes_and_delays_nothing(tmp_path, recordings, server):
    scenarios.clocks(tmp_path, *recordings, 1, server, KEY, kills=False)


@pytest.mark.slow
def test_files_that_change_while_they_are_transcribed_end_as_what_they_are(tmp_path, recordings):
    scenarios.files(tmp_path, *recordings, seed=1)


@pytest.mark.slow
def test_a_worker_that_slept_through_its_leases_does_no_harm(tmp_path, recordings):
    scenarios.pauses(tmp_path, *recordings, seed=2)
