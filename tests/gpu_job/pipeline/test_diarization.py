"""Speakers are told apart beside the engine, and the result waits for both."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gpu_job.pipeline import consumer, diarization, loaded_engines
from gpu_job.pipeline.diarization import Diarization
from gpu_job.pipeline.worker import Worker
from shared.audio import Pcm
from shared.errors import ModelUnavailable
from shared.flow import chunk, upload
from shared.machine.watchdog import Watchdog
from shared.model import Options
from shared.state import documents
from tests import measured
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, state, toned, wait_until
from tests.voices import RATE, FakeDiarizer
from tests.world import World, ledger_rows


def job(seconds=2.0, *, diarize=True, start=-0.5, samples=None):
    samples = np.zeros(round(seconds * RATE), np.int16) if samples is None else samples
    return SimpleNamespace(
        message=SimpleNamespace(options=Options(diarize=diarize)),
        delivery=SimpleNamespace(message_id="m"),
        pcm=Pcm(samples=samples.tobytes(), start=start, owned=1.0),
        diarized=None,
        diarize_seconds=0.0,
    )


def hear(diarizer, *jobs):
    """What is heard in some jobs."""
    stage = Diarization(lambda: diarizer, Watchdog())
    for one in jobs:
        stage.begin(one)
    found = [one.diarized.result(10) for one in jobs]
    stage.finish(1.0)
    return found


def test_a_chunk_is_diarized_with_its_overlap_and_its_bounds():
    diarizer, one = FakeDiarizer(), job()
    with measured.listening() as told:
        [found] = hear(diarizer, one)
    assert diarizer.asked == [(2 * RATE, 0.5, 1.0)]
    assert (found.voices[0].turns, found.revision) == (((0, 1000),), "fake+fake")
    assert one.diarize_seconds > 0
    assert told.of("worker_listen_seconds") == [(one.diarize_seconds, {})]


def test_nothing_is_diarized_where_speakers_are_not_asked_for():
    one = job(diarize=False)
    stage = Diarization(lambda: pytest.fail("nothing was to be loaded"), Watchdog())
    stage.begin(one)
    stage.finish(1.0)
    assert one.diarized is None


def test_a_chunk_is_diarized_once_however_often_its_windows_are_tried():
    diarizer, one = FakeDiarizer(), job()
    stage = Diarization(lambda: diarizer, Watchdog())
    for _ in range(3):
        stage.begin(one)
    one.diarized.result(10)
    stage.finish(1.0)
    assert len(diarizer.asked) == 1


def test_the_networks_are_loaded_once_and_looked_for_again_after_a_while(monkeypatch):
    asked = []

    def load():
        asked.append(1)
        if len(asked) < 3:
            raise ModelUnavailable("no networks are here")
        return FakeDiarizer()

    stage, jobs = Diarization(load, Watchdog()), [job() for _ in range(5)]

    def heard(one):
        stage.begin(one)
        return one.diarized.exception(10)

    assert [str(heard(one)) for one in jobs[:2]] == ["no networks are here"] * 2
    assert len(asked) == 1
    monkeypatch.setattr(loaded_engines, "RETRY_AFTER", 0.0)
    assert isinstance(heard(jobs[2]), ModelUnavailable)
    assert heard(jobs[3]) is heard(jobs[4]) is None
    assert len(asked) == 3
    stage.finish(1.0)


def test_a_call_that_does_not_return_is_told_of(monkeypatch):
    monkeypatch.setattr(diarization, "CALL", 0.0)
    monkeypatch.setattr(diarization, "SLOWEST", 0.0)
    go_on, watchdog = threading.Event(), Watchdog()
    stage = Diarization(lambda: FakeDiarizer(wait=lambda: go_on.wait(60)), watchdog)
    stage.begin(job())
    wait_until(watchdog.overdue, 10.0)
    [overdue] = watchdog.overdue()
    assert "diarizing 2 s of" in str(overdue)
    assert overdue.messages == {"m"}
    go_on.set()
    stage.finish(5.0)


def test_at_the_end_what_has_begun_is_awaited_and_the_rest_dropped():
    go_on = threading.Event()
    stage = Diarization(lambda: FakeDiarizer(wait=lambda: go_on.wait(60)), Watchdog())
    jobs = [job() for _ in range(diarization.AT_A_TIME + 1)]
    for one in jobs:
        stage.begin(one)
    threading.Timer(0.2, go_on.set).start()
    stage.finish(10.0)
    assert [one.diarized.cancelled() for one in jobs] == [False] * diarization.AT_A_TIME + [True]
    assert all(one.diarized.done() for one in jobs)


# --- in the worker ----------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8)
    decode = consumer.decode

    def asking(data, kind):
        message = decode(data, kind)
        return replace(message, options=replace(message.options, diarize=True))

    monkeypatch.setattr(consumer, "decode", asking)
    yield toned(world)
    world.close()


def work(world, diarizer, *, until, engine=None, seconds=20.0):
    """A worker that diarizes, until something holds."""

    def load():
        if isinstance(diarizer, Exception):
            raise diarizer
        return diarizer

    stop = threading.Event()
    worker = Worker(world.ports, lambda _: engine or CountingEngine(), load_diarizer=load)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(until, seconds)
    finally:
        stop.set()
        thread.join()
    return worker.summary


def results(world, recording):
    names = (chunk.result_name(recording.id, index) for index in range(2))
    return [chunk.read_result(world.ports.store.load("work", name)) for name in names]


def test_the_result_of_a_chunk_has_its_words_and_its_voices(world):
    recording = upload.on_upload(world.upload(), world.ports)
    diarizer = FakeDiarizer(speakers=(0, 1))
    work(world, diarizer, until=lambda: chunks_done(world, recording) == 2)
    found = results(world, recording)
    assert all(len(one.voices) == 2 and one.words for one in found)
    assert {one.voice_revision for one in found} == {"fake+fake"}
    assert sorted(lead for _, lead, _ in diarizer.asked) == [0.0, 4.0]
    assert {owned for _, _, owned in diarizer.asked} == {30.0}


def test_a_chunk_waits_for_the_slower_of_both(world):
    recording = upload.on_upload(world.upload(), world.ports)
    slow = FakeDiarizer(wait=lambda: time.sleep(0.7))
    started = time.monotonic()
    work(world, slow, until=lambda: chunks_done(world, recording) == 2)
    assert time.monotonic() - started >= 0.7
    assert all(one.voices for one in results(world, recording))
    # On a processor, diarization takes time from the engine.
    assert all(row.busy_seconds >= 0.7 for row in ledger_rows(world.ports))


def test_a_silent_chunk_says_that_it_was_diarized(world):
    recording = upload.on_upload(world.upload(), world.ports)
    decode = world.ports.media.decode

    def silent(*arguments, **options):
        pcm = decode(*arguments, **options)
        return replace(pcm, samples=bytes(len(pcm.samples)))

    world.ports.media.decode = silent
    work(world, FakeDiarizer(speakers=()), until=lambda: chunks_done(world, recording) == 2)
    assert [(one.words, one.voices, one.voice_revision) for one in results(world, recording)] == [
        ((), (), "fake+fake")
    ] * 2


def test_without_the_networks_the_owner_is_told_what_to_do(world):
    recording = upload.on_upload(world.upload(), world.ports)
    missing = ModelUnavailable("The weights speakers are not here. Pull them.")
    work(world, missing, until=lambda: state(world, recording) == "FAILED")
    assert "Pull them." in documents.get_recording(world.ports.records, recording.id).reason
    assert {row.outcome for row in ledger_rows(world.ports)} == {"failed"}


def test_a_diarizer_that_breaks_is_tried_again_and_ends_the_recording_with_its_reason(world):
    recording = upload.on_upload(world.upload(), world.ports)
    diarizer = FakeDiarizer(error=RuntimeError("no more voices"))
    work(world, diarizer, until=lambda: state(world, recording) == "FAILED", seconds=40.0)
    assert "no more voices" in documents.get_recording(world.ports.records, recording.id).reason
    assert len(diarizer.asked) >= 3


def test_a_chunk_whose_engine_failed_is_not_diarized_for_nothing(world):
    recording = upload.on_upload(world.upload(), world.ports)

    class Broken(CountingEngine):
        def transcribe(self, windows, phrases=(), languages=()):
            raise ModelUnavailable("no engine")

    work(world, FakeDiarizer(), until=lambda: state(world, recording) == "FAILED", engine=Broken())
    assert "no engine" in documents.get_recording(world.ports.records, recording.id).reason
    assert all(not row.owned_seconds for row in ledger_rows(world.ports))


def test_a_stopped_worker_gives_back_what_is_still_being_diarized(world):
    recording = upload.on_upload(world.upload(), world.ports)
    go_on = threading.Event()
    diarizer = FakeDiarizer(wait=lambda: go_on.wait(60))
    summary = work(world, diarizer, until=lambda: len(diarizer.asked) == 2)
    assert (summary.chunks, summary.given_back) == (0, 2)
    go_on.set()
    work(world, FakeDiarizer(), until=lambda: chunks_done(world, recording) == 2)
    assert all(one.voices for one in results(world, recording))
