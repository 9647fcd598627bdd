"""A rollout against made-up interfaces: what stands after each phase, and after a death at each effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout import state
from deployment.rollout.drive import begin, rollback
from deployment.rollout.judge import Limits
from deployment.rollout.phases import Phases
from deployment.rollout.services import CloudRun
from shared.errors import ConfigurationError
from shared.settings import Settings
from tests.deployment.google import TARGET, Killed, digest
from tests.deployment.rollout.conftest import NEW, OLD, Deployment

LANE = "gpu-worker-canary"
ROUTER = "dropscribe-router"


def shares(deployment):
    return deployment.google.services[ROUTER]["traffic"]


def test_the_new_release_takes_over_at_10_50_and_100_percent(deployment):
    seen = []
    move = deployment.google.patch_service

    def noted(name, body, params, path):
        answer = move(name, body, params, path)
        if name == ROUTER:
            seen.append(dict(shares(deployment)))
        return answer

    deployment.google.patch_service = noted
    ended = deployment.rollout()
    old, new = f"{ROUTER}-00001", f"{ROUTER}-00002"
    assert seen == [{old: 100}, {new: 10, old: 90}, {new: 50, old: 50}, {new: 100}, {"": 100}]
    assert ended.phase == "done"
    services, jobs, lane = deployment.stand()
    assert set(services.values()) == {(NEW.functions, "latest")}
    assert jobs == {"dropscribe-gpu": NEW.gpu, "dropscribe-gpu-canary": NEW.gpu}
    assert lane == 0.0


def test_the_lane_of_the_workers_follows_the_traffic_and_the_old_job_keeps_its_image(deployment):
    rollout = begin(NEW, deployment.cloud, deployment.ports, deployment.limits)
    found = []
    while rollout.phase != "finishing":
        if rollout.phase == "shifting":
            deployment.world.clock.time += 61
        rollout = deployment.phases.act(rollout)
        found.append((rollout.phase, deployment.stand()[2], deployment.google.jobs["dropscribe-gpu"]))
    assert [one[1] for one in found if one[0] == "shifting"] == [0.0, 10.0, 50.0]
    assert found[-1][1] == 100.0
    assert {one[2] for one in found} == {OLD.gpu}
    assert deployment.google.jobs["dropscribe-gpu-canary"] == NEW.gpu


def test_new_functions_alone_use_no_lane(deployment):
    rollout = begin(
        state.Images(functions=NEW.functions, gpu=OLD.gpu),
        deployment.cloud,
        deployment.ports,
        deployment.limits,
    )
    while rollout.phase != "finishing":
        deployment.world.clock.time += 61
        rollout = deployment.phases.act(rollout)
        assert deployment.stand()[2] == 0.0


def test_a_revision_that_does_not_start_sends_it_back_before_it_gets_traffic(deployment):
    deployment.google.broken_images.add(NEW.functions)
    ended = deployment.rollout()
    assert (ended.phase, "does not start" in ended.reason) == ("back", True)
    services, jobs, _ = deployment.stand()
    assert {image for image, _ in services.values()} == {OLD.functions}
    assert jobs["dropscribe-gpu-canary"] == OLD.gpu
    assert all(f"{ROUTER}-00002" not in str(line) for line in services.values())


def test_terraform_that_fails_for_another_reason_is_for_a_person_to_mend_and_then_it_goes_on(deployment):
    lay, deployment.phases._apply = deployment.phases._apply, lambda *_: _refused()
    with pytest.raises(ConfigurationError, match="may not"):
        deployment.rollout()
    assert state.read(deployment.ports).phase == "laying"
    deployment.phases._apply = lay
    assert deployment.rollout().phase == "done"


def _refused():
    raise ConfigurationError("you may not")


def failing(deployment):
    """Requests to the new router fail."""
    deployment.google.series["request_count", f"{ROUTER}-00002", "5xx"] = 20
    deployment.google.series["request_count", f"{ROUTER}-00002", "2xx"] = 20


def test_errors_send_it_back_after_five_minutes_and_within_one_more(deployment):
    deployment.limits = Limits()
    deployment.fresh()
    failing(deployment)
    began = deployment.world.clock.time
    ended = deployment.rollout()
    assert (ended.phase, "20 of 40 requests failed" in ended.reason) == ("back", True)
    # Metrics are asked for from the second minute on.
    assert 300 <= deployment.world.clock.time - began <= 300 + 60 + 60
    services, jobs, lane = deployment.stand()
    assert ({image for image, _ in services.values()}, lane) == ({OLD.functions}, 0.0)
    assert set(jobs.values()) == {OLD.gpu}


def test_on_its_way_back_messages_of_its_lane_go_to_the_workers_of_all_others(deployment):
    queue = deployment.world.ports.queue
    rollout = begin(NEW, deployment.cloud, deployment.ports, deployment.limits)
    while rollout.phase != "shifting":
        rollout = deployment.phases.act(rollout)
    for number in range(3):
        queue.publish("chunks-gpu-canary", b"%d" % number, {"recording": "x"})
    deployment.google.post_run("dropscribe-gpu-canary", {"overrides": {}})
    rollout = rollback(deployment.phases, deployment.cloud, deployment.ports)
    deployment.go(rollout)
    assert deployment.world.pull(LANE) == []
    assert [(one.data, dict(one.attributes)) for one in deployment.world.pull("gpu-worker")] == [
        (b"%d" % number, {"recording": "x"}) for number in range(3)
    ]
    assert all("completionTime" in one for one in deployment.google.executions.values())


@pytest.mark.parametrize("phase", ["laying", "shifting", "finishing", "done"])
def test_rollback_is_one_command_in_every_phase(deployment, phase):
    rollout = begin(NEW, deployment.cloud, deployment.ports, deployment.limits)
    while rollout.phase != phase:
        deployment.world.clock.time += 61
        rollout = deployment.phases.act(rollout)
    ended = deployment.go(rollback(deployment.phases, deployment.cloud, deployment.ports))
    assert (ended.phase, "a person asked for it" in ended.reason) == ("back", True)
    services, jobs, lane = deployment.stand()
    assert ({image for image, _ in services.values()}, set(jobs.values()), lane) == (
        {OLD.functions},
        {OLD.gpu},
        0.0,
    )


def effects(tmp_path, ends):
    """How many effects a rollout has, and what stands after it."""
    whole = Deployment(tmp_path)
    whole.google.killer.count = 0
    ends(whole)
    count, stand = whole.google.killer.count, whole.stand()
    whole.world.close()
    return count, stand


def to_the_end(deployment):
    deployment.rollout()


def and_back(deployment):
    failing(deployment)
    deployment.limits = Limits(least=0, holds=(600.0, 600.0), lasting=60.0)
    deployment.fresh()
    deployment.rollout()


@pytest.mark.parametrize("ends", [to_the_end, and_back])
def test_killed_before_or_after_any_effect_it_goes_on_to_the_same_end(tmp_path, ends):
    count, wanted = effects(tmp_path / "whole", ends)
    assert count > 20
    for number in range(1, count + 1):
        deployment = Deployment(tmp_path / str(number))
        killer = deployment.google.killer
        killer.count, killer.at, killer.after = 0, number, number % 2 == 0
        with pytest.raises(Killed):
            ends(deployment)
        killer.at = None
        deployment.fresh()
        stored = state.read(deployment.world.ports)
        if stored is None or not stored.ended:
            ends(deployment)
        assert deployment.stand()[1:] == wanted[1:], number
        # A repeat may have made one more revision; its image and who has the traffic count.
        assert {one[0] for one in deployment.stand()[0].values()} == {one[0] for one in wanted[0].values()}
        deployment.world.close()


def test_one_environment_names_the_job_of_the_next_release():
    assert Settings().gpu_job + "-canary" == "dropscribe-gpu-canary"
    assert TARGET.gpu is not None


def test_the_page_changes_with_the_workers_at_the_end_and_comes_back_with_them(tmp_path):
    old, new = replace(OLD, console=digest("console", 1)), replace(NEW, console=digest("console", 2))
    one = Deployment(tmp_path)
    try:
        one.google.lay(old, old.gpu)
        one.cloud = CloudRun(replace(TARGET, variables={"console_members": ["domain:b.c"]}), one.google.api())
        one.phases = Phases(one.cloud, one.google.lay, one.phases._watch, one.ports)
        laid, original = [], one.google.lay
        one.phases._apply = lambda images, canary: (laid.append(images.console), original(images, canary))
        assert one.rollout(new).phase == "done"
        assert (laid[0], laid[-1]) == (old.console, new.console)
        assert one.cloud.images() == new
    finally:
        one.world.close()
