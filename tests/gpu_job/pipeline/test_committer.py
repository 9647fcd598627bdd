"""What becomes of a chunk. One that ends the process of its worker goes to the next engine; its neighbours do not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gpu_job.pipeline import committer
from gpu_job.pipeline.chunk_job import prepare
from gpu_job.pipeline.worker import Worker
from shared.engines import DEEPGRAM, PARAKEET_CPU
from shared.errors import BadMedia, Damaged, ModelUnavailable, NewerVersion, StoreUnavailable
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.state import dead_letters, documents, failure_log, ledger, patience
from tests.gpu_job.pipeline.test_inflight import Steps, soon, waiting
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, state, toned, wait_until, work
from tests.gpu_job.pipeline.test_worker_give_back import Endless, stopped
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = toned(
        World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8, api_keys={"deepgram": "key"})
    )
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    yield world
    world.close()


@pytest.fixture
def one_chunk(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=1.0, model="fake"))
    yield world
    world.close()


@pytest.fixture
def pulled(one_chunk):
    """The pipeline's last step, with a message in flight."""
    steps = Steps(one_chunk.ports)
    recording = upload.on_upload(one_chunk.upload(), one_chunk.ports)
    [delivery] = one_chunk.ports.queue.pull(PARAKEET_CPU.subscription, 1, 60.0)
    steps.inflight.add(PARAKEET_CPU.subscription, [delivery])
    return one_chunk, steps, recording, delivery


def prepared(world, delivery):
    return prepare(delivery, decode(delivery.data, ChunkMessage), world.ports, share=1.0)


def test_a_result_is_durable_and_announced_before_its_message_is_acknowledged(pulled):
    world, steps, recording, delivery = pulled
    found = []

    def ack(subscription, lease):
        name = f"chunks/{recording.id}/00000.json"
        found.append(world.ports.records.count(documents.LEDGER))
        found.append(world.ports.store.load("work", name) is not None)
        found.append(chunks_done(world, recording))
        found.append(world.ports.queue.pending("merger"))
        return world.ports.queue.ack(subscription, lease)

    steps.inflight._queue = SimpleNamespace(ack=ack)
    steps.recognised(prepared(world, delivery))
    soon(lambda: len(found) == 4 and len(steps.inflight) == 0)
    assert found == [1, True, 1, 1]
    soon(lambda: waiting(world) == 0)


@pytest.fixture
def refusing(monkeypatch):
    """Lets a port refuse a method until it is told to allow it again; gives what was refused."""

    def refuse(port, method):
        refused, allowed, right = [], threading.Event(), getattr(port, method)

        def refusing(*given):
            if allowed.is_set():
                return right(*given)
            refused.append(given)
            raise StoreUnavailable("not now")

        monkeypatch.setattr(port, method, refusing)
        return refused, allowed.set

    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 0.01)
    return refuse


@pytest.mark.parametrize(
    ("port", "method"), [("records", "create"), ("store", "create"), ("queue", "publish")]
)
def test_a_result_stays_in_flight_until_it_can_be_written_and_is_not_computed_again(
    pulled, refusing, port, method
):
    world, steps, recording, delivery = pulled
    refused, allow = refusing(getattr(world.ports, port), method)
    steps.recognised(prepared(world, delivery))
    soon(lambda: len(refused) > 3)
    assert (len(steps.inflight), len(steps.committer.unfinished)) == (1, 1)
    allow()
    soon(lambda: waiting(world) == 0)
    assert (chunks_done(world, recording), len(steps.inflight)) == (1, 0)
    [(_, row)] = world.ports.records.query(documents.LEDGER)
    assert row["outcome"] == "heard"


def test_the_row_of_a_failed_attempt_is_written_once_it_can_be(pulled, refusing):
    world, steps, _, delivery = pulled
    refused, allow = refusing(world.ports.records, "create")
    steps.committer.failed([prepared(world, delivery)], RuntimeError("broke"), CountingEngine())
    soon(lambda: len(refused) > 3)
    allow()
    soon(lambda: len(steps.inflight) == 0)
    [(_, row)] = world.ports.records.query(documents.LEDGER)
    assert row["outcome"] == "failed"


def test_what_becomes_of_a_failed_chunk_is_decided_once_it_can_be_stored_and_no_engine_is_asked_again(
    pulled, refusing
):
    world, steps, recording, delivery = pulled
    refused, allow = refusing(world.ports.records, "update")
    steps.committer.failed([prepared(world, delivery)], ModelUnavailable("There are no weights."))
    soon(lambda: len(refused) > 3)
    assert (len(steps.inflight), waiting(world), state(world, recording)) == (1, 1, "PLANNED")
    allow()
    soon(lambda: len(steps.inflight) == 0)
    assert (waiting(world), state(world, recording)) == (0, "FAILED")
    assert world.ports.records.count(failure_log.FAILURES) == 1


