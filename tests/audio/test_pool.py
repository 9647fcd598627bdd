from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.audio.sandbox.parent import Sandbox
from shared.errors import BadMedia
from shared.planning import plan
from shared.settings import Settings
from tests.audio import test_channel_levels
from tests.audio.media import RATE
from tests.audio.test_channel_levels import sound
from tests.speech import talk, write_media

pytestmark = pytest.mark.usefixtures("own_decoders")


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


class Counted(Bytes):
    reads = 0

    def read(self, start, length):
        self.reads += 1
        return super().read(start, length)

    def __eq__(self, other):
        return self.data == other.data

    __hash__ = None


def whole(audio, size):
    return plan.whole(audio, size, Settings())


def test_a_short_recording_is_decoded_with_its_probe_and_given_once(pool, wav):
    plain = pool.probe(wav, name="talk.wav", track=0)
    [chunk] = plan.split(plain, wav.size, 600, "parakeet-gpu")
    expected = pool.decode(wav, plain, chunk, track=0)
    pool.look_ahead(2, whole)
    source = Counted(wav.data)
    audio = pool.probe(source, name="talk.wav", track=0)
    assert audio == plain
    read = source.reads
    ahead = pool.decode(Counted(wav.data), audio, chunk, track=0)
    assert ahead.seconds_ahead > 0
    assert ahead.samples == expected.samples
    assert source.reads == read
    again = pool.decode(source, audio, chunk, track=0)
    assert source.reads > read
    assert again.samples == expected.samples


def test_what_was_decoded_ahead_is_given_for_no_other_chunk_track_or_file(pool, wav):
    pool.look_ahead(2, whole)
    source = Counted(wav.data)
    audio = pool.probe(source, name="talk.wav", track=0)
    [chunk] = plan.split(audio, wav.size, 600, "parakeet-cpu")
    half = replace(chunk, end=2.0)
    assert pool.decode(source, audio, half, track=0).seconds_ahead == 0
    other = Counted(wav.data[:-2] + b"ab")
    assert pool.decode(other, audio, chunk, track=0).seconds_ahead == 0
    with pytest.raises(BadMedia):
        pool.decode(source, audio, chunk, track=1)
    assert pool.decode(source, audio, chunk, track=0).seconds_ahead > 0


@pytest.fixture
def stereo():
    """A call: one side speaks after the other."""
    silence = np.zeros(2 * RATE)
    left, right = np.concatenate([sound(2), silence]), np.concatenate([silence, sound(2, 0.1, 600.0)])
    return Counted(test_channel_levels.stereo(left, right))


@pytest.mark.parametrize("both", ["levels", "sound"])
def test_both_channels_are_told_of_what_is_decoded_ahead_so_it_is_decoded_once(pool, stereo, both):
    pool.look_ahead(2, whole)
    audio = pool.probe(stereo, name="call.wav", track=0, both=both)
    [chunk] = plan.split(audio, stereo.size, 600, "parakeet-cpu")
    read = stereo.reads
    ahead = pool.decode(stereo, audio, chunk, track=0, both=both)
    assert (stereo.reads, ahead.seconds_ahead > 0) == (read, True)
    again = pool.decode(stereo, audio, chunk, track=0, both=both)
    assert (ahead.samples, ahead.levels, ahead.sound) == (again.samples, again.levels, again.sound)
    assert ahead.levels
    assert (ahead.sound is None) == (both == "levels")


def test_of_one_channel_nothing_more_is_told_and_it_is_decoded_once_all_the_same(pool, wav):
    pool.look_ahead(2, whole)
    audio = pool.probe(wav, name="talk.wav", track=0, both="sound")
    [chunk] = plan.split(audio, wav.size, 600, "parakeet-cpu")
    ahead = pool.decode(wav, audio, chunk, track=0)
    assert (ahead.seconds_ahead > 0, ahead.levels, ahead.sound) == (True, b"", None)


def test_who_asks_for_more_than_was_decoded_ahead_has_it_decoded(pool, stereo):
    pool.look_ahead(2, whole)
    audio = pool.probe(stereo, name="call.wav", track=0)
    [chunk] = plan.split(audio, stereo.size, 600, "parakeet-cpu")
    assert pool.decode(stereo, audio, chunk, track=0, both="levels").levels
    assert pool.decode(stereo, audio, chunk, track=0).seconds_ahead > 0


def test_where_much_is_kept_already_nothing_more_is_decoded_ahead(pool, wav, monkeypatch):
    pool.look_ahead(2, whole)
    monkeypatch.setattr("shared.audio.pool.MAX_AHEAD", 1)
    first, second = Counted(wav.data), Counted(wav.data + b"more")
    for source in (first, second):
        audio = pool.probe(source, name="talk.wav", track=0)
        [chunk] = plan.split(audio, source.size, 600, "parakeet-cpu")
        decoded = pool.decode(source, audio, chunk, track=0) if source is second else None
    assert decoded.seconds_ahead == 0
    audio = pool.probe(first, name="talk.wav", track=0)
    [chunk] = plan.split(audio, first.size, 600, "parakeet-cpu")
    assert pool.decode(first, audio, chunk, track=0).seconds_ahead > 0


def test_no_more_than_so_many_processes_are_started(pool, wav):
    pool.look_ahead(2, whole)
    threads = [threading.Thread(target=lambda: pool.probe(wav, name="talk.wav", track=0)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(pool._idle) <= 2
