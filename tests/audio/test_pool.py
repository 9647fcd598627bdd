from __future__ import annotations

import threading

import pytest

from shared.audio import Limits
from shared.audio.pool import MediaPool
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
