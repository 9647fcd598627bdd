"""A call that never returns ends its process: what it holds comes again, and what it was about counts as tried."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from gpu_job.pipeline import committer, consumer, recogniser
from gpu_job.pipeline import worker as pipeline
from gpu_job.pipeline.worker import Worker
from local.backend.embedded_ports import open_ports
from shared.errors import CallHangs
from shared.flow import upload
from shared.settings import Settings
from shared.state import documents
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, poison, toned
from tests.speech import talk, write_wav
from tests.test_architecture import ROOT
from tests.world import World

BOTH = {"engines": "parakeet-gpu,parakeet-cpu"}


@pytest.fixture
def go_on():
    """Lets everything return at the end of a test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def world(tmp_path, monkeypatch, go_on):
    monkeypatch.setattr(pipeline, "RECOGNISED_BY", 0.3)
    monkeypatch.setattr(pipeline, "COMMITTED_BY", 0.6)
    # Only of calls that are to hang: on a busy machine others may take longer.
    monkeypatch.setattr(recogniser, "CALL", 1.0)
    monkeypatch.setattr(recogniser, "SLOWEST", 0.0)
    world = toned(World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8, decode_timeout=0.1, **BOTH))
    world.ports = replace(world.ports, engines=frozenset(BOTH["engines"].split(",")))
    yield world
    go_on.set()
    world.close()


class Hangs(CountingEngine):
    """Does not return from the loudest sound."""

    engine = "parakeet-gpu"

    def __init__(self, go_on):
        super().__init__()
        self.go_on = go_on

    def transcribe(self, windows, phrases=(), languages=()):
        if any(np.abs(one).max() > 0.9 for one in windows):
            self.go_on.wait(60)
        return super().transcribe(windows)


def hung(world, load):
    """What a worker says that ends because a call does not return."""
    worker = Worker(world.ports, load, load_cpu=lambda _: CountingEngine())
    with pytest.raises(CallHangs) as caught:
        worker.run(threading.Event(), warm="fake")
    assert str(worker.summary).endswith("; a call did not return")
    return str(caught.value)


def attempts_of(world, count):
    """How often what comes again has come, in order."""
    found, deadline = [], time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        found += world.ports.queue.pull("gpu-worker", 9, 60.0)
    return sorted(one.attempt for one in found)


def hangs(world, go_on, holds):
    """What the workers say that end one after the other because a call does not return, until something holds."""
    said = []
    while not holds():
        assert len(said) < 4
        worker = Worker(world.ports, lambda _: Hangs(go_on), load_cpu=lambda _: CountingEngine())
        stop, ended = threading.Event(), threading.Event()

        def watch(stop=stop, ended=ended):
            while not ended.wait(0.05):
                if holds():
                    stop.set()
                    return

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            worker.run(stop, warm="fake")
        except CallHangs as error:
            said.append(str(error))
            # In production such a call has lasted for minutes.
            world.later += world.settings.lease_seconds
        finally:
            ended.set()
            watching.join()
    return said


def test_a_chunk_that_its_engine_does_not_return_from_runs_alone_and_then_goes_to_the_next(world, go_on):
    good = upload.on_upload(world.upload("good.wav"), world.ports)
    bad = upload.on_upload(world.upload("bad.wav"), world.ports)
    poison(world, "bad.wav", 0)
    said = hangs(world, go_on, lambda: chunks_done(world, good) == chunks_done(world, bad) == 2)
    assert all(f"chunk 0 of {bad.id}" in one for one in said)
    assert [f"of chunk 0 of {bad.id} has" in one for one in said[1:]] == [True, True], "with nothing else"
    chunks = [fields for _, fields in world.ports.records.query(documents.CHUNKS)]
    by_cpu = [(one["recording"], one["index"]) for one in chunks if one["engine"] == "parakeet-cpu"]
    assert by_cpu == [(bad.id, 0)]


def test_without_another_engine_its_recording_fails_and_no_other(world, go_on):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-gpu"}))
    good = upload.on_upload(world.upload("good.wav"), world.ports)
    bad = upload.on_upload(world.upload("bad.wav"), world.ports)
    poison(world, "bad.wav", 0)

    def state(recording):
        return documents.get_recording(world.ports.records, recording.id).state

    said = hangs(world, go_on, lambda: state(bad) == "FAILED" and chunks_done(world, good) == 2)
    assert len(said) == 3
    assert state(good) == "PLANNED"


def test_what_was_only_in_flight_beside_such_a_call_does_not_count_as_tried(world, go_on):
    for name in ("good.wav", "bad.wav"):
        upload.on_upload(world.upload(name), world.ports)
    poison(world, "bad.wav", 0)
    engine = Hangs(go_on)
    engine.batch = 1
    hung(world, lambda _: engine)
    attempts = attempts_of(world, 4 - world.ports.records.count(documents.CHUNKS))
    assert attempts[-1] == 2
    assert set(attempts[:-1]) <= {1}


def test_a_recording_that_cannot_be_decoded_for_ever_counts(world, go_on, monkeypatch):
    monkeypatch.setattr(consumer, "CALL", 1.0)
    upload.on_upload(world.upload(), world.ports)
    decode = world.ports.media.decode

    def endless(source, audio, chunk, **options):
        if chunk.index == 1:
            go_on.wait(60)
        return decode(source, audio, chunk, **options)

    world.ports.media.decode = endless
    assert "decoding a chunk of " in hung(world, lambda _: CountingEngine())
    assert attempts_of(world, 1) == [2]


def test_a_store_that_does_not_answer_ends_the_worker(world, go_on, monkeypatch):
    monkeypatch.setattr(committer, "CALL", 1.0)
    recording = upload.on_upload(world.upload(), world.ports)
    monkeypatch.setattr(world.ports.store, "create", lambda *_: go_on.wait(60))
    assert f"of {recording.id} has not returned" in hung(world, lambda _: CountingEngine())


def test_weights_that_do_not_load_end_the_worker(world, go_on, monkeypatch):
    monkeypatch.setattr("gpu_job.pipeline.batcher.LOADING", 0.5)
    assert "loading fake has not returned" in hung(world, lambda _: go_on.wait(60) and CountingEngine())


HANGING = """
import sys, time
from gpu_job import __main__, process
from gpu_job.pipeline import recogniser
from gpu_job.speech.onnx.onnx_engine import Parakeet
recogniser.CALL, recogniser.SLOWEST = 1.0, 0.0
transcribe = Parakeet.transcribe
def hang(self, windows, *more):
    if sum(map(len, windows)) > 160_000:
        time.sleep(600)
    return transcribe(self, windows, *more)
Parakeet.transcribe = hang
sys.exit(__main__.main())
"""


def test_the_process_ends_with_3_and_names_the_chunk(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", model="tiny"))
    write_wav(tmp_path / "talk.wav", talk(20, seed=3)[0])
    recording = upload.on_object(ports.file(tmp_path / "talk.wav"), ports)
    environment = {"DROPSCRIBE_STATE_DIR": str(tmp_path / "state"), "PARAKEET_MODEL_NAME": "tiny"}
    done = subprocess.run(
        [sys.executable, "-c", HANGING, "--stay"],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert (
        f"the worker ends: recognising 20 s of chunk 0 of {recording.id} has not returned within 1 s"
        in done.stderr
    )
    (again,) = ports.queue.pull("cpu-worker", 9, 60.0) or due_soon(ports)
    assert again.attempt == 2
    ports.close()


def due_soon(ports):
    assert ports.queue.wait("cpu-worker", 10.0)
    return ports.queue.pull("cpu-worker", 9, 60.0)
