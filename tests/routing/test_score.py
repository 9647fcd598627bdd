from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.costs.prices import TABLE
from shared.engines import DEEPGRAM
from shared.model import AudioInfo, Options
from shared.routing.conditions import Conditions
from shared.routing.score import prospects
from shared.settings import Settings

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "routing.md").read_text("utf-8")
HOUR = AudioInfo(
    format="flac", codec="flac", sample_rate=16_000, channels=1, duration=3600.0, exact=True, splittable_by="time"
)  # fmt: skip
OPTIONS = Options()
CLOUD = Settings(platform="google", project="my-project", cost_threshold=1.0)


def found(
    conditions=None, *, settings=CLOUD, deepgram=True, parakeet="parakeet-gpu", options=OPTIONS, audio=HOUR
):
    return prospects(
        audio,
        100,
        parakeet,
        hosted=[DEEPGRAM] if deepgram else [],
        conditions=conditions or Conditions(),
        settings=settings,
        prices=TABLE,
        options=options,
    )


SENT = 72e6 / 2**30 * 0.12
"""To send an hour of audio out of Google's network, US dollars."""


def test_speakers_and_keyterms_cost_more_at_deepgram_and_nothing_elsewhere():
    asked = found(options=Options(keyterms="Anna"))
    assert asked["deepgram"].usd == pytest.approx(60 * (0.0077 + 0.0013) + SENT, rel=0.01)
    assert asked["parakeet"].usd == found()["parakeet"].usd
    speakers = found(options=Options(diarize=True))["deepgram"]
    assert (len(speakers.chunks), speakers.usd) == (
        1,
        pytest.approx(60 * (0.0077 + 0.0020) + SENT, rel=0.001),
    )


def test_the_example_of_the_guide_is_what_the_code_computes():
    parakeet, deepgram = found()["parakeet"], found()["deepgram"]
    assert (parakeet.usd, parakeet.wait, parakeet.score) == (
        pytest.approx(0.0311, abs=5e-5), pytest.approx(47.0, abs=0.05), pytest.approx(0.0389, abs=5e-5)
    )  # fmt: skip
    assert (deepgram.usd, deepgram.wait, deepgram.score) == (
        pytest.approx(0.4702, abs=5e-5), pytest.approx(36.0, abs=0.05), pytest.approx(0.4762, abs=5e-5)
    )  # fmt: skip
    busy = found(Conditions(running=1, waiting={"parakeet": 500 * 3600.0}))["parakeet"]
    assert (busy.wait, busy.score) == (pytest.approx(8125, abs=0.5), pytest.approx(1.3591, abs=5e-5))
    for text in ("0.0311", "47.0 s", "**0.0389**", "0.4702", "36.0 s", "0.4762", "8,125 s", "1.3591"):
        assert text in GUIDE


def test_both_channels_cost_twice_as_much_only_where_there_are_two():
    apart, runs = Options(channels="apart"), Conditions(running=1)
    once = found(runs)["parakeet"].usd
    for channels, times in ((1, 1), (2, 2), (6, 1)):
        twice = found(runs, options=apart, audio=replace(HOUR, channels=channels))["parakeet"].usd
        assert twice == pytest.approx(times * once)


def test_only_what_can_run_is_thought_through():
    assert set(found(deepgram=False)) == {"parakeet"}
    assert set(found(parakeet=None)) == {"deepgram"}
    assert set(found()) == {"parakeet", "deepgram", "hybrid"}
    assert found(deepgram=False, parakeet=None) == {}


def test_every_plan_is_whole_and_names_its_engine():
    for method, one in found(Conditions(running=1)).items():
        assert one.chunks[-1].end == 3600.0
        engines = {chunk.engine for chunk in one.chunks}
        assert engines == ({"parakeet-gpu", "deepgram"} if method == "hybrid" else {one.engine})
        assert one.usd_per_hour == pytest.approx(one.usd)


def test_money_matters_more_where_waiting_is_free():
    free = Settings(platform="google", project="my-project", wait_usd_per_minute=0.0)
    assert all(one.score == one.usd for one in found(settings=free).values())
