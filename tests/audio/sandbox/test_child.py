"""The process restricts its jobs, and forks only for those that need FFmpeg's demuxers."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from shared.audio import Limits, Sandbox
from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing import ffmpeg, wav
from shared.audio.probing.audio_info import probe
from shared.audio.sandbox import child, wire
from shared.errors import BadMedia, StoreUnavailable
from shared.model import Part
from tests.audio.media import Memory, chunk, make
from tests.audio.probing.test_wav import wave

WAV = make("wav", "pcm_s16le", seconds=1.0)


def test_a_job_past_its_memory_is_ended():
    # A frame of this codec lasts a second: 6 MB of samples at this rate and so many channels.
    data = make("tta", "tta", rate=192_000, layout="7.1", seconds=3.0)
    with Sandbox(Limits(timeout_s=20)) as sandbox:
        info = sandbox.probe(Memory(data))
        assert sandbox.decode(Memory(data), info, chunk()).owned == pytest.approx(3.0)
        sandbox.limits = Limits(timeout_s=20, memory_mb=4)
        with pytest.raises(BadMedia, match="memory") as raised:
            sandbox.decode(Memory(data), info, chunk())
        assert raised.value.code == "limit"
        assert sandbox.probe(Memory(WAV), name="again").duration == pytest.approx(1.0)


def test_plain_samples_take_no_fork_and_everything_else_takes_one(sandbox):
    jobs = []

    class Watching(Memory):
        def read(self, start, length):
            process = sandbox._process.pid
            jobs.append(Path(f"/proc/{process}/task/{process}/children").read_text().split())
            return super().read(start, length)

    for codec, forks in (("pcm_s16le", False), ("pcm_mulaw", False), ("adpcm_ms", True)):
        data = Watching(wave(codec))
        info, ahead = sandbox.probe_and_decode(data, lambda _info: chunk())
        again = sandbox.decode(data, info, chunk())
        assert ahead.pcm.samples == again.samples
        # The first look at a file is always taken before a fork.
        assert [bool(one) for one in jobs[1:]] == [forks] * (len(jobs) - 1)
        jobs.clear()


def test_a_source_that_fails_in_the_middle_costs_no_process(sandbox):
    class Failing(Memory):
        def read(self, start, length):
            if start > 100_000:
                raise StoreUnavailable("not now")
            return super().read(start, length)

    data = wave(rate=48_000, seconds=60.0)
    info = sandbox.probe(Memory(data))
    process = sandbox._process.pid
    with pytest.raises(StoreUnavailable, match="not now"):
        sandbox.decode(Failing(data), info, chunk(30.0, 40.0))
    assert sandbox.decode(Memory(data), info, chunk(30.0, 40.0)).owned == pytest.approx(10.0)
    assert sandbox._process.pid == process


def children(sandbox):
    process = sandbox._process.pid
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


@pytest.mark.parametrize(
    "lie",
    [
        {"sample_rate": 768_000},
        {"sample_rate": 8_000_000, "codec": "pcm_f64le"},
        {"channels": 2},
        {"codec": "pcm_u8"},
        {"first_byte": 0},
        {"last_byte": 100_000},
        {"splittable_by": "bytes"},
        {
            "parts": (Part(first_byte=0, last_byte=100_000, header=0, start=0.0, duration=1.0, origin=0.0),),
            "duration": 1.0,
        },
    ],
)
def test_samples_are_plain_only_if_the_header_says_the_same(sandbox, lie):
    data = Forked(wave("pcm_s16le", rate=48_000), sandbox)
    info = sandbox.probe(data)
    data.forks.clear()
    with suppress(BadMedia):
        sandbox.decode(data, replace(info, **lie), chunk())
    looks = wav.is_plain(replace(info, **lie))  # then the header is looked at before
    assert data.forks[0] is not looks
    assert set(data.forks[looks:]) == {True}


class Forked(Memory):
    """Notes of each read whether a fork asked for it."""

    def __init__(self, data, sandbox):
        super().__init__(data)
        self.forks, self.sandbox = [], sandbox

    def read(self, start, length):
        self.forks.append(bool(children(self.sandbox)))
        return super().read(start, length)


@pytest.mark.parametrize(
    "behind",
    [
        wave("adpcm_ms"),
        wave("pcm_s16le"),
        make("flac", "flac", seconds=1.0),
    ],
)
def test_what_lies_behind_plain_samples_is_parsed_in_a_fork(sandbox, behind):
    content = wave("pcm_s16le") + behind
    job = wire.Job(size=len(content), name="", track=0, limits=Limits())
    assert not child._is_plain(job, Reader(Memory(content).read, len(content)))
    data = Forked(content, sandbox)
    info, ahead = sandbox.probe_and_decode(data, lambda _info: chunk())
    assert info.parts or info.warnings
    data.forks.clear()
    assert sandbox.decode(data, info, chunk()).samples == ahead.pcm.samples
    assert set(data.forks) == {True}


def test_the_process_that_forks_refuses_to_have_a_file_parsed(monkeypatch):
    monkeypatch.setattr(ffmpeg, "only_in_forks", True)
    data = wave("adpcm_ms")
    with pytest.raises(RuntimeError, match="outside of its fork"):
        probe(Reader(Memory(data).read, len(data)), name="", track=0)
    mp3 = make("mp3", "libmp3lame", seconds=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(ffmpeg, "only_in_forks", False)
        info = probe(Reader(Memory(mp3).read, len(mp3)), name="", track=0)
    assert info.splittable_by == "bytes"
    with pytest.raises(RuntimeError, match="outside of its fork"):
        decode(Reader(Memory(mp3).read, len(mp3)), info, chunk(), track=0, longest=9.0, emit=lambda _: None)


def test_no_word_of_a_probe_makes_plain_samples_of_what_is_no_wave_file(sandbox):
    info = sandbox.probe(Memory(wave()))
    data = Forked(bytes(100_000), sandbox)
    sandbox.decode(data, replace(info, last_byte=100_000), chunk())
    assert data.forks == [False, *[True] * (len(data.forks) - 1)]
    assert len(data.forks) > 1
