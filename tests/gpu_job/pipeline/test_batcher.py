"""Which windows come to the engine together, and when."""

from __future__ import annotations

import queue
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from gpu_job.pipeline import batcher
from gpu_job.pipeline.batcher import Batch, Batcher
from gpu_job.speech.windowing import Window
from shared.model import Options
from tests.gpu_job.pipeline.test_chunk_job import job

SECOND = 16_000


class Engine:
    batch = None


class Engines:
    def get(self, _model, *, cpu=False):
        assert not cpu
        return Engine()

    def capacity(self, _engine):
        return 1e12


def short(*, attempt=1, seconds=5):
    windows = [Window(start=0, end=seconds * SECOND)]
    return job(attempt=attempt, share=1 / 16, samples=bytes(2 * seconds * SECOND), windows=windows)


@pytest.fixture
def begin():
    begun = []

    def begin(ready, *, most=2.0):
        one = Batcher(ready, Engines(), committer=None, max_chunks=most)
        one.start()
        begun.append(one)
        return one

    yield begin
    for one in begun:
        one.stop()
        one.thread.join(10)
        assert not one.thread.is_alive()


def test_short_files_that_come_one_by_one_share_a_batch(begin, monkeypatch):
    monkeypatch.setattr(batcher, "LINGER", 30.0)
    monkeypatch.setattr(batcher, "ENOUGH", 20.0)
    ready = queue.Queue()
    made = begin(ready)
    for _ in range(4):
        ready.put(short())
        time.sleep(0.02)
    assert len(made.next().items) == 4


def test_a_single_short_file_waits_for_others_only_a_moment(begin):
    ready = queue.Queue()
    made = begin(ready)
    started = time.monotonic()
    ready.put(short())
    assert len(made.next().items) == 1
    assert time.monotonic() - started < batcher.LINGER + 5


@pytest.mark.parametrize(
    ("one", "most"), [(short(seconds=121), 2.0), (short(attempt=2), 2.0), (short(), 0.0)]
)
def test_what_is_long_or_runs_alone_waits_for_nothing(begin, monkeypatch, one, most):
    monkeypatch.setattr(batcher, "LINGER", 60.0)
    ready = queue.Queue()
    made = begin(ready, most=most)
    ready.put(one)
    started = time.monotonic()
    assert len(made.next().items) == 1
    assert time.monotonic() - started < 30


def test_who_lingers_is_stopped_within_a_moment(begin, monkeypatch):
    monkeypatch.setattr(batcher, "LINGER", 60.0)
    ready = queue.Queue()
    made = begin(ready)
    ready.put(short())
    threading.Timer(0.1, made.stop).start()
    started = time.monotonic()
    while made.next() is not None:
        pass
    assert time.monotonic() - started < 30


class Listener:
    """Remembers how it was called."""

    batch = None

    def __init__(self, language=None):
        self.language = language
        self.calls = []
        self.languages = []

    def transcribe(self, windows, phrases=(), languages=()):
        self.calls.append(phrases)
        self.languages.append(languages)
        return [()] * len(windows)


def batch(engine, *keyterms):
    return batch_of(engine, *(Options(keyterms=one) for one in keyterms))


def batch_of(engine, *options):
    windows = [np.zeros(16_000, np.float32)] * len(options)
    jobs = [SimpleNamespace(message=SimpleNamespace(options=one)) for one in options]
    return Batch(engine=engine, items=tuple((one, 0) for one in jobs), waveforms=windows)


@pytest.mark.parametrize(
    ("keyterms", "phrases"),
    [(None, ()), ("Dropscribe", ("Dropscribe",)), (" Ada Lovelace, ,L4,", ("Ada Lovelace", "L4"))],
)
def test_keyterms_are_phrases_with_commas_between(keyterms, phrases):
    assert Options(keyterms=keyterms).phrases == phrases


def test_recordings_with_different_keyterms_share_a_batch():
    engine = Listener()
    batch(engine, "Dropscribe", None, "Lovelace, L4").recognise()
    assert engine.calls == [[("Dropscribe",), (), ("Lovelace", "L4")]]


def test_without_keyterms_the_engine_is_not_told_of_any():
    engine = Listener()
    batch(engine, None, None).recognise()
    assert engine.calls == [()]


def test_the_engine_is_told_the_language_of_each_window_where_its_weights_know_several():
    asked = Options(language="ru"), Options(keyterms="Ada"), Options()
    several, one = Listener(), Listener(language="en")
    batch_of(several, *asked).recognise()
    batch_of(one, *asked).recognise()
    batch_of(several, Options()).recognise()
    assert several.languages == [["ru", None, None], ()]
    assert one.languages == [()]
    assert several.calls[0] == one.calls[0] == [(), ("Ada",), ()]


class Committer:
    """Wants everything but one recording."""

    def __init__(self, unwanted):
        self.unwanted = unwanted
        self.asked = []

    def still_wants(self, job):
        self.asked.append(job)
        return job is not self.unwanted


@pytest.mark.parametrize(("waited", "taken"), [(0.0, 2), (batcher.STALE + 1, 1)])
def test_what_has_waited_for_long_is_asked_for_again_before_the_engine_gets_it(monkeypatch, waited, taken):
    monkeypatch.setattr(batcher, "ENOUGH", 1.0)
    jobs = [short(), short()]
    for one in jobs:
        one.since = time.monotonic() - waited
    committer, ready = Committer(jobs[0]), queue.Queue()
    for one in jobs:
        ready.put(one)
    made = Batcher(ready, Engines(), committer=committer, max_chunks=2.0)
    made.start()
    assert len(made.next().items) == taken
    made.stop()
    made.thread.join(10)
    assert len(committer.asked) == (2 if waited else 0)
