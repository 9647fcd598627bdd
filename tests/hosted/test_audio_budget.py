"""How much audio one process holds for somebody else's engine."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import EngineFailed
from shared.hosted.audio_budget import SECONDS, AudioBudget, audio_budget_of
from shared.planning import plan
from shared.routing.speakers import LONGEST_SENT
from shared.settings import Settings

MEMORY = 1024**3
BYTES_A_SECOND = 215e6 / 3600
BASE, DECODER, REQUESTS = 170e6, 65e6, 2
"""What the function, a decoding process and the requests that it takes at one time are, as the guide has them."""


def test_what_fits_is_within_the_memory_that_the_guide_gives_the_function():
    assert SECONDS["google"] * BYTES_A_SECOND + BASE + REQUESTS * DECODER < 0.8 * MEMORY


def test_the_longest_piece_and_two_usual_chunks_fit():
    usual = plan.sizes("deepgram", Settings()).seconds * plan.STRETCH + 2 * plan.MAX_OVERLAP
    assert REQUESTS * usual <= SECONDS["google"]
    assert LONGEST_SENT["google"] <= SECONDS["google"]
    assert LONGEST_SENT["local"] <= SECONDS["local"]
    assert Settings().open_calls["deepgram"] * usual <= SECONDS["local"]


def test_never_more_is_held_than_fits_and_all_get_their_turn():
    room, lock = AudioBudget(100.0), threading.Lock()
    now, most = [], []

    def work(seconds):
        with room.hold(seconds, 30.0):
            with lock:
                now.append(seconds)
                most.append(sum(now))
            time.sleep(0.002)
            with lock:
                now.remove(seconds)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, [30.0, 50.0, 70.0, 100.0, 1.0, 20.0] * 10))
    assert len(most) == 60
    assert 50.0 < max(most) <= 100.0


def test_what_is_longer_than_all_there_is_has_it_alone():
    room = AudioBudget(100.0)
    with room.hold(1000.0, 1.0), pytest.raises(EngineFailed, match="filled the memory"), room.hold(1.0, 0.01):
        pass
    with room.hold(100.0, 0.01):
        pass


def test_who_waits_too_long_gives_up_and_leaves_the_place_to_others():
    room = AudioBudget(100.0)
    with room.hold(60.0, 1.0):
        with pytest.raises(EngineFailed) as failed, room.hold(60.0, 0.05):
            pass
        assert (failed.value.code, failed.value.billed_seconds) == ("rate", None)
        with room.hold(40.0, 0.05):
            pass


def test_a_failure_inside_frees_the_place():
    room = AudioBudget(100.0)
    with pytest.raises(ZeroDivisionError), room.hold(100.0, 1.0):
        raise ZeroDivisionError
    with room.hold(100.0, 0.01):
        pass


def test_a_process_has_one_room_for_each_platform():
    assert audio_budget_of("google") is audio_budget_of("google")