def test_what_a_later_release_decided_is_given_back_at_once(pulled, monkeypatch):
    world, steps, recording, delivery = pulled

    def newer(*_, **__):
        raise NewerVersion("there is no engine of that name")

    monkeypatch.setattr(committer.fallback, "give_up", newer)
    steps.committer.failed([prepared(world, delivery)], ModelUnavailable("There are no weights."))
    soon(lambda: len(steps.inflight) == 0)
    assert (waiting(world), state(world, recording)) == (1, "PLANNED")


def test_what_cannot_be_decoded_keeps_no_decoder_waiting(pulled, refusing):
    world, steps, recording, delivery = pulled
    refused, _ = refusing(world.ports.records, "update")
    steps.committer.decoding_failed(delivery, BadMedia("limit", "It kept the decoder busy for too long."))
    assert (len(refused), len(steps.inflight), waiting(world)) == (1, 0, 1)
    assert state(world, recording) == "PLANNED"


def test_a_worker_that_ends_waits_no_longer_for_what_cannot_be_written(pulled, refusing, monkeypatch):
    world, steps, _, delivery = pulled
    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 100.0)
    refused, _ = refusing(world.ports.store, "create")
    steps.recognised(prepared(world, delivery))
    soon(lambda: refused)
    steps.committer.close()
    steps.committer.finish(10.0)
    assert steps.committer.unfinished == frozenset()
    assert (len(refused), len(steps.inflight), waiting(world)) == (1, 0, 1)


def test_after_the_close_nothing_is_committed(pulled):
    world, steps, recording, delivery = pulled
    job = prepared(world, delivery)
    steps.committer.close()
    steps.recognised(job)
    steps.committer.failed([job], RuntimeError("broke"))
    steps.committer.finish(5.0)
    assert (chunks_done(world, recording), len(steps.inflight), waiting(world)) == (0, 1, 1)
    assert steps.committer.unfinished == frozenset()
    assert world.ports.records.count(failure_log.FAILURES) == 0


def test_a_chunk_that_is_not_wanted_is_acknowledged_and_gives_no_job(pulled):
    world, steps, recording, delivery = pulled
    message = decode(delivery.data, ChunkMessage)
    assert steps.committer.wants(delivery, message, 1.0)
    world.ports.records.create(
        documents.CHUNKS, documents.chunk_key(recording.id, 0), {"recording": recording.id}
    )
    steps.inflight._messages[delivery.lease].chunk = None
    assert not steps.committer.wants(delivery, message, 1.0)
    assert (len(steps.inflight), waiting(world)) == (0, 0)


@pytest.mark.parametrize(
    ("error", "now", "left"),
    [
        (BadMedia("limit", "It kept the decoder busy for too long."), "FAILED", 0),
        (StoreUnavailable("The store is away."), "PLANNED", 1),
    ],
)
def test_what_cannot_be_decoded_ends_its_recording_or_comes_again(pulled, error, now, left):
    world, steps, recording, delivery = pulled
    steps.committer.decoding_failed(delivery, error)
    assert (state(world, recording), waiting(world), len(steps.inflight)) == (now, left, 0)


def test_a_damaged_claim_ends_its_recording_and_a_retry_replaces_it(pulled):
    world, steps, recording, delivery = pulled
    key = documents.chunk_key(recording.id, 0)
    world.ports.records.create("claims", key, {"recording": recording.id, "turn": "one"})
    with pytest.raises(Damaged) as caught:
        steps.committer.wants(delivery, decode(delivery.data, ChunkMessage), 1.0)
    steps.committer.decoding_failed(delivery, caught.value)
    assert (waiting(world), state(world, recording)) == (0, "FAILED")
    failed = documents.get_recording(world.ports.records, recording.id)
    assert f"The document claims/{key} cannot be read" in failed.reason
    upload.reopen(failed, world.ports)
    upload.take(recording.source, recording.options, world.ports)
    [again] = world.ports.queue.pull(PARAKEET_CPU.subscription, 10, 60.0)
    steps.inflight.add(PARAKEET_CPU.subscription, [again])
    assert steps.committer.wants(again, decode(again.data, ChunkMessage), 1.0)


def test_a_message_of_a_recording_that_cannot_be_read_is_kept_as_a_dead_letter(pulled):
    world, steps, recording, delivery = pulled
    world.ports.records.update("recordings", recording.id, lambda fields: fields | {"created": "today"})
    with pytest.raises(Damaged) as caught:
        steps.committer.wants(delivery, decode(delivery.data, ChunkMessage), 1.0)
    steps.committer.decoding_failed(delivery, caught.value)
    assert waiting(world) == 0
    [letter] = dead_letters.newest(world.ports.records, 9)
    assert f"The document recordings/{recording.id} cannot be read" in letter.error


