"""Functions that are forks of one process."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.runtime import fork_server, processes
from shared import concurrency
from tests.contract.processes import killed
from tests.faults import proc

pytestmark = pytest.mark.skipif(not fork_server.works(), reason="needs Linux 5.3")

SECRET = "of-this-start-only"


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def of(pid, name):
    return Path(f"/proc/{pid}/{name}").read_bytes().decode().split("\0")


def started(plan):
    """The server and all functions."""
    return proc.tree(plan.server._process.pid)


def served(target, plan):
    """The status of an answer to a caller without the token; None: nothing answers."""
    request = urllib.request.Request(plan.endpoints[target], data=b"{}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return None


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """The functions of `up`, without its worker."""
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    made = processes.planned({})
    only = processes.Processes(
        children=made.children[1:],
        endpoints=made.endpoints,
        sweeper=made.sweeper,
        token=made.token,
        ports=made.ports,
        server=made.server,
    )
    yield only
    only.end()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    made = fork_server.ForkServer(["functions/router/main.py"], {"DROPSCRIBE_FUNCTION_TOKEN": SECRET})
    yield made
    made.end()


def test_each_function_is_a_process_with_a_session_a_command_and_the_token_of_its_own(plan):
    assert not plan.keep_running()
    for one in plan.children:
        pid = one.process.pid
        until(lambda pid=pid: of(pid, "cmdline")[2] == "local.runtime.serve")
        assert [word for word in of(pid, "cmdline") if word] == one.command
        assert os.getsid(pid) == pid
        assert f"DROPSCRIBE_FUNCTION_TOKEN={plan.token}" in of(pid, "environ")
    shared, *_ = started(plan)
    assert "local.runtime.fork_server" in shared.command
    assert {one.pid for one in proc.tree(shared.pid)} == {
        shared.pid,
        *(one.process.pid for one in plan.children),
    }
    assert not any(plan.token in one.command for one in proc.tree(shared.pid))
    # A fork of a process with threads has their locks, but not them.
    assert len(list(Path(f"/proc/{shared.pid}/task").iterdir())) == 1
    for target in plan.endpoints:
        until(lambda target=target: served(target, plan) == 401)


def test_a_function_that_is_killed_is_started_again_and_disturbs_no_other(plan):
    plan.keep_running()
    one, *others = plan.children
    before = [other.process.pid for other in others]
    os.kill(one.process.pid, signal.SIGKILL)
    until(lambda: one.process.poll() is not None)
    assert one.process.returncode == -signal.SIGKILL
    assert plan.keep_running()
    until(lambda: not plan.keep_running() and one.process is not None)
    assert one.starts == 2
    assert [other.process.pid for other in others] == before


def test_when_the_server_is_killed_its_functions_end_and_all_start_again(plan):
    plan.keep_running()
    first = [one.process for one in plan.children]
    os.kill(plan.server._process.pid, signal.SIGKILL)
    until(lambda: all(one.poll() is not None for one in first))
    assert {one.returncode for one in first} == {-signal.SIGTERM}
    assert plan.keep_running()

    def again():
        try:
            plan.keep_running()
        except OSError:
            return False
        return all(one.process not in {None, *first} for one in plan.children)

    until(again)
    for target in plan.endpoints:
        until(lambda target=target: served(target, plan) == 401)


def test_at_the_end_a_function_is_asked_and_then_killed(plan, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 0.5)
    plan.keep_running()
    deaf, *polite = [one.process for one in plan.children]
    for target in plan.endpoints:
        until(lambda target=target: served(target, plan) == 401)
    os.kill(deaf.pid, signal.SIGSTOP)
    whole = started(plan)
    plan.end()
    assert deaf.returncode == -signal.SIGKILL
    assert {one.returncode for one in polite} == {0}
    assert all(one.is_gone() for one in whole)


def _with_functions(say):
    plan = processes.planned({})
    for one in plan.children[1:]:
        one.keep_running()
    say(started(plan))


def test_functions_end_when_up_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    running = killed(_with_functions)
    assert len(running) == 6
    until(lambda: all(one.is_gone() for one in running))


def test_a_function_that_cannot_start_gives_its_exit_code(server):
    one = server.start(["nowhere.py", "on_upload", "0", "4"])
    assert one.wait() == 1
    assert one.poll() == 1
    one.terminate()


def test_a_server_that_cannot_do_one_thing_goes_on(server):
    one = server.start(["nowhere.py", "on_upload", "0", "4"])
    with subprocess.Popen([sys.executable, "-c", ""]) as stranger:
        os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ChildProcessError) as raised:
            fork_server._asked(server._channel, {"ended": stranger.pid})
    assert raised.value.errno == errno.ECHILD
    assert one.wait() == 1


def test_a_server_that_does_not_answer_is_replaced(server, monkeypatch):
    with monkeypatch.context() as short:
        short.setattr(fork_server, "ANSWERING", 0.1)
        one = server.start(["nowhere.py", "on_upload", "0", "4"])
    assert one.wait() == 1
    os.kill(server._process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        server.start(["nowhere.py", "on_upload", "0", "4"])
    assert server.start(["nowhere.py", "on_upload", "0", "4"]).wait() == 1


def test_a_server_that_stops_does_not_hold_up_who_watches_its_functions(server, monkeypatch):
    monkeypatch.setattr(fork_server, "ANSWERING", 0.5)
    one = server.start(["functions/router/main.py", "on_upload", "0", "4"])
    os.kill(server._process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    one.kill()
    until(lambda: one.poll() is not None)
    assert one.returncode == -signal.SIGTERM
    assert time.monotonic() - begun < fork_server.LOADING / 2


@pytest.mark.parametrize(("module", "name"), [(os, "pidfd_open"), (signal, "pidfd_send_signal")])
def test_a_python_that_was_compiled_for_an_older_linux_starts_each_function_by_itself(
    monkeypatch, module, name
):
    monkeypatch.delattr(module, name)
    assert not fork_server.works()
    made = processes.planned({})
    made.end()
    assert made.server is None
    assert all(one.server is None for one in made.children)


def test_waiting_has_an_end(plan):
    plan.keep_running()
    began = concurrency.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        plan.children[0].process.wait(0.05)
    assert concurrency.monotonic() - began < 30
