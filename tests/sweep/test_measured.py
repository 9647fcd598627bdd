"""What a sweep measures, and that it never fails for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout.state import Images, Rollout
from shared.errors import StoreUnavailable
from shared.flow import upload
from shared.messages import to_fields
from shared.state import documents
from shared.sweep import measured, sweep
from tests.measured import listening
from tests.world import heard


@pytest.fixture
def told():
    with listening() as told:
        yield told


def ended(world, name, state, ago):
    recording = upload.on_upload(world.upload(name), world.ports)
    finished = world.clock.time - ago
    return documents.change_recording(
        world.ports, recording.id, lambda one: replace(one, state=state, finished=finished)
    )


def test_recordings_are_counted_by_what_becomes_of_them(world, told):
    for name, state, held in (
        ("a", "ACCEPTED", ""),
        ("b", "PLANNED", ""),
        ("c", "ACCEPTED", "too dear"),
        ("d", "DONE", ""),
    ):
        one = replace(upload.on_upload(world.upload(name), world.ports), state=state, held=held)
        documents.put(documents.RECORDINGS, one.id, one, world.ports)
    measured.measure_state(world.ports)
    assert told.of("open_recordings") == [
        (1, {"state": "accepted"}), (1, {"state": "planned"}), (1, {"state": "held"}),
    ]  # fmt: skip


def test_the_age_of_the_last_transcript_passes_over_other_ends(world, told):
    ended(world, "old", "DONE", 7200.0)
    ended(world, "good", "DONE", 600.0)
    ended(world, "bad", "FAILED", 10.0)
    measured.measure_state(world.ports)
    assert told.of("transcript_age_seconds") == [(600.0, {})]


def test_without_any_transcript_its_age_is_the_longest(world, told):
    ended(world, "bad", "FAILED", 10.0)
    measured.measure_state(world.ports)
    assert told.of("transcript_age_seconds") == [(measured.LONGEST_AGE, {})]


def test_a_rollout_that_nobody_guards_is_measured_and_one_that_waits_for_a_person_is_not(world, told):
    nothing, now = Images(functions="a@sha256:1"), world.clock.time
    rollout = Rollout(old=nothing, new=nothing, phase="shifting", began=now - 9000, since=now - 700)

    def stored(**changes):
        documents.put("state", "release", replace(rollout, **changes), world.ports)
        measured.measure_state(world.ports)

    measured.measure_state(world.ports)
    stored()
    stored(guarded=now - 20)
    stored(phase="returning", guarded=now - 600)
    stored(phase="finishing")
    expected = [0.0, 700.0, 20.0, 600.0, 0.0]
    assert told.of("rollout_unguarded_seconds") == [(one, {}) for one in expected]


def test_a_record_of_a_rollout_that_somebody_damaged_fails_no_sweep(world, told):
    """By hand, into the document."""
    fields = {"phase": "shifting", "since": "yesterday", "guarded": 1.0}
    world.ports.records.create("state", "release", fields)
    measured.measure_state(world.ports)
    assert told.of("rollout_unguarded_seconds") == []
    assert told.of("spend_today_usd") == [(0.0, {})]


def test_the_spending_of_today_is_the_sum_of_its_rows(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    _, row = heard(recording, recording.chunks[0])
    for number, (day, usd) in enumerate([("2027-01-15", 0.25), ("2027-01-15", 0.5), ("2027-01-14", 9.0)]):
        fields = to_fields(replace(row, day=day, usd=usd))
        world.ports.records.create(documents.LEDGER, str(number), fields)
    measured.measure_state(world.ports)
    assert told.of("spend_today_usd") == [(0.75, {})]


def test_a_tick_measures_what_waits_and_zero_where_nothing_does(world, told):
    upload.on_upload(world.upload(), world.ports)
    sweep.on_tick(world.ports)
    [(seconds, labels)] = told.of("waiting_audio_seconds")
    assert (seconds, labels) == (60.0, {"who": "parakeet"})


def test_what_cannot_be_read_is_left_out_and_the_rest_measured(world, told, monkeypatch):
    def away(*_arguments):
        raise StoreUnavailable("away")

    monkeypatch.setattr(type(world.ports.records), "newest", away)
    measured.measure_state(world.ports)
    assert told.of("transcript_age_seconds") == []
    assert told.of("spend_today_usd") == [(0.0, {})]


def test_where_nobody_listens_nothing_is_read(world, monkeypatch):
    monkeypatch.setattr(type(world.ports.records), "count", None)
    measured.measure_state(world.ports)
