"""What a worker gives back when it is asked to stop: what is healthy comes again as if it had never been delivered."""

from __future__ import annotations

import threading
import time

import pytest

from gpu_job.pipeline import recogniser, worker
from gpu_job.pipeline.worker import Worker
from shared.errors import CallHangs, StoreUnavailable
from shared.flow import upload
from shared.state import documents
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, due, toned, wait_until, work
from tests.world import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "RECOGNISED_BY", 0.3)
    monkeypatch.setattr(worker, "COMMITTED_BY", 0.6)
    world = World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8)
    yield toned(world)
    world.close()


class Endless(CountingEngine):
    """Is in its first call until it is let go."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def transcribe(self, windows, phrases=(), languages=()):
        self.begun.set()
        self.go_on.wait(60)
        return super().transcribe(windows)


def stopped(world, engine, *, when=lambda _: True, load=None):
    """A worker that is asked to stop as soon as something holds of it; gives what it had done."""
    stop = threading.Event()
    one = Worker(world.ports, load or (lambda _model: engine))
    thread = threading.Thread(target=one.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(lambda: when(one), 20.0)
    finally:
        stop.set()
        thread.join()
        engine.go_on.set()
        one._recogniser.thread.join(10)
    return one.summary


def test_a_healthy_chunk_that_three_workers_gave_back_still_shares_its_batch(world):
    """One is stopped while its weights are loaded, two inside a long call."""
    recordings = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(2)]
    loading = Endless()
    summary = stopped(
        world,
        loading,
        when=lambda one: one._consumer.ready.qsize() == 4,
        load=lambda _model: loading.go_on.wait(60) and loading,
    )
    assert summary.given_back == 4
    for _ in range(2):
        engine = Endless()
        assert stopped(world, engine, when=lambda _, engine=engine: engine.begun.is_set()).given_back == 4
    assert chunks_done(world, recordings[0]) == 0
    engine = CountingEngine()
    work(world, engine, until=lambda: all(chunks_done(world, one) == 2 for one in recordings), together=4)
    assert max(engine.calls) > 2, "a batch of several chunks"
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    assert {row["attempt"][-2:] for row in rows} == {"-1"}


def test_one_that_fails_once_after_three_workers_gave_it_back_is_tried_again_and_not_given_up(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for _ in range(3):
        engine = Endless()
        stopped(world, engine, when=lambda _, engine=engine: engine.begun.is_set())
    engine = CountingEngine()
    engine.failures = 2  # in the batch of both, and one of them alone
    work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"


def test_a_call_that_does_not_end_counts_for_the_chunks_in_it_and_for_no_others(world, monkeypatch):
    monkeypatch.setattr(recogniser, "CALL", 0.2)
    monkeypatch.setattr(recogniser, "SLOWEST", 0.0)
    for i in range(2):
        upload.on_upload(world.upload(f"{i}.wav"), world.ports)
    engine = Endless()
    engine.batch = 1
    one = Worker(world.ports, lambda _model: engine)
    with pytest.raises(CallHangs, match=r"recognising 30 s of chunk \d of \w+ has not returned"):
        one.run(threading.Event(), warm="fake")
    engine.go_on.set()
    assert sorted(one.attempt for one in due(world, 4)) == [1, 1, 1, 2]


def test_a_chunk_whose_result_is_half_written_counts(world, monkeypatch):
    """Its row is in the ledger, so what it costs to do it again needs another one."""
    recording = upload.on_upload(world.upload(), world.ports)
    written, answer = threading.Event(), threading.Event()
    create = type(world.ports.store).create

    def slow(store, bucket, name, *rest):
        if name.endswith("00000.json"):
            written.set()
            answer.wait(60)
            raise StoreUnavailable("The store is away.")
        return create(store, bucket, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(type(world.ports.store), "create", slow)
        engine = CountingEngine()
        engine.go_on = threading.Event()
        summary = stopped(
            world, engine, when=lambda _: written.is_set() and chunks_done(world, recording) == 1
        )
        assert summary.given_back == 1
        assert [one.attempt for one in due(world, 1)] == [2]
        answer.set()
        time.sleep(0.2)
