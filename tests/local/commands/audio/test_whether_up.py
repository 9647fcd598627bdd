"""Whether a `dropscribe up` works on what is queued, and what is said if none does."""

from __future__ import annotations

import fcntl

import pytest

from local.backend.embedded_ports import open_ports
from local.commands.audio.whether_up import say_if_nothing_runs, up_command
from shared.settings import Settings


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "my state"))
    yield ports
    ports.close()


def test_without_an_up_the_command_that_starts_it_is_said(ports, capsys):
    assert ports.nothing_runs()
    assert say_if_nothing_runs(ports)
    assert f"Start `dropscribe up --state-dir '{ports.settings.state_dir}'`." in capsys.readouterr().err
    assert up_command(Settings()) == "dropscribe up"


def test_while_an_up_holds_its_lock_nothing_is_said(ports, capsys):
    with (ports.settings.state_dir / "up.lock").open("a+") as lock:
        assert ports.nothing_runs()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not ports.nothing_runs()
        assert not say_if_nothing_runs(ports)
    assert capsys.readouterr().err == ""


def test_nothing_is_known_of_a_project(world, capsys):
    assert not say_if_nothing_runs(world.ports)
    assert capsys.readouterr().err == ""
