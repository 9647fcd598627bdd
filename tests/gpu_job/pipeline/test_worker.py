from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from gpu_job.pipeline import batcher
from gpu_job.pipeline import worker as worker_module
from gpu_job.pipeline.worker import Worker
from gpu_job.speech.transcriber import EngineLost, OutOfMemory
from local.backend.sqlite.queue import SqliteQueue
from shared.audio import Pcm
from shared.engines import PARAKEET_CPU
from shared.errors import BadMedia, ModelUnavailable, StoreUnavailable, Transient
from shared.flow import record, upload
from shared.messages import ChunkDone, decode, from_fields
from shared.results import ChunkResult, Word
from shared.state import documents
from shared.state.claims import CLAIMS, Claim
from tests.world import World

RATE = 16_000


class ToneMedia:
    """Decodes every chunk to a tone, so that there is something to recognise."""

    def __init__(self, inner):
        self.inner = inner
        self.errors: dict[int, Exception] = {}

    def probe(self, source, **options):
        return self.inner.probe(source, **options)

    def decode(self, source, audio, chunk, *, track, both="no"):
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

    def memory(self):
        return None

    def transcribe(self, windows, phrases=(), languages=()):
        time.sleep(self.seconds)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("out of memory")
        self.calls.append(len(windows))
        return [(Word(text="tone", start=0.1, end=0.4, confidence=0.5),) for _ in windows]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8)
    yield toned(world)
    world.close()


def toned(world):
    """The world with sound in it, with leases that run in real time, or `world.later` seconds ahead, and a short back-off."""
    world.later = 0.0
    world.clock.now = lambda: time.time() + world.later
    topology = world.ports.queue.topology
    hurried = tuple(replace(one, min_backoff=0.05, max_backoff=0.05) for one in topology.subscriptions)
    queue = SqliteQueue(world.database, world.clock, replace(topology, subscriptions=hurried))
    world.ports = replace(world.ports, media=ToneMedia(world.media), queue=queue)
    return world


def work(world, engine, *, until, seconds=20.0, together=0, warm="fake"):
    """Run a worker until something holds; its first round has so many chunks together."""
    stop = threading.Event()

    def load(_model):
        wait_until(lambda: worker._consumer.ready.qsize() >= together, seconds)
        return engine

    worker = Worker(world.ports, load)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": warm})
    thread.start()
    try:
        wait_until(until, seconds)
    finally:
        stop.set()
        thread.join()
    return worker.summary


def wait_until(holds, seconds):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the worker did not get there"
        time.sleep(0.02)


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
    assert world.ports.queue.pending(PARAKEET_CPU.subscription) == 0


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
    work(world, engine, until=lambda: world.ports.queue.pending(PARAKEET_CPU.subscription) == 0)
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

    work(world, Nowhere(), until=lambda: state(world, recording) == "FAILED", warm=None)


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
    worker = Worker(world.ports, lambda _model: CountingEngine())
    worker.run(threading.Event(), idle_exit=0.3, warm="fake")
    assert time.monotonic() - started < 30
    assert str(worker.summary).endswith("; nothing to do")


def test_a_lease_is_renewed_while_the_engine_is_slow(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=0.5, model="fake", lease_seconds=3.0))
    recording = upload.on_upload(world.upload(), world.ports)
    engine = CountingEngine(seconds=4.0)
    work(world, engine, until=lambda: chunks_done(world, recording) == 2, seconds=30, together=2)
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    world.close()
    assert len(rows) == 2
    assert all(row["attempt"].endswith("-1") for row in rows)


def test_no_word_ends_after_the_audio(world):
    recording = upload.on_upload(world.upload(), world.ports)

    class Late(CountingEngine):
        def transcribe(self, windows, phrases=(), languages=()):
            return [
                (Word(text="late", start=len(one) / RATE - 0.02, end=len(one) / RATE + 0.06, confidence=1.0),)
                for one in windows
            ]

    work(world, Late(), until=lambda: chunks_done(world, recording) == 2)
    done = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    name = next(name for name in done.outputs if name.endswith("transcript.json"))
    words = json.loads(world.ports.store.load("transcripts", name))["words"]
    assert max(word["end"] for word in words) <= done.duration


