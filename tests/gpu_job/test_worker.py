from __future__ import annotations

import json
import threading
import time

import numpy as np
import pytest

from gpu_job.worker import SUBSCRIPTION, Worker, groups
from shared.audio import Pcm
from shared.errors import BadMedia, ModelUnavailable, StoreUnavailable
from shared.flow import documents, record, upload
from shared.messages import ChunkDone, decode
from shared.ports import Delivery
from shared.results import ChunkResult, Word
from tests.world import World

RATE = 16_000


class ToneMedia:
    """Decodes every chunk to a tone, so that there is something to recognise."""

    def __init__(self, inner):
        self.inner = inner
        self.errors: dict[int, Exception] = {}

    def probe(self, source, **options):
        return self.inner.probe(source, **options)

    def decode(self, source, audio, chunk, *, track):
        if chunk.index in self.errors:
            raise self.errors[chunk.index]
        seconds = chunk.lead + chunk.end - chunk.start
        tone = (8000 * np.sin(np.arange(int(seconds * RATE)) * 0.3)).astype(np.int16)
        return Pcm(samples=tone.tobytes(), start=-chunk.lead, owned=chunk.end - chunk.start)


class CountingEngine:
    """Hears one word a window, and may fail."""

    engine, model, revision, language = "parakeet-cpu", "fake", "1", "en"
    batch = None

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.calls: list[int] = []
        self.failures = 0

    def transcribe(self, windows):
        time.sleep(self.seconds)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("out of memory")
        self.calls.append(len(windows))
        return [(Word(text="tone", start=0.1, end=0.4, confidence=0.5),) for _ in windows]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="fake")
    world.clock.now = time.time  # leases and back-off run in real time here
    world.ports = type(world.ports)(
        **{name: getattr(world.ports, name) for name in world.ports.__dataclass_fields__}
        | {"media": ToneMedia(world.media)}
    )
    yield world
    world.close()


def work(world, engine, *, until, seconds=20.0):
    """Run a worker until something holds."""
    stop = threading.Event()
    worker = Worker(world.ports, lambda _model: engine)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + seconds
    try:
        while not until():
            assert time.monotonic() < deadline, "the worker did not get there"
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    return worker.summary


def chunks_done(world, recording):
    return world.ports.records.count(documents.CHUNKS, {"recording": recording.id})


def state(world, recording):
    return documents.get_recording(world.ports.records, recording.id).state


def test_chunks_become_results_ledger_rows_and_messages(world):
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine()
    summary = work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert summary.chunks == 2
    assert summary.audio_seconds == pytest.approx(60 + 2 * 4 - 4, abs=4)
    assert world.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 2
    assert {decode(one.data, ChunkDone).index for one in world.pull("merger")} == {0, 1}
    assert world.ports.queue.pending(SUBSCRIPTION) == 0


def test_windows_of_several_recordings_share_batches(world):
    recordings = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(3)]
    engine = CountingEngine(seconds=0.3)
    work(world, engine, until=lambda: all(chunks_done(world, one) == 2 for one in recordings))
    assert max(engine.calls) > 2


def test_an_engine_that_knows_better_gets_the_batches_it_likes(world):
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine()
    engine.batch = 1
    work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert set(engine.calls) == {1}


def test_two_messages_about_one_chunk_cost_one_recognition(world):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    upload.on_upload(event, world.ports)
    engine = CountingEngine(seconds=0.3)
    work(world, engine, until=lambda: world.ports.queue.pending(SUBSCRIPTION) == 0)
    assert chunks_done(world, recording) == 2
    assert world.ports.records.count(documents.LEDGER) == 2


def test_an_engine_that_fails_once_is_asked_again_and_the_chunk_runs_alone(world):
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine()
    engine.failures = 1
    work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert state(world, recording) == "PLANNED"


def test_an_engine_that_always_fails_ends_the_recording_with_the_reason(world):
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine()
    engine.failures = 1000
    work(world, engine, until=lambda: state(world, recording) == "FAILED")
    reason = documents.get_recording(world.ports.records, recording.id).reason
    assert "out of memory" in reason
    assert "3 times" in reason


