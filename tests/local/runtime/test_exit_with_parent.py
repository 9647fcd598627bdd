"""A command that ends with its parent, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contract.processes import killed

COMMAND = [sys.executable, "-m", "local.runtime.exit_with_parent"]


def test_it_becomes_the_command():
    command = [
        *COMMAND,
        str(os.getpid()),
        sys.executable,
        "-c",
        "import os; print(os.getpid()); raise SystemExit(3)",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told, _ = process.communicate(timeout=60)
    assert (int(told), process.returncode) == (process.pid, 3)


def _with_a_child(say):
    child = subprocess.Popen([*COMMAND, str(os.getpid()), "sleep", "600"])
    # Its name changes when it becomes the command, which is after it has asked for the signal.
    while Path(f"/proc/{child.pid}/exe").readlink().name.startswith("python"):
        time.sleep(0.01)
    say(child.pid)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_the_command_ends_when_its_parent_is_killed():
    child = killed(_with_a_child)
    deadline = time.monotonic() + 30
    while not gone(child):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            pytest.fail("it outlived its parent")
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_parent_that_is_gone_already_has_no_command_to_run():
    done = subprocess.run([*COMMAND, "1", "true"], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "the parent ended before its child started" in done.stderr