class Poisoned(CountingEngine):
    """Breaks on every call that holds the loudest sound."""

    def transcribe(self, windows, phrases=(), languages=()):
        if any(np.abs(one).max() > 0.9 for one in windows):
            self.calls.append(-len(windows))
            raise RuntimeError("device-side assert")
        return super().transcribe(windows)


def poison(world, name, index):
    """Make one chunk of a recording as loud as can be."""
    decode_ = world.ports.media.decode

    def decoded(source, audio, chunk, *, track, both="no"):
        pcm = decode_(source, audio, chunk, track=track)
        if chunk.index == index and source.source.name == name:
            samples = np.frombuffer(pcm.samples, np.int16).copy()
            samples[:RATE] = 32767 * (np.arange(RATE) % 2)
            pcm = replace(pcm, samples=samples.tobytes())
        return pcm

    world.ports.media.decode = decoded


def test_only_the_chunk_that_breaks_the_engine_fails_and_the_others_of_its_batch_are_kept_at_once(world):
    bad = upload.on_upload(world.upload("bad.wav"), world.ports)
    good = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(3)]
    poison(world, "bad.wav", 0)
    engine = Poisoned()
    work(world, engine, until=lambda: state(world, bad) == "FAILED", together=8)
    assert all(chunks_done(world, one) == 2 for one in good)
    rows = [fields for _, fields in world.ports.records.query(documents.LEDGER)]
    assert {row["attempt"][-2:] for row in rows if row["recording"] != bad.id} == {"-1"}
    assert state(world, bad) == "FAILED"
    assert "device-side assert" in documents.get_recording(world.ports.records, bad.id).reason
    assert min(engine.calls) < -1, "it was in a batch with others"


class Small(CountingEngine):
    """Runs out of memory with more than some seconds of sound in one call, padding included."""

    def __init__(self, seconds):
        super().__init__()
        self.fits = seconds

    def transcribe(self, windows, phrases=(), languages=()):
        if len(windows) * max(len(one) for one in windows) > self.fits * RATE:
            self.calls.append(-len(windows))
            raise OutOfMemory("CUDA out of memory")
        return super().transcribe(windows)


def test_windows_that_do_not_fit_together_are_recognised_in_smaller_batches_and_that_is_remembered(world):
    recordings = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(4)]
    engine = Small(70.0)
    work(world, engine, until=lambda: all(chunks_done(world, one) == 2 for one in recordings), together=8)
    assert min(engine.calls) < -2
    refused = [-count for count in engine.calls if count < 0]
    assert len(refused) == len(set(refused)), "no number of windows of this length is tried twice"


def test_a_window_that_does_not_fit_alone_ends_its_recording_with_a_reason_to_act_on(world):
    recording = upload.on_upload(world.upload(), world.ports)
    work(world, Small(1.0), until=lambda: state(world, recording) == "FAILED")
    failed = documents.get_recording(world.ports.records, recording.id)
    assert failed.code == "EngineLimit"
    assert "GPU_MEMORY_LIMIT_GB" in failed.reason


class TooSmallGpu(CountingEngine):
    """A card on which nothing fits."""

    engine = "parakeet-gpu"

    def transcribe(self, windows, phrases=(), languages=()):
        raise OutOfMemory("CUDA out of memory")


def test_a_chunk_planned_for_a_cpu_that_does_not_fit_on_the_workers_gpu_gets_its_cpu(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=0.5, model="fake", engines="parakeet-gpu,parakeet-cpu"))
    recording = upload.on_upload(world.upload(), world.ports)
    assert {one.engine for one in recording.chunks} == {"parakeet-cpu"}, "no GPU is known when it is planned"
    cpu, stop = CountingEngine(), threading.Event()
    worker = Worker(world.ports, lambda _: TooSmallGpu(), load_cpu=lambda _: cpu)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(lambda: chunks_done(world, recording) == len(recording.chunks), 20.0)
    finally:
        stop.set()
        thread.join()
    claim = from_fields(world.ports.records.get(CLAIMS, documents.chunk_key(recording.id, 0)), Claim)
    assert [one.engine for one in claim.tried] == ["parakeet-gpu"]
    assert cpu.calls
    world.close()


