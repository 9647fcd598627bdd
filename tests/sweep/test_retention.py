"""Old recordings are deleted by themselves, if a retention is set, and each of them is noted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.adapters.firestore_documents import INDEXES
from shared.errors import Permanent, StoreUnavailable
from shared.flow import record, request, upload
from shared.settings import Settings
from shared.state import answers, audit, dead_letters, documents, failure_log
from shared.sweep import clock_steps, each, retention, sweep
from tests.world import IN_A_PROJECT

DAY = 86_400.0


@pytest.fixture
def ports(world):
    return replace(world.ports, settings=replace(world.settings, retention_days=30.0))


def ended(world, name):
    recording = upload.on_upload(world.upload(name), world.ports)
    return record.fail(recording.id, Permanent("no engine left"), world.ports)


def states(ports):
    return sorted(one.state for one in documents.recordings(ports.records))


def deleted_after(days, world, ports):
    """How many recordings are too old some days later."""
    world.clock.time += days * DAY
    return retention.forget_old(ports)


def test_what_ended_longer_ago_goes_and_is_noted_and_all_else_stays(world, ports):
    old = ended(world, "old.wav")
    world.clock.time += 20 * DAY
    ended(world, "new.wav")
    upload.on_upload(world.upload("at-work.wav"), world.ports)
    world.clock.time += 11 * DAY
    assert sweep.on_tick(ports)["too_old"] == 1
    assert states(ports) == ["DELETED", "FAILED", "PLANNED"]
    [(_, entry)] = audit.entries(ports.records)
    assert (entry.who, entry.action, entry.about) == ("the retention", "forget", (old.id,))
    assert world.ports.store.stat("audio", "old.wav") is not None


def test_the_audio_goes_as_well_if_that_is_set(world, ports):
    ended(world, "old.wav")
    world.clock.time += 31 * DAY
    retention.forget_old(replace(ports, settings=replace(ports.settings, retention_audio=True)))
    assert world.ports.store.stat("audio", "old.wav") is None


def test_without_a_retention_nothing_goes(world):
    ended(world, "old.wav")
    world.clock.time += 3650 * DAY
    assert retention.forget_old(world.ports) == 0
    assert states(world.ports) == ["FAILED"]


def test_all_recordings_are_read_every_six_hours_only_and_many_in_several_ticks(world, ports, monkeypatch):
    monkeypatch.setattr(retention, "LOOKS", 2)
    for number in range(3):
        ended(world, f"{number}.wav")
    assert retention.forget_old(ports) == 0
    assert retention.forget_old(ports) == 0
    world.clock.time += 31 * DAY
    assert [retention.forget_old(ports) for _ in range(3)] == [2, 1, 0]
    ended(world, "next.wav")
    short = replace(ports, settings=replace(ports.settings, retention_days=1.0))
    monkeypatch.setattr(retention, "LOOKS", 100)
    world.clock.time += 2 * DAY
    monkeypatch.setattr(retention, "EVERY", 3 * DAY)
    assert [retention.forget_old(short) for _ in range(2)] == [1, 0]


def test_what_takes_too_long_goes_on_in_the_next_tick(world, ports, monkeypatch):
    for number in range(3):
        ended(world, f"{number}.wav")
    world.clock.time += 31 * DAY
    monkeypatch.setattr(each, "SECONDS", 0.0)
    assert [retention.forget_old(ports) for _ in range(4)] == [1, 1, 1, 0]


def test_one_that_cannot_be_deleted_now_keeps_none_of_the_others(world, ports, monkeypatch):
    bad = min(ended(world, f"{number}.wav").id for number in range(3))
    world.clock.time += 31 * DAY
    forget = retention.forget.forget

    def failing(key, *rest, **more):
        if key == bad:
            raise sweep.Transient("no answer")
        return forget(key, *rest, **more)

    monkeypatch.setattr(retention.forget, "forget", failing)
    with pytest.raises(sweep.Transient, match="failed 1 times"):
        retention.forget_old(ports)
    assert states(ports) == ["DELETED", "DELETED", "FAILED"]
    monkeypatch.undo()
    assert retention.forget_old(ports) == 1


def test_one_that_can_never_be_deleted_is_tried_once_in_a_round_of_many_ticks(world, ports, monkeypatch):
    monkeypatch.setattr(retention, "LOOKS", 2)
    bad = min(ended(world, f"{number}.wav").id for number in range(5))
    world.clock.time += 31 * DAY
    forget, tried = retention.forget.forget, []

    def failing(key, *rest, **more):
        tried.append(key)
        if key == bad:
            raise Permanent("damaged")
        return forget(key, *rest, **more)

    monkeypatch.setattr(retention.forget, "forget", failing)
    with pytest.raises(sweep.Transient, match="failed 1 times"):
        retention.forget_old(ports)
    assert [retention.forget_old(ports) for _ in range(3)] == [2, 1, 0]
    assert tried.count(bad) == 1
    assert states(ports) == ["DELETED"] * 4 + ["FAILED"]


@pytest.mark.parametrize("back", [0.0, -40 * DAY])
def test_a_clock_that_was_ahead_for_a_moment_makes_nothing_old(world, ports, back):
    ended(world, "a.wav")
    assert retention.forget_old(ports) == 0
    world.clock.time += 3600.0
    world.clock.step(40 * DAY)
    assert retention.forget_old(ports) == 0
    ended(world, "b.wav")
    world.clock.step(back)
    assert [deleted_after(days, world, ports) for days in (29, 1.1)] == [0, 2]


def test_what_ended_while_the_clock_was_behind_is_as_old_as_it_is(world, ports):
    ended(world, "from-before.wav")
    world.clock.step(-40 * DAY)
    world.clock.reboot()
    world.clock.time += 3600.0
    assert retention.forget_old(ports) == 0
    ended(world, "a.wav")
    world.clock.time += 60.0
    world.clock.step(40 * DAY)
    assert retention.forget_old(ports) == 0, "although the last round was a minute ago"
    assert [deleted_after(days, world, ports) for days in (29, 1.1)] == [0, 2]


def test_a_step_is_seen_by_a_later_run_of_the_same_boot_and_not_across_a_restart_of_the_machine(world, ports):
    ended(world, "a.wav")
    clock_steps.watch(ports)
    world.clock.step(40 * DAY)
    clock_steps.watch(ports)
    world.clock.reboot()
    assert clock_steps.watch(ports).steps == ((world.clock.now(), 40 * DAY, 1_800_000_000.0 - 1000.0),)
    world.clock.time += 3600.0
    assert retention.forget_old(ports) == 0
    world.clock.step(31 * DAY)
    world.clock.reboot()
    world.clock.time += 3600.0
    assert retention.forget_old(ports) == 1, "a clock that was set, or a machine that was off"


def test_right_after_a_start_of_the_machine_its_clock_may_still_be_set(world, ports):
    ended(world, "a.wav")
    world.clock.time += 31 * DAY
    world.clock.reboot()
    assert retention.forget_old(ports) == 0
    world.clock.time += 600.0
    assert retention.forget_old(ports) == 1


def test_in_a_project_the_clock_is_believed(world, ports):
    ended(world, "a.wav")
    cloud = replace(ports, settings=Settings(**IN_A_PROJECT, retention_days=30.0))
    assert retention.forget_old(cloud) == 0
    world.clock.step(31 * DAY)
    assert retention.forget_old(cloud) == 1


def test_on_one_machine_a_refused_request_goes_when_a_project_would_forget_it(world):
    named = {"uri": "gs://audio/zanzibar.wav", "request_id": "zanzibar"}
    for asked in (named, {"uri": f"gs://audio/{ended(world, 'kept.wav').source.name}", "request_id": "kept"}):
        request.on_request(dead_letters.pushed("m", json.dumps(asked).encode(), {}), world.ports)
    fields = {"recording": "", "zanzibar": "zanzibar"}
    world.ports.records.create(documents.WEBHOOKS, documents.webhook_id(answers.fact("zanzibar")), fields)
    failure_log.note(
        StoreUnavailable("no answer of zanzibar.wav"), world.ports, where="requests", message_id="m", attempt=1,
        attributes={"request_id": "zanzibar"},
    )  # fmt: skip
    days = INDEXES["ttlDays"]["requests"]
    world.clock.time += (days - 0.1) * DAY
    cloud = replace(world.ports, settings=Settings(**IN_A_PROJECT))
    assert retention.age_out(world.ports) == 0
    world.clock.time += 0.2 * DAY
    assert retention.age_out(cloud) == 0, "Firestore does that itself"
    assert sweep.on_tick(world.ports)["aged_out"] == 1
    everywhere = (answers.REQUESTS, documents.WEBHOOKS, failure_log.FAILURES)
    left = json.dumps([list(world.ports.records.query(one)) for one in everywhere])
    assert "zanzibar" not in left
    assert answers.find("kept", world.ports.records).recording


def refused(world, name):
    asked = {"uri": f"gs://audio/{name}.wav", "request_id": name}
    request.on_request(dead_letters.pushed(name, json.dumps(asked).encode(), {}), world.ports)


@pytest.mark.parametrize("seconds", [-120.0, -3600.0, -200 * DAY, 200 * DAY])
def test_no_refused_request_goes_because_the_clock_was_set(world, seconds):
    refused(world, "from-before")
    assert retention.age_out(world.ports) == 0
    world.clock.time += 60.0
    world.clock.step(seconds)
    assert retention.age_out(world.ports) == 0
    refused(world, "from-after")
    for days, gone in ((89.5, 0), (1.0, 2)):
        world.clock.time += days * DAY
        assert retention.age_out(world.ports) == gone


def test_right_after_a_start_of_the_machine_no_refused_request_goes(world):
    refused(world, "a")
    world.clock.time += 91 * DAY
    world.clock.reboot()
    assert retention.age_out(world.ports) == 0
    world.clock.time += 600.0
    assert retention.age_out(world.ports) == 1


def test_a_damaged_request_keeps_no_other_from_going(world):
    names = sorted(("a", "b", "c"), key=answers.key_of)
    for name in names:
        refused(world, name)
    damaged = answers.key_of(names[0])
    world.ports.records.update(answers.REQUESTS, damaged, lambda old: old | {"created": "yesterday"})
    world.clock.time += 91 * DAY
    assert retention.age_out(world.ports) == 2
    assert [key for key, _ in world.ports.records.query(answers.REQUESTS)] == [damaged]
