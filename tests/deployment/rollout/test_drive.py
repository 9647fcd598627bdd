"""The loop: what it refuses, what it says, and that it goes on where another process stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout import state
from deployment.rollout.drive import begin, rollback, under_way
from deployment.rollout.judge import Limits
from deployment.rollout.state import Images
from shared.errors import BadRequest, StoreUnavailable
from tests.deployment.google import TARGET, digest, no
from tests.deployment.rollout.conftest import NEW, OLD, Deployment

ANOTHER = Images(functions=digest("functions", 9), gpu=digest("gpu", 9))


def test_the_same_images_are_nothing_to_roll_out(deployment):
    with pytest.raises(BadRequest, match="run already"):
        deployment.rollout(OLD)


def test_of_two_releases_one_is_under_way(deployment):
    begun = begin(NEW, deployment.cloud, deployment.ports)
    assert begin(NEW, deployment.cloud, deployment.ports) == begun
    with pytest.raises(BadRequest, match=r"functions 000000000003 gpu 000000000004 is under way \(pinning\)"):
        begin(ANOTHER, deployment.cloud, deployment.ports)


LOCK = (TARGET.state_bucket, "dropscribe/default.tflock")
HELD = {"generation": "1764450000000001", "timeCreated": "2026-11-29T21:00:05.123Z"}
APPLIED = (
    r"Terraform has been changing this deployment since 2026-11-29 21:00:05 UTC: another `make deploy` runs, or one was "
    r"killed\. Wait for its end and run this again\. If none runs: terraform -chdir=terraform force-unlock 1764450000000001"
)


def test_none_begins_while_a_deployment_is_applied(deployment):
    deployment.google.objects[LOCK] = HELD
    for how in (begin, under_way):
        with pytest.raises(BadRequest, match=APPLIED):
            how(NEW, deployment.cloud, deployment.ports)
    assert state.read(deployment.ports) is None
    del deployment.google.objects[LOCK]
    assert deployment.rollout().phase == "done"
    deployment.google.objects[LOCK] = HELD
    with pytest.raises(BadRequest, match=APPLIED):
        rollback(deployment.phases, deployment.cloud, deployment.ports)


def meanwhile(deployment, happens):
    """Ports with which something happens just before a rollout is stored."""
    records = deployment.ports.records

    class Records:
        def __getattr__(self, name):
            return getattr(records, name)

        def create(self, collection, *more):
            if collection == state.STATE:
                happens()
            return records.create(collection, *more)

    return replace(deployment.ports, records=Records())


def test_one_that_begins_at_the_same_time_as_a_deployment_ends_before_it_moves_anything(deployment):
    stands = deployment.stand()
    ports = meanwhile(deployment, lambda: deployment.google.objects.update({LOCK: HELD}))
    with pytest.raises(BadRequest, match=APPLIED):
        begin(NEW, deployment.cloud, ports)
    assert state.read(deployment.ports).ended
    assert deployment.stand() == stands
    del deployment.google.objects[LOCK]
    assert deployment.rollout().phase == "done"


def test_the_second_of_two_that_begin_at_the_same_time_goes_on_with_the_rollout_of_the_first(deployment):
    first = []

    def another():
        deployment.world.clock.time += 1.0
        first.append(begin(NEW, deployment.cloud, deployment.ports))
        deployment.google.objects[LOCK] = HELD

    assert begin(NEW, deployment.cloud, meanwhile(deployment, another)) == first[0]
    assert state.read(deployment.ports) == first[0]


def test_one_on_its_way_back_is_brought_there_whatever_is_checked_out(deployment):
    begin(NEW, deployment.cloud, deployment.ports)
    rollback(deployment.phases, deployment.cloud, deployment.ports)
    assert deployment.rollout(ANOTHER).phase == "back"


def test_there_must_be_something_to_go_back_to(deployment):
    def back():
        return rollback(deployment.phases, deployment.cloud, deployment.ports)

    with pytest.raises(BadRequest, match="Nothing to roll back"):
        back()
    deployment.rollout()
    deployment.google.lay(ANOTHER, ANOTHER.gpu)
    with pytest.raises(BadRequest, match="Another release was deployed since"):
        back()
    deployment.google.lay(NEW, NEW.gpu)
    deployment.go(back())
    with pytest.raises(BadRequest, match="already been rolled back"):
        back()


def test_what_does_not_answer_is_tried_again_and_said_once(deployment):
    look = deployment.phases._watch.look
    tries = []

    def dull(rollout):
        tries.append(1)
        if len(tries) < 4:
            raise StoreUnavailable("records are away")
        return look(rollout)

    deployment.phases._watch.look = dull
    assert deployment.rollout().phase == "done"
    assert [one for one in deployment.said if "records are away" in one] == [
        "It stays as it is, and is tried again: records are away"
    ]


def test_a_refusal_on_the_way_back_does_not_end_it(deployment):
    patch, refused = deployment.google.patch_service, []

    def reluctant(*arguments):
        if len(refused) < 3:
            refused.append(1)
            return no(409, "somebody else changes it now")
        return patch(*arguments)

    rollout = begin(NEW, deployment.cloud, deployment.ports)
    while rollout.phase != "shifting":
        rollout = deployment.phases.act(rollout)
    deployment.phases.act(rollout)
    deployment.google.patch_service = reluctant
    assert deployment.go(rollback(deployment.phases, deployment.cloud, deployment.ports)).phase == "back"
    assert len(refused) == 3


def test_every_change_is_said_once_in_a_sentence(deployment):
    deployment.rollout()
    told = [one for one in deployment.said if "→" in one or "taken over" in one]
    assert told == [
        "Functions 000000000001 gpu 000000000002 → functions 000000000003 gpu 000000000004.",
        "0 recordings did well at 10 %: 10 % → 50 %.",
        "0 recordings did well at 50 %: 50 % → 100 %.",
        "The new release has taken over.",
    ]


def test_the_time_that_is_left_is_said_now_and_then(tmp_path):
    deployment = Deployment(tmp_path, Limits(least=0, holds=(3600.0, 3600.0)))
    deployment.rollout()
    told = [one for one in deployment.said if "holds for" in one]
    assert told[0] == "10 % holds for 1 h 0 min more."
    assert 6 <= len(told) <= 10
    deployment.world.close()


def test_a_rollback_by_another_process_is_followed(deployment):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            stored = state.read(deployment.ports)
            deployment.phases.back(stored, "somebody else")

    deployment.sleep = sleep
    ended = deployment.rollout()
    assert (ended.phase, ended.reason) == ("back", "somebody else")
