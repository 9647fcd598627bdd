from __future__ import annotations

import pytest

from shared.costs.prices import TABLE
from shared.engines import ENGINES, PARAKEET_GPU
from shared.model import AudioInfo, Options
from shared.planning import plan
from shared.planning.worker_pools import IDLE_EXIT
from shared.routing.conditions import Conditions, Speed
from shared.routing.pace import Pace, lengths_of, pace_of
from shared.settings import Settings

CLOUD = Settings(platform="google", project="my-project")
SECOND = 0.0002907
"""US dollars for a second of the smallest task with an L4."""


def gpu(conditions, settings=CLOUD):
    return pace_of("parakeet-gpu", conditions, settings, TABLE)


def test_work_waits_for_the_queue_and_for_the_longest_of_its_chunks():
    pace = Pace(engine="deepgram", rtfx=100.0, lanes=4, ready=5.0, usd_start=1.0, usd_second=0.01)
    assert pace.wait(4000.0, 1000.0) == pytest.approx(5 + 10)
    assert pace.wait(1500.0, 1000.0) == pytest.approx(5 + 10)
    assert pace.usd(100.0) == pytest.approx(2.0)
    assert (pace.wait(0.0, 0.0), pace.usd(0.0)) == (0.0, 0.0)


def test_where_nothing_runs_the_start_is_waited_and_paid_for():
    pace = gpu(Conditions())
    assert pace.ready == PARAKEET_GPU.expected.start == 30.0
    assert pace.usd_start == pytest.approx((30 + IDLE_EXIT) * SECOND)
    # An hour of audio: 30 s of start, 16.2 s of work, 60 s of waiting for more.
    assert pace.wait(3600.0, 600.0) == pytest.approx(30 + 3600 / 222)
    assert pace.usd(3600.0) == pytest.approx((30 + 60 + 3600 / 222) * SECOND)


def test_where_a_worker_runs_only_the_work_is_paid_for():
    pace = gpu(Conditions(running=2, waiting={"parakeet": 22_200.0}))
    assert (pace.lanes, pace.usd_start) == (2, 0.0)
    assert pace.ready == pytest.approx(50.0)


def test_where_audio_waits_already_its_start_is_not_paid_again():
    pace = gpu(Conditions(waiting={"parakeet": 2220.0}))
    assert pace.usd_start == 0.0
    assert pace.ready == pytest.approx(30 + 10)


def test_a_measured_speed_comes_before_the_expected_one_once_it_means_something():
    assert gpu(Conditions(speeds={"parakeet-gpu": Speed(audio=6000.0, busy=20.0)})).rtfx == 300.0
    assert gpu(Conditions(speeds={"parakeet-gpu": Speed(audio=500.0, busy=20.0)})).rtfx == 222.0
    assert gpu(Conditions(speeds={"parakeet-gpu": Speed(audio=6000.0, busy=0.0)})).rtfx == 222.0


def test_one_machine_keeps_its_worker_at_its_owners_price():
    pace = pace_of("parakeet-cpu", Conditions(), Settings(cpu_usd_per_hour=0.36), TABLE)
    assert (pace.ready, pace.usd_start) == (0.0, 0.0)
    assert pace.usd(3600.0) == pytest.approx(0.036)


def test_deepgram_asks_by_the_minute_and_has_a_queue_of_its_own():
    settings = Settings(open_calls={"deepgram": 4})
    pace = pace_of("deepgram", Conditions(waiting={"deepgram": 4000.0, "parakeet": 9e9}), settings, TABLE)
    assert pace.ready == pytest.approx(10.0)
    assert pace.usd(3600.0) == pytest.approx(0.462)


def test_every_expected_speed_says_where_it_comes_from():
    assert all(
        one.rtfx > 0 and one.start >= 0 and one.source for one in (spec.expected for spec in ENGINES.values())
    )


def test_engines_hear_the_overlap_too():
    info = AudioInfo(
        format="wav", codec="pcm_s16le", sample_rate=16_000, channels=1, duration=1200.0, exact=True, splittable_by="time"
    )  # fmt: skip
    chunks = plan.split(info, 1, 600.0, "deepgram")
    assert lengths_of(chunks) == [600 + 15, 600 + 30]


def test_both_channels_take_twice_the_time_of_an_engine_of_ours():
    once, twice = (
        pace_of("parakeet-gpu", Conditions(), CLOUD, TABLE, Options(channels=channels))
        for channels in ("auto", "apart")
    )
    assert twice.usd_second == pytest.approx(2 * once.usd_second)
    assert (twice.rtfx, twice.ready) == (once.rtfx / 2, once.ready)
    hosted = [
        pace_of("deepgram", Conditions(), CLOUD, TABLE, Options(channels=channels))
        for channels in ("auto", "apart")
    ]
    assert hosted[0] == hosted[1], "it gets the mix"
