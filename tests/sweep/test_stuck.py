from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs import attempt_rows
from shared.errors import EngineLimit, StoreUnavailable
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone, ChunkMessage, decode, to_fields
from shared.model import Chunk, Options, Recording, StoredObject
from shared.ports import WorkerState
from shared.recovery import fallback, poison
from shared.routing import conditions
from shared.settings import Settings
from shared.state import claims, documents
from shared.sweep import stuck
from tests.flow.test_capacity import ScriptedJobs
from tests.world import IN_A_PROJECT, heard

MINUTE, HOUR = 60.0, 3600.0
SETTINGS = Settings(chunk_minutes=10.0, max_chunks=4)
CHUNKS = tuple(
    Chunk(index=n, start=n * 600.0, end=(n + 1) * 600.0, lead=8.0, tail=8.0, engine="parakeet-gpu")
    for n in range(3)
)


def recording(state="PLANNED", chunks=CHUNKS, published=3):
    source = StoredObject(bucket="audio", name="a.wav", generation=1, size=1)
    return Recording(
        id="x", source=source, options=Options(), state=state, created=0.0, chunks=chunks, published=published
    )


def action(now, *, state="PLANNED", chunks=CHUNKS, published=3, done=0, tries=0, others=0.0):
    """What to do at a time, where the recording last went on at 0 and any other did at `others`."""
    note = stuck.Note(done=done, since=0.0, looked=0.0, tries=tries)
    workers = stuck.Note(done=9, since=others, looked=0.0)
    one = recording(state, chunks, published)
    return stuck.assess(one, note, workers, now, SETTINGS).action


NOBODYS = [{"state": "ACCEPTED", "chunks": ()}, {"published": 0}, {"done": 3}]
"""Not planned, not published, not merged."""


@pytest.mark.parametrize("case", NOBODYS)
def test_one_that_nobody_has_in_hand_is_pushed_after_two_minutes(case):
    assert action(1.9 * MINUTE, **case) == "wait"
    assert action(2 * MINUTE, **case) == "push"


@pytest.mark.parametrize("case", NOBODYS)
def test_such_a_one_is_pushed_five_times_and_has_as_long_as_any_other_in_the_end(case):
    for tries, minutes in enumerate((2, 8, 32, 80, 160)):
        assert action(minutes * MINUTE - 1, tries=tries, **case) == "wait"
        assert action(minutes * MINUTE, tries=tries, **case) == "push"
    assert action(320 * MINUTE - 1, tries=5, **case) == "wait"
    assert action(320 * MINUTE, tries=5, **case) == "give up"


def test_one_that_waits_for_workers_has_as_long_as_a_slow_worker_takes():
    assert action(39 * MINUTE) == "wait"
    assert action(40 * MINUTE) == "push"


def test_one_that_waits_while_others_have_their_turn_has_six_hours():
    assert action(5.9 * HOUR, others=5.8 * HOUR) == "wait"
    assert action(6 * HOUR, others=5.8 * HOUR) == "push"


def test_patience_doubles_with_every_push_and_ends_after_five():
    assert action(79 * MINUTE, tries=1) == "wait"
    assert action(80 * MINUTE, tries=1) == "push"
    assert action(40 * 16 * MINUTE, tries=4) == "push"
    assert action(40 * 32 * MINUTE - 1, tries=5) == "wait"
    assert action(40 * 32 * MINUTE, tries=5) == "give up"


@given(st.floats(0, 1e7), st.floats(0, 1e7), st.integers(0, 3), st.integers(0, 5))
def test_waiting_longer_never_makes_it_less_stuck(first, more, done, tries):
    order = ["wait", "push", "give up"]
    before, after = (action(now, done=done, tries=tries, others=-1e9) for now in (first, first + more))
    assert order.index(before) <= order.index(after)


@pytest.fixture
def tick(world):
    """Lets minutes pass, with a sweep after each; gives how many recordings were acted on."""

    def ticks(minutes=1):
        acted = 0
        for _ in range(minutes):
            world.clock.time += MINUTE
            acted += stuck.push_stuck(world.ports)
        return acted

    return ticks


def state_of(world, one):
    return documents.get_recording(world.ports.records, one.id).state