def test_what_failed_is_noted(pulled):
    world, steps, recording, delivery = pulled
    steps.committer.decoding_failed(delivery, StoreUnavailable("The store is away."))
    [(_, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (noted["recording"], noted["chunk"], noted["where"]) == (recording.id, 0, "parakeet-cpu")
    assert (noted["error"], noted["reason"]) == ("StoreUnavailable", "The store is away.")


def test_only_unexpected_failures_count_and_not_the_number_of_the_delivery(pulled):
    world, steps, recording, delivery = pulled
    for number in (9, 10):
        again = replace(delivery, attempt=number)
        steps.inflight.add(PARAKEET_CPU.subscription, [again])
        steps.committer.decoding_failed(again, RuntimeError("broke"))
        assert state(world, recording) == "PLANNED"
    last = replace(delivery, attempt=11)
    steps.committer.decoding_failed(last, RuntimeError("broke"))
    assert state(world, recording) == "FAILED"
    assert "failed 3 times" in documents.get_recording(world.ports.records, recording.id).reason


@contextmanager
def killed(world, engine, *, only=None):
    """A worker that is killed in a call of its engine: it writes nothing more, and its messages are redelivered.

    With `only`, nothing else than the chunk of this index is there to be pulled.
    """
    with world.database.write() as connection:
        others = "attributes NOT LIKE ?" if only is not None else "? IS NULL"
        connection.execute(f"UPDATE messages SET due = due + 1e6 WHERE {others}", (f'%"chunk": "{only}"%',))
    stop = threading.Event()
    worker = Worker(world.ports, lambda _model: engine)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    wait_until(engine.begun.is_set, 20.0)
    worker._consumer.stop()
    worker._consumer.join(5.0)
    worker._committer.close()
    worker._committer.release = lambda _: None
    with world.database.write() as connection:
        connection.execute("UPDATE messages SET lease = NULL, owner = NULL, due = 0")
    world.later += world.settings.lease_seconds
    yield
    engine.go_on.set()
    stop.set()
    thread.join()


def handed_over(world):
    return [decode(one.data, ChunkMessage) for one in world.pull(DEEPGRAM.subscription)]


def test_it_runs_alone_the_second_and_third_time_and_goes_to_the_next_engine_after_that(world):
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()), killed(world, Endless(), only=0), killed(world, Endless(), only=0):
        # The other one was in hand only, and is tried on.
        work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 1)
        wait_until(lambda: world.ports.queue.pending(DEEPGRAM.subscription), 20.0)
        [message] = handed_over(world)
    assert (message.chunk.engine, message.chunk.index) == ("deepgram", 0)
    assert "died 2 times without an error message" in message.tried[0].reason
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    assert sorted((row["chunk"], row["outcome"]) for row in rows) == [(0, "open"), (0, "open"), (1, "heard")]


def test_two_kills_of_a_healthy_worker_prove_nothing(world):
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()), killed(world, Endless(), only=0):
        work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)
    assert handed_over(world) == []
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    assert sorted(row["outcome"] for row in rows) == ["heard", "heard", "open"]


def test_one_that_failed_alone_and_said_so_is_tried_again(world):
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()):
        engine = CountingEngine()
        engine.failures = 2
        work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert handed_over(world) == []


def test_without_another_engine_its_recording_ends_and_it_is_not_run_again(world):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu"}))
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()), killed(world, Endless(), only=0), killed(world, Endless(), only=0):
        work(world, CountingEngine(), until=lambda: state(world, recording) == "FAILED")
    assert (
        "most often it ran out of memory" in documents.get_recording(world.ports.records, recording.id).reason
    )


def test_what_a_stopping_worker_gives_back_while_it_runs_alone_leaves_no_open_row(world):
    upload.on_upload(world.upload(), world.ports)
    for _ in range(2):
        with killed(world, Endless()):
            pass
    [row] = [row for _, row in world.ports.records.query(documents.LEDGER)]
    assert row["outcome"] == "open"
    engine = Endless()
    stopped(world, engine, when=lambda _: engine.begun.is_set())
    rows = [row for _, row in world.ports.records.query(documents.LEDGER)]
    assert sorted(row["outcome"] for row in rows) == ["lost", "open"]
    assert sum(row["usd"] for row in rows) == 0.0


def test_two_deliveries_of_one_number_leave_two_rows(pulled):
    world, steps, recording, delivery = pulled
    for _ in range(2):
        steps.committer.failed([prepared(world, delivery)], RuntimeError("broke"), CountingEngine())
    soon(lambda: world.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 2)


def test_a_row_that_could_not_be_ended_is_ended_before_the_next_one_begins(pulled, monkeypatch):
    world, steps, recording, delivery = pulled
    first, second = prepared(world, delivery), prepared(world, replace(delivery, message_id="another"))
    steps.committer.isolated_begins(first, CountingEngine())
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "write", away)
        patch.setattr(committer, "PATIENCE", 0.0)
        steps.committer.failed([first], StoreUnavailable("not now"), CountingEngine())
        soon(lambda: not steps.committer.unfinished)
    steps.committer.isolated_begins(second, CountingEngine())
    rows = ledger.numbered(recording.id, 0, "parakeet-cpu", world.ports)
    assert [row.outcome for row in rows] == ["lost", "open"]


def away(*_):
    raise StoreUnavailable("The records are away.")
