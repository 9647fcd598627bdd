"""The worker beside an engine that only sleeps."""

import subprocess

import pytest

from bench import keeps_up
from bench.machine import in_fresh_process
from gpu_job.pipeline.consumer import DECODERS
from local.backend.embedded_ports import open_ports
from shared.audio.sandbox import process
from shared.settings import Settings

pytestmark = pytest.mark.slow

SPEED = 20_000.0
"""Times real time: so fast that the test does not wait for it."""


@pytest.fixture
def folder(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for number in range(DECODERS + 2):
        keeps_up.make_file(files / f"{number}.mp3", 0.005, "mp3")
    return files


def test_a_worker_keeps_its_decoding_processes_from_chunk_to_chunk(folder, tmp_path, monkeypatch):
    started = []

    class Counted(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            started.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(process.subprocess, "Popen", Counted)
    engine = keeps_up.Sleeper(SPEED)
    settings = Settings(state_dir=tmp_path / "state", engines="parakeet-gpu", model="sleeper")
    run = keeps_up.through(lambda: open_ports(settings), sorted(folder.iterdir()), engine)
    assert run.audio == pytest.approx(18.0 * (DECODERS + 2), abs=0.5)
    assert sum(engine.lengths) <= 16_000 * run.audio * 1.1
    assert 0.0 < run.fill < run.seconds
    assert len(started) <= 1 + DECODERS  # one for the plan


def test_decoders_that_sleep_give_as_much_sound_as_the_plan_asks_for(tmp_path):
    keeps_up.make_still(tmp_path, 0.2)
    run, engine = in_fresh_process(keeps_up.measured, tmp_path, SPEED)
    assert run.audio == pytest.approx(720.0)
    assert run.seconds > 330 / 3600 * keeps_up.DECODING  # of two chunks, at the same time
    assert 600 < sum(engine.lengths) / 16_000 < 800


def test_an_engine_takes_as_long_as_its_speed_says_for_what_it_is_given(monkeypatch):
    slept = []
    monkeypatch.setattr(keeps_up.time, "sleep", slept.append)
    assert keeps_up.alone([160_000, 80_000], 10.0) >= 0.0
    assert sum(slept) == pytest.approx(2.0, abs=0.1)


def test_a_file_is_there_once_for_every_whole_hour(tmp_path):
    file = tmp_path / "hour.wav"
    file.write_bytes(b"RIFF")
    folder = tmp_path / "some"
    folder.mkdir()
    keeps_up.repeat(file, folder, 2.6)
    assert sorted(one.name for one in folder.iterdir()) == ["0.wav", "1.wav", "2.wav"]