def test_a_worker_that_is_stopped_in_a_long_call_gives_everything_back_within_eight_seconds(world):
    recording = upload.on_upload(world.upload(), world.ports)
    begun, go_on, stop = threading.Event(), threading.Event(), threading.Event()

    class Endless(CountingEngine):
        def transcribe(self, windows, phrases=(), languages=()):
            begun.set()
            go_on.wait(60)
            return super().transcribe(windows)

    worker = Worker(world.ports, lambda _model: Endless())
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    assert begun.wait(10)
    stop.set()
    stopped = time.monotonic()
    thread.join()
    assert time.monotonic() - stopped < 8
    assert worker.stuck
    assert worker.summary.given_back == 2
    again = [one.attempt for one in due(world, 2)]
    go_on.set()
    worker._recogniser.thread.join()
    assert again == [1, 1], "nothing was wrong with them"
    assert chunks_done(world, recording) == 0, "what was given back is left to others"


def due(world, count, seconds=10.0):
    """Messages of the worker's subscription, as soon as there are so many."""
    found, deadline = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += world.ports.queue.pull(PARAKEET_CPU.subscription, count, 60.0)
        time.sleep(0.05)
    return found


def test_what_the_engine_has_in_hand_is_finished_before_the_worker_ends(world):
    recording = upload.on_upload(world.upload(), world.ports)
    begun, stop = threading.Event(), threading.Event()

    class Slow(CountingEngine):
        def transcribe(self, windows, phrases=(), languages=()):
            begun.set()
            time.sleep(0.5)
            return super().transcribe(windows)

    worker = Worker(world.ports, lambda _model: Slow())
    threading.Thread(target=lambda: begun.wait(10) and stop.set()).start()
    worker.run(stop)
    assert not worker.stuck
    assert worker.summary.chunks >= 1
    assert chunks_done(world, recording) == worker.summary.chunks


def test_chunks_are_decoded_while_the_weights_are_loaded(world):
    recording = upload.on_upload(world.upload(), world.ports)
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2, together=2)


def test_a_worker_whose_weights_cannot_be_loaded_gives_its_chunks_back_and_says_why(world):
    recording = upload.on_upload(world.upload(), world.ports)

    def load(_model):
        time.sleep(0.5)
        raise ModelUnavailable("The weights are not on this machine.")

    with pytest.raises(ModelUnavailable, match="not on this machine"):
        Worker(world.ports, load).run(threading.Event(), warm="fake")
    assert state(world, recording) == "PLANNED"
    assert [one.attempt for one in due(world, 2)] == [2, 2]


def test_without_batch_processing_chunks_are_recognised_one_by_one(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=0.5, model="fake", batch_processing=False))
    recordings = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(2)]
    engine = CountingEngine(seconds=0.1)
    work(world, engine, until=lambda: all(chunks_done(world, one) == 2 for one in recordings))
    world.close()
    assert max(engine.calls) <= 2, "a chunk of half a minute with its overlap is two windows"


def test_the_exit_line_says_what_was_done_and_what_it_took(world):
    recording = upload.on_upload(world.upload(), world.ports)
    summary = work(world, CountingEngine(seconds=0.2), until=lambda: chunks_done(world, recording) == 2)
    assert summary.busy_seconds >= 0.2
    assert 0 <= summary.padding < 1
    assert summary.peak.size > 10_000_000
    assert "2 chunks in" in str(summary)
    assert "0 given back" in str(summary)


