from __future__ import annotations

import subprocess
import sys
import time

import pytest

from gpu_job.start_up import StartUp


def test_the_steps_of_several_loads_add_up_also_where_one_fails():
    start_up = StartUp(process=1.24)
    with start_up.timed("weights"):
        time.sleep(0.02)
    fails = start_up.timed("weights")(lambda: [time.sleep(0.02), {}["missing"]])
    with pytest.raises(KeyError):
        fails()
    assert 0.04 <= start_up.weights < 5.0
    assert start_up.library == start_up.warm_up == 0.0
    start_up.weights = 2.06
    assert str(start_up) == "process 1.2 s, import 0.0 s, load 2.1 s, warm-up 0.0 s"


def test_the_start_of_a_process_is_that_of_its_interpreter_and_not_of_its_first_question():
    script = (
        "import time; time.sleep(0.5); from gpu_job.start_up import process_began; print(process_began())"
    )
    before = time.time()
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert before - 0.1 <= float(told.stdout) < before + 0.45