def test_lost_chunk_messages_are_published_again(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    chunk.commit_result(*heard(one, one.chunks[0]), world.ports)
    assert tick(9) == 0
    assert world.pull("cpu-worker") == []
    assert tick(3) == 1
    (message,) = world.pull("cpu-worker")
    assert message.attributes["chunk"] == "1"


def handed_over(message, world):
    fallback.hand_over(message, EngineLimit("It killed its workers."), world.ports)


def begun_alone(message, world):
    row = attempt_rows.worker_row(
        message, world.ports, engine="parakeet-cpu", attempt="", busy_seconds=0.0, decoded=30.0
    )
    poison.begin(row, world.ports)


@pytest.mark.parametrize("begin", [handed_over, begun_alone])
def test_what_was_given_to_an_engine_a_moment_ago_is_not_published_again(world, tick, begin):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    one = upload.on_upload(world.upload(), world.ports)
    first, second = (decode(each.data, ChunkMessage) for each in world.pull("cpu-worker"))
    chunk.commit_result(*heard(one, first.chunk), world.ports)
    assert tick(9) == 0
    begin(second, world)
    assert tick(9) == 0
    assert tick(3) == 1, "if that was in vain, too, it is published again"


def test_a_lost_last_message_to_the_merger_is_published_again(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    for each in one.chunks:
        chunk.commit_result(*heard(one, each), world.ports)
    world.pull("merger")
    assert tick(4) == 1
    assert len(world.pull("merger")) == 1


def test_a_router_that_died_after_accepting_is_made_good(world, tick):
    world.upload()
    one = upload.accept(world.ports.store.stat("audio", "talk.wav"), Options(), world.ports)
    assert tick(4) == 1
    assert state_of(world, one) == "PLANNED"
    assert len(world.pull("cpu-worker")) == 2


def test_a_recording_that_goes_on_is_left_alone(world, tick):
    world.media.info = replace(world.media.info, duration=600.0)
    one = upload.on_upload(world.upload(), world.ports)
    for each in one.chunks:
        assert tick(9) == 0
        chunk.commit_result(*heard(one, each), world.ports)


def test_what_never_moves_ends_as_failed_with_a_reason(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    assert tick(11 * 64) == stuck.MOST_TRIES + 1
    failed = documents.get_recording(world.ports.records, one.id)
    assert (failed.state, failed.announced) == ("FAILED", True)
    assert "0 of 2 chunks done" in failed.reason
    assert "tried 5 more times" in failed.reason
    assert tick(100) == 0


def test_progress_gives_all_tries_back(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    tick(10 * 16)
    chunk.commit_result(*heard(one, one.chunks[0]), world.ports)
    assert tick(9) == 0
    assert tick(3) == 1
    assert tick(10 * 31) == 4
    assert state_of(world, one) == "PLANNED"


def test_after_a_night_in_which_nothing_ran_nothing_is_stuck(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    tick(5)
    for _ in range(10):
        world.clock.time += 12 * HOUR
        assert tick(5) == 0
    assert state_of(world, one) == "PLANNED"


def test_a_recording_opened_again_starts_with_all_its_tries(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    tick(11 * 64)
    upload.reopen(one, world.ports)
    upload.take(one.source, one.options, world.ports)
    assert tick(9) == 0
    assert state_of(world, one) == "PLANNED"


def test_a_push_that_cannot_be_made_now_does_not_keep_the_others_waiting(world, tick):
    for name in ("a.wav", "b.wav"):
        world.upload(name)
        upload.accept(world.ports.store.stat("audio", name), Options(), world.ports)
    world.media.error = StoreUnavailable("not now")
    assert tick(4) == 2
    world.media.error = None
    assert tick(9) == 2
    assert len(world.pull("cpu-worker")) == 4


def test_a_recording_done_meanwhile_stays_done(world, tick):
    one = upload.on_upload(world.upload(), world.ports)
    tick(5)
    for each in one.chunks:
        chunk.commit_result(*heard(one, each), world.ports)
    record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports)
    assert tick(100) == 0
    assert state_of(world, one) == "DONE"


class NoWorkers:
    """Cloud Run, where none can be started."""

    def __init__(self, status="quota"):
        self.now = WorkerState(status=status, running=0, reason="No L4 is left in this region.")

    def state(self):
        return self.now

    def start(self, tasks):
        return self.now


@pytest.fixture
def two_engines(world):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}), gpu_jobs=NoWorkers())
    return upload.on_upload(world.upload(), world.ports)


def turns(world):
    return [decode(one.data, ChunkMessage).turn for one in world.pull("deepgram")]


@pytest.mark.parametrize("status", ["quota", "pending"])
def test_where_no_worker_can_be_had_its_chunks_go_to_another_engine_within_minutes(
    world, two_engines, tick, status
):
    world.ports = replace(world.ports, gpu_jobs=NoWorkers(status))
    assert tick(2) == 0
    assert tick(2) == 1
    assert turns(world) == [1, 1]
    [claim, _] = claims.of_recording(two_engines.id, world.ports.records).values()
    assert "quiet for 3 min. The workers: No L4 is left in this region." in claim.tried[0].reason
    assert tick(8) == 0, "the other engine has its time, too"


def test_that_no_worker_can_be_started_is_known_though_the_list_of_those_that_run_can_be_read(
    world, two_engines, tick
):
    world.ports = replace(world.ports, gpu_jobs=NoWorkers("ready"))
    sees = conditions.Conditions(time=world.clock.now(), status="quota", said="No L4.", avoid_until=2e9)
    world.ports.records.create(conditions.STATE, conditions.KEY, to_fields(sees))
    assert tick(4) == 1
    assert turns(world) == [1, 1]


def test_where_no_other_engine_may_take_them_its_chunks_wait_as_long_as_ever(world, tick):
    world.ports = replace(world.ports, gpu_jobs=NoWorkers())
    upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    assert tick(9) == 0
    assert tick(2) == 1
    assert len(world.pull("cpu-worker")) == 2


def test_what_no_worker_with_a_gpu_takes_goes_past_the_processors_beside_the_gpus(world, tick):
    settings = replace(world.settings, **IN_A_PROJECT, engines="parakeet-gpu,parakeet-cpu")
    engines = frozenset({"parakeet-gpu", "parakeet-cpu", "deepgram"})
    world.ports = replace(world.ports, settings=settings, engines=engines, gpu_jobs=NoWorkers())
    one = upload.on_upload(world.upload(), world.ports)
    assert {each.engine for each in one.chunks} == {"parakeet-gpu"}
    assert tick(4) == 1
    assert turns(world) == [1, 1]


def test_what_no_worker_with_a_gpu_takes_goes_to_the_workers_without_one(world, tick):
    settings = replace(world.settings, **IN_A_PROJECT, engines="parakeet-gpu,parakeet-cpu", cpu_job="cpu")
    engines = frozenset({"parakeet-gpu", "parakeet-cpu", "deepgram"})
    there = ScriptedJobs()
    world.ports = replace(
        world.ports, settings=settings, engines=engines, gpu_jobs=NoWorkers(), cpu_jobs=there
    )
    upload.on_upload(world.upload(), world.ports)
    assert there.started == []
    assert tick(4) == 1
    assert turns(world) == []
    assert [decode(one.data, ChunkMessage).turn for one in world.pull("cpu-worker")] == [1, 1]
    assert there.started == [1]
    assert tick(8) == 0, "they have their time"


def test_what_neither_workers_take_goes_to_deepgram(world, tick):
    settings = replace(world.settings, **IN_A_PROJECT, engines="parakeet-gpu,parakeet-cpu", cpu_job="cpu")
    engines = frozenset({"parakeet-gpu", "parakeet-cpu", "deepgram"})
    world.ports = replace(
        world.ports,
        settings=settings,
        engines=engines,
        gpu_jobs=NoWorkers(),
        cpu_jobs=NoWorkers("missing"),
    )
    one = upload.on_upload(world.upload(), world.ports)
    assert tick(4) == 1
    assert turns(world) == [1, 1]
    assert {claim.engine for claim in claims.of_recording(one.id, world.ports.records).values()} == {
        "deepgram"
    }


@pytest.mark.parametrize("status", ["ready", "unreachable"])
def test_where_workers_may_come_its_chunks_stay_theirs(world, two_engines, tick, status):
    world.ports = replace(world.ports, gpu_jobs=NoWorkers(status))
    assert tick(11) == 1
    assert turns(world) == []
    assert claims.of_recording(two_engines.id, world.ports.records) == {}


def test_what_pushing_did_not_help_goes_to_another_engine_before_it_fails_with_every_reason(
    world, two_engines, tick
):
    world.ports = replace(world.ports, gpu_jobs=NoWorkers("ready"))
    while not turns(world):
        tick(10)
    assert documents.get_recording(world.ports.records, two_engines.id).state == "PLANNED"
    while (found := documents.get_recording(world.ports.records, two_engines.id)).state == "PLANNED":
        tick(60)
    assert found.code == "NoEngineLeft"
    assert "Parakeet on a CPU: It made no progress" in found.reason
    assert "Deepgram: It made no progress" in found.reason
