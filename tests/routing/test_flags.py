from __future__ import annotations

import pytest

from shared.errors import BadRequest, StoreUnavailable
from shared.routing import flags
from shared.settings import Settings


def effective(world):
    return flags.read(world.ports).applied(world.settings)


def test_without_a_document_the_environment_counts(world):
    assert effective(world) == world.settings


def test_a_flag_comes_before_the_environment_at_once(world):
    assert effective(world).enable_gpu
    flags.change({"ENABLE_GPU_TRANSCRIPTION": "false", "ROLLOUT_PERCENT": "10"}, world.ports)
    assert not effective(world).enable_gpu
    assert effective(world).rollout_percent == 10.0
    assert flags.read(world.ports).since["ROLLOUT_PERCENT"] == world.clock.time


def test_an_empty_value_takes_a_flag_away_and_leaves_the_others(world):
    flags.change({"ENABLE_FALLBACK": "false", "TRANSCRIPTION_METHOD": "parakeet"}, world.ports)
    flags.change({"ENABLE_FALLBACK": ""}, world.ports)
    assert effective(world).enable_fallback
    assert effective(world).method == "parakeet"
    assert set(flags.read(world.ports).since) == {"TRANSCRIPTION_METHOD"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ENABLE_GPU", "false", "no flag ENABLE_GPU. Choose from TRANSCRIPTION_METHOD, ENABLE_GPU_TR"),
        ("ENABLE_FALLBACK", "perhaps", "ENABLE_FALLBACK cannot be 'perhaps': it must be true or false"),
        ("ROLLOUT_PERCENT", "101", "ROLLOUT_PERCENT is 101.0: it must be from 0 to 100"),
        (
            "TRANSCRIPTION_METHOD",
            "whisper",
            "TRANSCRIPTION_METHOD cannot be 'whisper': it must be one of auto, parakeet, deepgram, (.*, )?hybrid",
        ),
        ("COST_THRESHOLD_PER_HOUR", "much", "it must be a number"),
        ("ROLLOUT_PERCENT", "nan", "ROLLOUT_PERCENT"),
    ],
)
def test_a_wrong_flag_is_refused_and_changes_nothing(world, name, value, says):
    with pytest.raises(BadRequest, match=says):
        flags.change({name: value}, world.ports)
    assert world.ports.records.get(flags.CONFIG, flags.KEY) is None


def test_a_change_can_be_checked_before_it_is_made(world):
    flags.change({"ROLLOUT_PERCENT": "50"}, world.ports)
    left = flags.check({"ROLLOUT_PERCENT": "", "ENABLE_FALLBACK": "false"}, world.ports)
    assert dict(left.values) == {"ENABLE_FALLBACK": False}
    with pytest.raises(BadRequest, match="ROLLOUT_PERCENT cannot be 'most'"):
        flags.check({"ROLLOUT_PERCENT": "most"}, world.ports)
    assert dict(flags.read(world.ports).values) == {"ROLLOUT_PERCENT": 50.0}


def test_a_document_written_by_hand_is_understood(world):
    written = {"ENABLE_GPU_TRANSCRIPTION": False, "ROLLOUT_PERCENT": 10}
    world.ports.records.create(flags.CONFIG, flags.KEY, written)
    assert (effective(world).enable_gpu, effective(world).rollout_percent) == (False, 10.0)


def test_what_is_wrong_in_a_document_written_by_hand_is_passed_over_and_told(world, caplog):
    written = {
        "ENABLE_FALLBACK": "no idea",
        "COLOUR": "red",
        "ROLLOUT_PERCENT": 500,
        "COST_OPTIMIZATION": "true",
    }
    world.ports.records.create(flags.CONFIG, flags.KEY, written)
    assert effective(world).cost_optimization
    assert effective(world).rollout_percent == 100.0
    for name in ("ENABLE_FALLBACK", "COLOUR", "ROLLOUT_PERCENT"):
        assert name in caplog.text


def test_what_is_wrong_in_the_document_stands_in_no_other_flags_way(world):
    world.ports.records.create("config", "flags", {"ROLLOUT_PERCENT": 300})
    flags.change({"ENABLE_FALLBACK": "false"}, world.ports)
    assert not effective(world).enable_fallback
    with pytest.raises(BadRequest, match=r"ROLLOUT_PERCENT is 101\.0"):
        flags.change({"ROLLOUT_PERCENT": "101"}, world.ports)
    flags.change({"ROLLOUT_PERCENT": "10"}, world.ports)
    assert (effective(world).rollout_percent, effective(world).enable_fallback) == (10.0, False)


@pytest.mark.parametrize("since", ["yesterday", 5, {"ROLLOUT_PERCENT": "yesterday"}])
def test_times_written_by_hand_that_are_none_count_as_unknown(world, since):
    world.ports.records.create(flags.CONFIG, flags.KEY, {"ROLLOUT_PERCENT": 10, "since": since})
    assert flags.read(world.ports).since == {"ROLLOUT_PERCENT": 0.0}


def test_a_change_elsewhere_is_known_after_some_seconds(world):
    assert effective(world).enable_fallback
    world.ports.records.create(flags.CONFIG, flags.KEY, {"ENABLE_FALLBACK": False})
    assert effective(world).enable_fallback
    world.clock.time += flags.CACHED
    assert not effective(world).enable_fallback


def test_records_that_do_not_answer_leave_the_flags_that_were_known(world, monkeypatch, caplog):
    flags.change({"ENABLE_FALLBACK": "false"}, world.ports)
    assert not effective(world).enable_fallback

    def refusing(*_):
        raise StoreUnavailable("not now")

    monkeypatch.setattr(world.ports.records, "get", refusing)
    world.clock.time += 100
    assert not effective(world).enable_fallback
    assert "not now" in caplog.text


def test_two_thresholds_can_be_moved_together(world):
    moved = flags.change({"SHORT_FILE_THRESHOLD_HOURS": "6", "LONG_FILE_THRESHOLD_HOURS": "9"}, world.ports)
    assert moved.applied(Settings()).long_hours == 9.0
