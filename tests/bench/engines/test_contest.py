"""What the tables of the benchmarks are made of."""

import multiprocessing
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from bench import flow, machine
from bench.engines import random_weights, speed
from bench.engines.contest import hold, ratios
from bench.engines.job import Job
from tests.speech import SAMPLE_RATE, write_wav

pytestmark = pytest.mark.slow


def rounds(*seconds):
    return SimpleNamespace(rounds=[{"seconds": one, "core": 10 * one} for one in seconds])


def test_a_ratio_is_made_of_two_times_of_the_same_round():
    assert ratios(rounds(1.0, 2.0), rounds(3.0, 8.0)) == [3.0, 4.0]
    assert ratios(rounds(1.0), rounds(3.0), "core") == [3.0]


def test_short_files_are_the_same_every_time_and_as_long_as_promised():
    found = [speed.short(number) for number in range(40)]
    again, text = speed.short(3)
    assert np.array_equal(again, found[3][0])
    assert text == found[3][1]
    lengths = [len(samples) / SAMPLE_RATE for samples, _ in found]
    assert min(lengths) >= 1.0
    assert max(lengths) <= speed.LONGEST
    assert all(text for _, text in found)


def test_a_contender_that_fails_or_does_not_do_the_job_is_left_out(tmp_path, capsys):
    path = tmp_path / "short.wav"
    write_wav(path, speed.short(0)[0])
    job = Job(kind="bag", model="tiny", device="cpu", files=(str(tmp_path / "none.wav"),), trial=(str(path),))
    assert hold(["onnx-asr", "NeMo, our windows"], job, rounds=2) == []
    told = capsys.readouterr().out
    assert "it failed: FileNotFoundError" in told
    assert "short files need no cutting" in told


def test_a_contender_begins_processes_as_a_program_of_its_own_does():
    """NeMo's loading processes cannot be spawned."""
    assert machine.in_fresh_process(multiprocessing.get_start_method) == multiprocessing.get_start_method()


def test_processor_time_of_a_child_counts_while_it_lives():
    program = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(flush=True); input()"
    before = machine.core_seconds()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        living = machine.core_seconds() - before
        child.communicate(b"\n")
    assert 0.25 < living < machine.core_seconds() - before + 0.05


def test_what_a_contender_prepares_is_not_measured_and_every_round_has_a_new_state(tmp_path):
    path = tmp_path / "short.wav"
    write_wav(path, speed.short(0)[0])
    contender = flow.WholeFlow(flow.Instant(), lambda run: run.texts)
    first = contender.prepare([path])
    texts = contender(first)
    second = contender.prepare([str(path)])
    assert contender(second) == texts != [""]
    states = [one[1].settings.state_dir for one in (first, second)]
    assert states[0] != states[1]
    contender.close()
    assert not any(one.exists() for one in states)


def test_tokens_of_random_weights_are_counted_in_their_text():
    assert random_weights.tokens("x300x4000 x512") == 3
    assert random_weights.tokens("") == 0
