"""What the sweeper measures every minute for the router."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadMedia, HandedOn, StoreUnavailable
from shared.flow import capacity, chunk, upload
from shared.model import Options
from shared.ports import WorkerState
from shared.routing import conditions, flags, parakeet_share, route
from shared.routing.case import Case
from shared.routing.conditions import no_gpu
from shared.settings import Settings
from shared.state import documents, failure_log
from shared.sweep import observe, stuck, sweep
from shared.sweep.observe import AVOID
from tests.flow.test_capacity import ScriptedJobs, of
from tests.world import heard

NOW = 1_800_000_000.0
GPU = frozenset({"parakeet-gpu", "deepgram"})
SETTINGS = Settings()


class BrokenError(Exception):
    """Not one of ours."""


@pytest.fixture
def jobs():
    return ScriptedJobs()


@pytest.fixture
def ports(world, jobs):
    return replace(world.ports, gpu_jobs=jobs, engines=GPU)


def tick(world, ports, minutes=1):
    for _ in range(minutes):
        world.clock.time += 60
        sweep.start_workers(ports)
    return conditions.read(ports)


def work(world, ports, index, *, audio=100.0, busy=1.0, engine="parakeet-gpu", outcome="heard"):
    """One attempt that ends now."""
    recording = upload.on_upload(world.upload(f"{index}-{engine}-{outcome}.wav"), world.ports)
    result, row = heard(recording, recording.chunks[0], attempt=f"a{index}")
    row = replace(row, engine=engine, audio_seconds=audio, busy_seconds=busy, outcome=outcome)
    chunk.commit_result(replace(result, engine=engine), row, world.ports)


def fail(ports, number, error=None, where="parakeet-gpu"):
    error = error or BrokenError("no")
    failure_log.note(
        error, ports, where=where, message_id=f"m{number}", attempt=1, attributes={"recording": "r"}
    )


def test_the_router_reads_what_the_sweeper_wrote(world, ports, jobs):
    jobs.running = 2
    seen = tick(world, ports)
    assert (seen.time, seen.running, seen.status) == (world.clock.time, 2, "ready")
    assert seen == conditions.read(ports)


def test_a_start_that_met_the_quota_is_remembered_until_one_succeeds(world, ports, jobs):
    upload.on_upload(world.upload(), world.ports)
    jobs.start_status = "quota"
    seen = tick(world, ports)
    assert (seen.status, seen.avoid_until) == ("quota", world.clock.time + AVOID)
    # The list of executions can be read all the while.
    documents.change_recording(
        ports, next(documents.recordings(ports.records)).id, lambda one: replace(one, state="DONE")
    )
    assert tick(world, ports).avoid_until > world.clock.time
    jobs.running = 1
    assert tick(world, ports).avoid_until == 0.0


def test_after_a_while_a_gpu_is_tried_again(world, ports, jobs):
    jobs.status = "quota"
    tick(world, ports)
    jobs.status = "ready"
    assert no_gpu(tick(world, ports), SETTINGS, world.clock.time)
    assert not no_gpu(tick(world, ports, 10), SETTINGS, world.clock.time)


def test_what_waits_is_summed_by_who_is_to_transcribe_it(world, ports):
    upload.on_upload(world.upload("one.wav"), world.ports)
    other = upload.on_upload(world.upload("two.wav"), world.ports)
    chunks = (other.chunks[0], replace(other.chunks[1], engine="deepgram"))
    documents.change_recording(ports, other.id, lambda one: replace(one, chunks=chunks))
    world.clock.time += 100
    found = observe.backlog_of(ports)
    assert (found.chunks, found.oldest) == ({"main": 3}, {"main": 100.0})
    assert found.waiting == {"parakeet": 90.0, "deepgram": 30.0}
    # The chunk that Deepgram has done waits no more, and the others still do.
    result, row = heard(other, chunks[1], engine="deepgram")
    chunk.commit_result(result, replace(row, engine="deepgram"), ports)
    assert observe.backlog_of(ports).waiting == {"parakeet": 90.0}


def test_of_very_many_recordings_some_stand_for_all(world, ports, monkeypatch):
    for number in range(9):
        upload.on_upload(world.upload(f"{number}.wav"), world.ports)
    whole = observe.backlog_of(ports)
    monkeypatch.setattr(observe, "AT_A_TIME", 3)
    assert observe.backlog_of(ports) == whole
    assert whole.chunks == {"main": 18}


def test_a_look_that_comes_late_does_not_undo_a_later_one(world, ports):
    tick(world, ports, 3)
    late = world.clock.time
    world.clock.time -= 60
    sweep.start_workers(ports)
    assert conditions.read(ports).time == late


def test_speeds_are_measured_from_the_ledger_and_the_latest_work_counts_most(world, ports):
    for index in range(10):
        work(world, ports, index, audio=100.0, busy=1.0)
    assert tick(world, ports).speed("parakeet-gpu") is None
    assert tick(world, ports, 2).speed("parakeet-gpu") == pytest.approx(100.0)
    for index in range(10, 30):
        work(world, ports, index, audio=1000.0, busy=1.0)
    found = tick(world, ports, 3)
    assert found.speeds["parakeet-gpu"].audio == pytest.approx(1000 * 0.9 + 20_000)
    assert found.speed("parakeet-gpu") == pytest.approx(20_900 / (10 * 0.9 + 20))
    assert found.speed("deepgram") is None


def test_each_minute_is_counted_once(world, ports):
    work(world, ports, 0)
    fail(ports, 0)
    seen = tick(world, ports, 10)
    assert [(one.done, one.failed) for one in seen.minutes] == [(1, 1)]
    assert seen.speeds["parakeet-gpu"].audio == pytest.approx(100.0)
    assert tick(world, ports, 20).minutes == ()


def test_a_failure_with_a_row_and_a_note_is_one(world, ports):
    work(world, ports, 0, outcome="failed")
    work(world, ports, 1, outcome="failed", engine="deepgram")
    assert tick(world, ports, 3).minutes[0].failed == 1
    work(world, ports, 2, outcome="failed")
    fail(ports, 2)
    seen = tick(world, ports, 3)
    assert seen.minutes[-1].failed == 1
    assert "parakeet-gpu" not in seen.speeds


def test_what_is_the_recordings_fault_or_anothers_is_not_parakeets(world, ports):
    fail(ports, 1, BadMedia("undecodable", "noise"))
    fail(ports, 2, where="deepgram")
    fail(ports, 3, where="merger")
    assert tick(world, ports, 5).minutes == ()
    fail(ports, 4, StoreUnavailable("no"))
    assert tick(world, ports, 5).minutes[0].failed == 1


def test_after_a_long_pause_only_the_last_minutes_are_read(world, ports, monkeypatch):
    tick(world, ports)
    world.clock.time += 86_400
    asked = []
    query = ports.records.query

    def counted(collection, where=None, **more):
        asked.append(collection)
        return query(collection, where, **more)

    monkeypatch.setattr(ports.records, "query", counted)
    tick(world, ports)
    assert asked.count(documents.LEDGER) == observe.REMEMBERED + 1


def test_the_guard_sets_the_rollout_back_and_the_router_obeys(world, ports, caplog):
    case = Case(key="k", size=1, audio=world.media.info, options=Options())
    flags.change({"ROLLOUT_PERCENT": "100"}, ports)
    assert route.choose(case, route.known(ports)).decision.method == "parakeet"
    for minute in range(12):
        for number in range(30):
            fail(ports, f"{minute}.{number}")
        world.clock.time += 60
        sweep.start_workers(ports)
    seen = conditions.read(ports)
    assert seen.rollout.percent == 0.0
    assert "Parakeet's share: set back from 100 % to 0 %" in caplog.text
    # While most attempts fail there is no GPU either; later only the share that was set back remains.
    world.clock.time += 3600
    decision = route.choose(case, route.known(ports)).decision
    assert decision.method == "deepgram"
    assert "set back from 100 %" in decision.reason
    flags.change({"ROLLOUT_PERCENT": "100"}, ports)
    assert route.choose(case, route.known(ports)).decision.method == "parakeet"


def test_a_chunk_that_failed_and_was_handed_over_is_one_that_was_hit(world, ports):
    message = {"recording": "r", "chunk": "0"}
    for attempt in (1, 2, 3):
        failure_log.note(
            BrokenError("no"),
            ports,
            where="parakeet-gpu",
            message_id="m",
            attempt=attempt,
            attributes=message,
        )
    failure_log.note(
        HandedOn("to Deepgram"),
        ports,
        where="parakeet-gpu",
        message_id="r.turn",
        attempt=1,
        attributes=message,
    )
    (minute,) = tick(world, ports, 3).minutes
    assert (minute.done, minute.failed, minute.fallbacks, minute.hit) == (0, 3, 1, 1)


def test_where_no_weights_load_the_rollout_is_set_back_also_in_a_quiet_deployment(world, ports):
    def hand_over(number):
        attributes = {"recording": f"r{number}", "chunk": "0"}
        failure_log.note(
            HandedOn("no weights"), ports, where="parakeet-gpu", message_id=f"r{number}", attempt=1,
            attributes=attributes,
        )  # fmt: skip

    tick(world, ports)
    hand_over(0)
    assert tick(world, ports, 20).rollout.percent == 100.0
    for number in range(1, 16):
        hand_over(number)
        tick(world, ports)
    seen = conditions.read(ports)
    assert seen.rollout.percent == 0.0
    assert "all of Parakeet's chunks failed or went to another engine" in seen.rollout.history[-1].reason


def test_without_deepgram_nobody_guards_because_there_is_nowhere_to_go(world, ports):
    alone = replace(ports, engines=frozenset({"parakeet-gpu"}))
    assert tick(world, alone, 3).rollout is None


def test_hand_overs_are_counted_by_their_code(world, ports):
    failure_log.note(
        type("Handed", (StoreUnavailable,), {"code": parakeet_share.HANDED_ON})("to deepgram"),
        ports, where="parakeet-gpu", message_id="m", attempt=1, attributes={"recording": "r"},
    )  # fmt: skip
    (minute,) = tick(world, ports, 3).minutes
    assert (minute.failed, minute.fallbacks) == (0, 1)


def test_that_no_worker_can_be_had_costs_parakeet_nothing_of_its_share(world, ports):
    jobs = ScriptedJobs(status="quota")
    both = replace(ports, gpu_jobs=jobs)
    for number in range(25):
        upload.on_upload(world.upload(f"{number}.wav"), both)
    for _ in range(20):
        world.clock.time += 60
        stuck.push_stuck(both)
        sweep.start_workers(both)
    notes = [fields["error"] for _, fields in both.records.query(failure_log.FAILURES)]
    assert len(notes) >= 25
    assert set(notes) == {"HandedOnUntried"}
    seen = conditions.read(both)
    assert (seen.status, seen.minutes) == ("quota", ())
    assert seen.rollout.percent == 100.0
    jobs.status = "ready"
    for _ in range(11):
        world.clock.time += 60
        sweep.start_workers(both)
    recording = upload.on_upload(world.upload("later.wav"), both)
    assert recording.decision.method == "parakeet"


def test_a_document_of_another_version_is_replaced(world, ports):
    ports.records.create(conditions.STATE, conditions.KEY, {"time": "yesterday"})
    assert tick(world, ports).time == world.clock.time


def test_state_of_workers_is_asked_once_where_they_were_just_asked(world, ports, jobs, monkeypatch):
    upload.on_upload(world.upload(), world.ports)
    asked = []
    monkeypatch.setattr(jobs, "state", lambda: asked.append(1) or WorkerState(status="ready", running=1))
    tick(world, ports)
    assert len(asked) == 1
    assert capacity.start_workers(of(0), ports, 0.0).state is None