def test_one_bad_chunk_does_not_take_other_recordings_down(world):
    bad = upload.on_upload(world.upload("bad.wav"), world.ports)
    world.ports.media.errors[1] = BadMedia("limit", "This file kept the decoder busy for too long.")
    work(world, CountingEngine(), until=lambda: state(world, bad) == "FAILED")
    world.ports.media.errors.clear()
    good = upload.on_upload(world.upload("good.wav"), world.ports)
    work(world, CountingEngine(), until=lambda: chunks_done(world, good) == 2)
    assert state(world, good) == "PLANNED"


def test_a_stretch_that_cannot_be_decoded_is_empty_with_a_warning(world):
    recording = upload.on_upload(world.upload(), world.ports)
    world.ports.media.errors[0] = BadMedia("undecodable", "Nothing could be decoded from 0.0 s to 30.0 s.")
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)
    done = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert done.state == "DONE"
    assert "Nothing could be decoded from 0.0 s to 30.0 s." in done.warnings
    data = world.ports.store.load("work", f"chunks/{recording.id}/00000.json")
    assert decode(data, ChunkResult).owned == 30.0


def test_a_store_that_does_not_answer_is_asked_again(world):
    recording = upload.on_upload(world.upload(), world.ports)
    world.ports.media.errors[0] = StoreUnavailable("the store is away")
    threading.Timer(0.5, world.ports.media.errors.clear).start()
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)


def test_weights_that_cannot_be_loaded_fail_the_recording_that_asked_for_them(world):
    recording = upload.on_upload(world.upload(), world.ports)

    class Nowhere:
        def __getattr__(self, name):
            raise ModelUnavailable("The weights are not on this machine.")

    work(world, Nowhere(), until=lambda: state(world, recording) == "FAILED")


def test_a_message_that_is_no_chunk_does_not_stop_the_worker(world):
    world.ports.queue.publish("chunks-gpu", b"{}", {"recording": "nobody"})
    recording = upload.on_upload(world.upload(), world.ports)
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)


def test_chunks_in_hand_are_given_back_when_the_worker_is_stopped(world):
    recording = upload.on_upload(world.upload(), world.ports)
    stop = threading.Event()
    stop.set()
    Worker(world.ports, lambda _model: CountingEngine()).run(stop)
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)


def test_a_worker_without_work_ends_by_itself(world):
    started = time.monotonic()
    Worker(world.ports, lambda _model: CountingEngine()).run(threading.Event(), idle_exit=0.3)
    assert time.monotonic() - started < 5


def test_a_lease_is_renewed_while_the_engine_is_slow(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="fake", lease_seconds=3.0)
    world.clock.now = time.time
    world.ports = type(world.ports)(
        **{name: getattr(world.ports, name) for name in world.ports.__dataclass_fields__}
        | {"media": ToneMedia(world.media)}
    )
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine(seconds=4.5)
    work(world, engine, until=lambda: chunks_done(world, recording) == 2, seconds=30)
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    world.close()
    assert len(rows) == 2
    assert all(row["attempt"].endswith("-1") for row in rows)


def test_no_word_ends_after_the_audio(world):
    recording = upload.on_upload(world.upload(), world.ports)

    class Late(CountingEngine):
        def transcribe(self, windows):
            return [
                (Word(text="late", start=len(one) / RATE - 0.02, end=len(one) / RATE + 0.06, confidence=1.0),)
                for one in windows
            ]

    work(world, Late(), until=lambda: chunks_done(world, recording) == 2)
    done = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    name = next(name for name in done.outputs if name.endswith("transcript.json"))
    words = json.loads(world.ports.store.load("transcripts", name))["words"]
    assert max(word["end"] for word in words) <= done.duration


def test_repeated_chunks_are_grouped_alone():
    class One:
        def __init__(self, model, attempt):
            self.message = type("Message", (), {"model": model})
            self.alone = attempt > 1

    a, b, c, d = One("x", 1), One("y", 1), One("x", 1), One("x", 2)
    assert groups([a, b, c, d]) == [[a, c], [b], [d]]


def test_the_delivery_counts_as_alone_from_its_second_attempt():
    from gpu_job.intake import Prepared  # noqa: PLC0415 - only here

    def prepared(attempt):
        delivery = Delivery(
            message_id="m", lease="l", data=b"", attributes={}, attempt=attempt, published=0.0
        )
        pcm = Pcm(samples=b"", start=0.0, owned=0.0)
        return Prepared(delivery=delivery, message=None, pcm=pcm, windows=[])

    assert not prepared(1).alone
    assert prepared(2).alone
