"""`dropscribe status`, what it says of unavailable workers and of recordings that wait."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.backend.embedded_ports import open_ports
from local.commands.views import status
from local.commands.views.overview import Wanted
from shared.errors import EngineFailed, StoreUnavailable
from shared.flow import upload
from shared.messages import AUDIO_FINALIZED
from shared.model import Options
from shared.settings import Settings
from shared.state import failure_log
from shared.sweep import release_held, sweep
from tests.flow.test_capacity import ScriptedJobs
from tests.world import IN_A_PROJECT


class Jobs(ScriptedJobs):
    """The same, of which none has ended."""

    def ended(self, since):
        return []


@pytest.fixture
def jobs():
    return Jobs()


@pytest.fixture
def ports(world, jobs, tmp_path):
    settings = Settings(state_dir=tmp_path, **IN_A_PROJECT)
    return replace(world.ports, gpu_jobs=jobs, engines=frozenset({"parakeet-gpu"}), settings=settings)


@pytest.fixture
def told(ports, capsys):
    def told():
        status.run(Wanted(limit=5), ports, as_json=True)
        found = json.loads(capsys.readouterr().out)["no_workers"]
        status.run(Wanted(limit=5), ports, as_json=False)
        assert ("No worker is available now. so it is" in capsys.readouterr().out) == bool(found)
        return found

    return told


@pytest.mark.parametrize("kind", ["quota", "denied", "missing", "unreachable"])
def test_it_says_why_no_worker_can_be_had_until_one_runs(world, ports, jobs, told, kind):
    assert told() == {}
    jobs.start_status = kind
    upload.on_upload(world.upload(), ports)
    # Work is collected for a while before a worker is started.
    world.clock.time += 120
    sweep.on_tick(ports)
    assert told() == {"main": "so it is"}
    jobs.start_status = "ready"
    for _ in range(2):
        world.clock.time += 60
        sweep.on_tick(ports)
    assert jobs.running == 1
    assert told() == {}


def test_it_says_nothing_of_workers_where_the_sweeper_has_not_looked_for_long(world, ports, jobs, told):
    jobs.status = "denied"
    upload.on_upload(world.upload(), ports)
    sweep.on_tick(ports)
    assert told() == {"main": "so it is"}
    world.clock.time += 400
    assert told() == {}


def test_it_says_why_a_recording_is_held_by_the_budget_of_now(world, ports, capsys):
    def why(settings):
        status.run(Wanted(limit=5), replace(ports, settings=settings), as_json=True)
        return json.loads(capsys.readouterr().out)["recordings"][0]["held"]

    small = replace(ports.settings, budget_daily_usd=0.000001)
    upload.on_upload(world.upload(), replace(ports, settings=small))
    assert "of $0.0000010; this recording" in why(ports.settings)
    release_held.keep_budgets(replace(ports, settings=replace(small, budget_daily_usd=0.000002)))
    assert "of $0.0000020; this recording" in why(ports.settings)
    release_held.keep_budgets(ports)
    assert why(ports.settings) is None


def test_it_says_what_went_wrong_last_with_a_recording_on_its_way(world, ports, capsys):
    recording = upload.on_upload(world.upload(), ports)

    def said():
        status.run(Wanted(limit=5), ports, as_json=True)
        return json.loads(capsys.readouterr().out)["recordings"][0]["last_trouble"]

    assert said() is None
    for number, error in enumerate(
        [EngineFailed("timeout", "no answer in time"), StoreUnavailable("the store is away")]
    ):
        world.clock.time += 1
        failure_log.note(
            error, ports, where="parakeet-gpu", message_id=f"m-{number}", attempt=1,
            attributes={"recording": recording.id, "chunk": "0"},
        )  # fmt: skip
    assert said() == "the store is away"
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "last error: the store is away" in " ".join(capsys.readouterr().out.split())


def test_it_says_that_nothing_runs_where_messages_wait(tmp_path, capsys):
    ports = open_ports(Settings(state_dir=tmp_path))
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "not running" not in capsys.readouterr().out
    ports.queue.publish(AUDIO_FINALIZED, b"{}")
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "`dropscribe up` is not running" in capsys.readouterr().out
    ports.close()


def test_a_message_that_some_process_holds_is_not_said_to_wait_for_up(tmp_path, capsys):
    """For example a `transcribe` in another terminal."""
    ports = open_ports(Settings(state_dir=tmp_path))
    ports.queue.publish(AUDIO_FINALIZED, b"{}")
    (held,) = ports.queue.pull("router", 1, 60.0)
    status.run(Wanted(limit=5), ports, as_json=False)
    shown = capsys.readouterr().out
    assert "Messages waiting: router 1." in shown
    assert "not running" not in shown
    ports.queue.nack("router", held.lease)
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "`dropscribe up` is not running" in capsys.readouterr().out
    ports.close()


def test_what_ctrl_c_stopped_is_said_to_go_on_with_the_same_command(tmp_path, capsys):
    ports = open_ports(Settings(state_dir=tmp_path))
    (tmp_path / "talk.wav").write_bytes(b"x")
    recording = upload.accept(ports.file(tmp_path / "talk.wav"), Options(), ports)
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "Run the same `dropscribe transcribe` again" in " ".join(capsys.readouterr().out.split())
    ports.records.update("recordings", recording.id, lambda stored: stored | {"held": "budget"})
    status.run(Wanted(limit=5), ports, as_json=False)
    assert "again" not in capsys.readouterr().out
    ports.close()
