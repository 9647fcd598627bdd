"""What the router makes of what the sweeper saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import StoreUnavailable
from shared.flow import upload
from shared.routing import conditions, flags
from shared.routing.conditions import LONGEST_QUEUE, STALE, Conditions, Speed, no_gpu
from shared.routing.parakeet_share import Minute
from shared.settings import Settings

NOW = 1_800_000_000.0
SETTINGS = Settings()


def test_where_nobody_has_looked_a_gpu_is_counted_on():
    assert no_gpu(Conditions(), SETTINGS, NOW) == ""


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (Conditions(time=NOW, status="quota", avoid_until=NOW + 1), r"no GPU is available now \(quota\)"),
        (Conditions(time=NOW, oldest=LONGEST_QUEUE + 1), "work has waited for a GPU for 30 min 1 s"),
        (
            Conditions(time=NOW, minutes=(Minute(minute=1, done=4, failed=6, fallbacks=0),)),
            "6 of the last 10 attempts on Parakeet failed",
        ),
    ],
)
def test_a_gpu_is_not_counted_on_without_capacity_with_a_long_queue_or_after_failures(seen, says):
    assert no_gpu(seen, SETTINGS, NOW).startswith(says.replace("\\", ""))
    # What the sweeper saw long ago says nothing about now.
    assert no_gpu(seen, SETTINGS, NOW + STALE + 1) == ""
    # Nor does a clock that was set back.
    assert no_gpu(replace(seen, time=NOW + 10), SETTINGS, NOW) == ""


def test_at_its_limits_a_gpu_is_counted_on():
    few = Minute(minute=1, done=5, failed=5, fallbacks=0)
    seen = Conditions(time=NOW, avoid_until=NOW, oldest=LONGEST_QUEUE, minutes=(few,))
    assert no_gpu(seen, SETTINGS, NOW) == ""
    assert no_gpu(seen, Settings(enable_gpu=False), NOW) == "ENABLE_GPU_TRANSCRIPTION is off"


def test_conditions_that_cannot_be_read_never_stop_an_upload(world, monkeypatch, caplog):
    get = world.ports.records.get

    def refusing(collection, key):
        if collection in {conditions.STATE, flags.CONFIG}:
            raise StoreUnavailable("not now")
        return get(collection, key)

    monkeypatch.setattr(world.ports.records, "get", refusing)
    assert upload.on_upload(world.upload(), world.ports).state == "PLANNED"
    assert "the settings apply: not now" in caplog.text


def test_a_document_of_another_version_counts_as_none(world, caplog):
    world.ports.records.create(conditions.STATE, conditions.KEY, {"time": "yesterday"})
    assert conditions.read(world.ports) == Conditions()
    assert "cannot be read" in caplog.text


def test_measured_speeds_stay_when_the_rest_is_stale():
    old = Conditions(time=NOW, running=3, speeds={"parakeet-gpu": Speed(audio=1e4, busy=10.0)})
    assert old.fresh(NOW + STALE) == old
    after = old.fresh(NOW + STALE + 1)
    assert (after.running, after.speed("parakeet-gpu")) == (0, 1000.0)
