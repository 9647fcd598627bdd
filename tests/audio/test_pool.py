from __future__ import annotations

import threading
import time

import pytest

from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.audio.sandbox import Sandbox
from shared.errors import BadMedia
from shared.flow import plan
from tests.speech import talk, write_media


class Bytes:
    def __init__(self, data):
        self.data = data
        self.size = len(data)

    def read(self, start, length):
        return self.data[start : start + length]


@pytest.fixture
def pool():
    pool = MediaPool(Limits(timeout_s=60))
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("pool") / "talk.wav"
    write_media(path, talk(4, seed=1)[0])
    return Bytes(path.read_bytes())


def test_several_threads_decode_at_once(pool, wav):
    audio = pool.probe(wav, name="talk.wav", track=0)
    [chunk] = plan.split(audio, wav.size, 600, "parakeet-cpu")
    seconds = []
    threads = [
        threading.Thread(target=lambda: seconds.append(pool.decode(wav, audio, chunk, track=0).seconds))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seconds == [4.0] * 4


def test_a_bad_file_does_not_use_up_a_process(pool, wav):
    for _ in range(3):
        with pytest.raises(BadMedia):
            pool.probe(Bytes(b"not media at all " * 100), name="x", track=0)
    assert pool.probe(wav, name="talk.wav", track=0).duration == 4.0


def test_a_warm_pool_serves_at_once_and_ends_all_its_processes(pool, wav):
    pool.warm(2)
    assert pool.probe(wav, name="talk.wav", track=0).duration == 4.0
    pool.warm(2)
    assert len(pool._idle) == 2


def test_a_process_that_is_just_being_started_ends_with_the_pool(monkeypatch):
    started, begun, start = [], threading.Event(), Sandbox.start

    def slowly(sandbox):
        begun.set()
        time.sleep(0.3)
        start(sandbox)
        started.append(sandbox)

    monkeypatch.setattr(Sandbox, "start", slowly)
    pool = MediaPool(Limits())
    pool.warm(1)
    assert begun.wait(10)
    pool.close()
    assert [one._process for one in started] == [None]


def test_a_process_that_works_while_its_pool_is_closed_ends_with_its_work(pool, wav):
    class Waits(Bytes):
        reading, go_on = threading.Event(), threading.Event()

        def read(self, start, length):
            self.reading.set()
            assert self.go_on.wait(10)
            return super().read(start, length)

    source, found = Waits(wav.data), []
    thread = threading.Thread(target=lambda: found.append(pool.probe(source, name="talk.wav", track=0)))
    thread.start()
    assert source.reading.wait(60)
    pool.close()
    source.go_on.set()
    thread.join()
    assert found[0].duration == 4.0
    assert pool._idle == []