def test_an_engine_that_breaks_the_worker_itself_ends_it_with_the_error_and_its_chunks_given_back(world):
    upload.on_upload(world.upload(), world.ports)

    class Lost(CountingEngine):
        readings = 0

        def memory(self):
            self.readings += 1
            if self.readings > 1:
                raise RuntimeError("the driver has gone")

    worker = Worker(world.ports, lambda _model: Lost())
    with pytest.raises(RuntimeError, match="the driver has gone"):
        worker.run(threading.Event())
    assert worker.summary.chunks + worker.summary.given_back == 2
    assert {one.attempt for one in due(world, worker.summary.given_back)} <= {2}


class Fragile(Poisoned):
    """Is lost with the loudest sound."""

    def transcribe(self, windows, phrases=(), languages=()):
        try:
            return super().transcribe(windows)
        except RuntimeError as error:
            raise EngineLost(str(error)) from error


def test_a_lost_accelerator_ends_the_worker_and_fails_only_the_chunk_that_does_it_each_time(world):
    bad = upload.on_upload(world.upload("bad.wav"), world.ports)
    good = [upload.on_upload(world.upload(f"{i}.wav"), world.ports) for i in range(3)]
    poison(world, "bad.wav", 0)
    ended = 0
    while state(world, bad) != "FAILED":
        worker = Worker(world.ports, lambda _model: Fragile())
        with pytest.raises(Transient, match=r"does nothing more for this process \(device-side assert\)"):
            worker.run(threading.Event())
        assert str(worker.summary).endswith("; broke down (Transient)")
        ended += 1
    assert ended == 4, "once among others, which says nothing about it"
    reason = documents.get_recording(world.ports.records, bad.id).reason
    assert "3 times" in reason
    assert "device-side assert" in reason
    work(world, CountingEngine(), until=lambda: all(chunks_done(world, one) == 2 for one in good))
    assert {state(world, one) for one in good} == {"PLANNED"}


def test_what_it_holds_of_a_cancelled_recording_is_given_up_before_the_engine_has_it(world, monkeypatch):
    monkeypatch.setattr(batcher, "STALE", -1.0)
    recording = upload.on_upload(world.upload(), world.ports)
    engine, stop = CountingEngine(), threading.Event()

    def load(_model):
        wait_until(lambda: worker._consumer.ready.qsize() == 2, 20)
        record.cancel(recording.id, world.ports)
        return engine

    worker = Worker(world.ports, load)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(lambda: world.ports.queue.pending("cpu-worker") == 0, 20)
    finally:
        stop.set()
        thread.join()
    assert engine.calls == []
    assert world.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 0


@pytest.fixture
def three(world):
    """Three recordings of two chunks, and an engine that takes one chunk at a time."""
    world.ports = replace(world.ports, settings=replace(world.settings, max_chunks=2, batch_processing=False))
    for name in ("a.wav", "b.wav", "c.wav"):
        upload.on_upload(world.upload(name), world.ports)
    return world


def test_a_worker_whose_time_is_over_finishes_what_it_holds_and_leaves_the_rest(three):
    engine = CountingEngine(seconds=0.05)
    summary = Worker(three.ports, lambda _model: engine).run(threading.Event(), seconds_left=0.1, warm="fake")
    assert summary.ended == "its time is over"
    assert summary.given_back == 0
    assert summary.chunks < 6
    assert three.ports.queue.pending(PARAKEET_CPU.subscription) == 6 - summary.chunks


def test_what_it_cannot_finish_in_time_is_given_back_as_if_it_had_not_been_delivered(three, monkeypatch):
    monkeypatch.setattr(worker_module, "DRAINED_WITHIN", 0.1)
    monkeypatch.setattr(worker_module, "RECOGNISED_BY", 0.1)
    engine = CountingEngine(seconds=1.0)
    summary = Worker(three.ports, lambda _model: engine).run(threading.Event(), seconds_left=0.6)
    assert summary.ended == "its time is over"
    assert summary.given_back >= 1
    assert {one.attempt for one in three.pull(PARAKEET_CPU.subscription)} == {1}


def test_a_worker_without_an_end_works_on(three):
    engine = CountingEngine()
    summary = Worker(three.ports, lambda _model: engine).run(threading.Event(), idle_exit=0.2)
    assert (summary.chunks, summary.ended) == (6, "nothing to do")
