"""Processes that are kept running, and all end together."""

from __future__ import annotations

import signal
import socket
import sys
import time

import pytest

from local.runtime import processes
from local.runtime.processes import Child, Processes
from shared import concurrency
from shared.topology import topology


@pytest.fixture
def child(monkeypatch):
    made = []

    def make(code):
        made.append(Child(name="one", command=[sys.executable, "-c", code]))
        return made[-1]

    yield make
    Processes(children=made, endpoints={}, sweeper="").end()


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_push_subscription_has_its_function_and_every_function_its_port():
    plan = processes.planned({"deepgram": 7})
    assert set(plan.endpoints) == {*processes.FUNCTIONS, "deepgram"}
    assert all(topology().subscription(name) for name in plan.endpoints)
    assert len({*plan.endpoints.values(), plan.sweeper}) == len(plan.endpoints) + 1
    assert plan.children[0].name == "worker"
    for source, _ in (*processes.FUNCTIONS.values(), processes.HOSTED, processes.SWEEPER):
        assert (processes.ROOT / source).is_file()
    assert [one.command[-1] for one in plan.children[1:]] == ["4"] * len(processes.FUNCTIONS) + ["7", "4"]
    plan.end()


def test_every_function_gets_the_token_of_this_start_and_the_worker_does_not():
    plan, other = processes.planned({}), processes.planned({})
    assert len(plan.token) >= 32
    assert plan.token != other.token
    name = "DROPSCRIBE_FUNCTION_TOKEN"
    worker, *functions = [one.environment.get(name) for one in plan.children]
    assert worker is None
    assert functions == [plan.token] * len(functions)
    assert plan.token not in repr(plan), "a log would keep it"
    plan.end()
    other.end()


def test_a_child_gets_its_variables_beside_ours(child, tmp_path, monkeypatch):
    monkeypatch.setenv("OURS", "1")
    seen = tmp_path / "seen"
    one = child(
        f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(os.environ['OURS'] + os.environ['ITS'])"
    )
    one.environment = {"ITS": "2"}
    assert not one.keep_running()
    until(lambda: seen.exists() and seen.read_text() == "12")


def test_a_port_stays_ours_while_its_function_does_not_run():
    plan = processes.planned({})
    port = processes.port_of(plan.ports[0])
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((processes.HOST, port))
    with processes.reserved(port) as function:
        function.listen()
    plan.end()
    with socket.socket() as stranger:
        stranger.bind((processes.HOST, port))


def test_a_child_that_dies_is_told_of_once_and_started_again_after_a_pause(child, caplog):
    one = child("import sys; sys.exit(3)")
    assert not one.keep_running(), "it has only been started"
    until(lambda: one.process is None or one.process.poll() is not None)
    assert one.keep_running()
    assert "one ended with code 3; it will be started again" in caplog.text
    assert one.process is None
    assert not one.keep_running(), "the pause is not over"
    pause = one.next_start - time.monotonic()
    assert 0 < pause <= 0.5
    until(lambda: one.keep_running() or one.starts == 2)


def test_pauses_grow_and_have_an_end(child, monkeypatch):
    one, pauses = child("raise SystemExit"), []
    monkeypatch.setattr(concurrency, "monotonic", lambda: 0.0)
    for starts in (1, 2, 3, 20):
        one.process = type("Dead", (), {"poll": lambda _: 1})()
        one.starts = starts
        assert one.keep_running()
        pauses.append(one.next_start)
    assert pauses == [0.5, 1.0, 2.0, processes.LONGEST_WAIT]


def test_at_the_end_a_child_is_asked_and_then_killed(child, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "PATIENCE", 0.5)
    deaf = child(
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(tmp_path / 'deaf')!r}).touch(); time.sleep(600)"
    )
    polite = child("import time; time.sleep(600)")
    all_of_them = Processes(children=(deaf, polite), endpoints={}, sweeper="")
    assert not all_of_them.keep_running()
    until((tmp_path / "deaf").exists)
    all_of_them.end()
    assert deaf.process.returncode == -signal.SIGKILL
    assert polite.process.returncode in {-signal.SIGTERM, -signal.SIGKILL}
