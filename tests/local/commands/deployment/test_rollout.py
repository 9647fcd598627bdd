"""`dropscribe rollout` and `rollback` as they are typed."""

from __future__ import annotations

import contextlib

import pytest
from typer.testing import CliRunner

from deployment import api, build, source
from deployment.rollout import drive, state
from deployment.rollout.judge import Figures, Seen
from deployment.source import Source
from local import cli
from local.commands.deployment import place, rollout
from shared.errors import BadRequest
from tests.deployment.rollout.conftest import NEW, OLD, Deployment

HERE = ["--project", "my-project", "--region", "europe-west4"]


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    found = Deployment(tmp_path)

    @contextlib.contextmanager
    def moving(_):
        yield found.phases, found.cloud, found.ports

    monkeypatch.setattr(place, "moving", moving)
    monkeypatch.setattr(api, "Api", lambda _: found.google.api())
    monkeypatch.setattr(source, "archive", lambda _: Source(name="abc", content=b""))
    monkeypatch.setattr(build, "built", lambda *_: None)
    monkeypatch.setattr(build, "build", lambda *_: found.builds.append(1) or NEW)
    found.builds = []
    monkeypatch.setattr(rollout.time, "sleep", found.sleep)
    for name in ("YES", "SHARES", "HOLDS", "LEAST"):
        monkeypatch.delenv(name, raising=False)
    yield found
    found.world.close()


def run(*arguments, **environ):
    return CliRunner().invoke(cli.app, [*arguments, *HERE], env=environ)


def test_a_rollout_and_back_again(deployment):
    # Nothing is transcribed here, so one recording would be waited for.
    deployment.phases._watch.look = _good
    assert run("rollout", YES="1", SHARES="20,100", HOLDS="1").exit_code == 0
    assert state.read(deployment.ports).limits.shares == (20.0, 100.0)
    assert deployment.cloud.images() == NEW
    assert run("rollback").exit_code == 0
    assert deployment.cloud.images() == OLD


def _good(_):
    return Seen(new=Figures(ended=50), old=Figures())


def test_stopped_by_a_person_it_says_how_to_go_on(deployment, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(drive, "run", stopped)
    shown = run("rollout", "--yes")
    assert (shown.exit_code, "`make rollout` resumes, `make rollback` rolls back" in shown.stderr) == (
        1,
        True,
    )


def test_stopped_while_the_guard_watches_it_says_that_shares_go_on_moving(deployment, monkeypatch):
    def stopped(begun, phases, ports, **_):
        begun = phases.act(phases.act(begun))
        assert state.guarded(begun, ports).phase == "shifting"
        raise KeyboardInterrupt

    monkeypatch.setattr(drive, "run", stopped)
    shown = run("rollout", "--yes")
    assert (shown.exit_code, "guard keeps watching" in shown.stderr) == (1, True)


def test_without_a_yes_nothing_begins_and_nothing_is_built(deployment):
    assert run("rollout").exit_code == 2
    assert state.read(deployment.ports) is None
    assert deployment.builds == []


def test_what_cannot_be_rolled_out_is_said_before_minutes_of_a_build(deployment, monkeypatch):
    monkeypatch.setattr(build, "built", lambda *_: OLD)
    assert "These images run already" in run("rollout", YES="1").stderr
    drive.begin(NEW, deployment.cloud, deployment.ports)
    monkeypatch.setattr(build, "built", lambda *_: None)
    assert "is under way (pinning). Check that release out" in run("rollout", YES="1").stderr
    assert deployment.builds == []
    monkeypatch.setattr(build, "built", lambda *_: NEW)
    deployment.phases._watch.look = _good
    assert run("rollout", YES="1").exit_code == 0


@pytest.mark.parametrize(
    ("shares", "holds", "said"),
    [
        ("10,x", "1", "are numbers"),
        ("50,10,100", "1,1", "must grow"),
        ("10,50", "1,1", "end with 100"),
        ("0,100", "1", "must grow"),
        ("10,50,100", "120", r"but the last \(2\)"),
    ],
)
def test_shares_that_make_no_sense_are_refused(shares, holds, said):
    with pytest.raises(BadRequest, match=said):
        rollout.limits_of(shares, holds, 20)


def test_hours_are_told_in_minutes():
    limits = rollout.limits_of("10,50,100", "120,1440", 20)
    assert (limits.holds, limits.least) == ((7200.0, 86400.0), 20)
