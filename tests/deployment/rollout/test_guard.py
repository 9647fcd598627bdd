"""The project watches a rollout by itself, whether the command runs or not, and with no more rights than it has."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest

from deployment.api import Api
from deployment.rollout import guard, state
from deployment.rollout.drive import AWAY, GUARDED, UNGUARDED, begin, rollback, run
from deployment.rollout.figures import Watch
from deployment.rollout.judge import Limits
from deployment.rollout.services import Traffic
from deployment.rollout.state import GUARD
from shared.engines import hosted_specs
from shared.errors import ConfigurationError, StoreUnavailable
from shared.messages import to_fields
from shared.sweep import measured
from tests.deployment.google import TARGET, Killed, no
from tests.deployment.rollout.conftest import NEW, OLD, Deployment
from tests.measured import listening
from tests.terraform import needs
from tests.terraform.check import FILES
from tests.terraform.deployed import Deployed

ROUTER = "dropscribe-router"
LANE = "gpu-worker-canary"
LAID = Deployed.read(FILES["everything"])
MAY = needs.granted(LAID, "guard")


class Project:
    """A deployment of which the clock calls the guard; its account may do what Terraform grants it, and no more."""

    def __init__(self, deployment):
        self.deployment, self.asked, self.refused = deployment, set(), False
        self.ports = replace(deployment.ports, queue=Queue(deployment.ports.queue, self.use), store=None)
        self.fresh()

    def fresh(self):
        """Another instance: nothing is remembered."""
        api = Api(session=self, sleep=self.deployment.sleep)
        watch = Watch(self.ports, TARGET.project, api)
        self.guard = guard.Guard(Traffic(TARGET.project, TARGET.region, api), watch, self.ports)

    def minute(self):
        """A tick, and the rest of its minute."""
        began = self.deployment.world.clock.time
        try:
            return guard.tick(lambda: self.guard, self.ports, self.deployment.sleep)
        finally:
            clock = self.deployment.world.clock
            clock.time = max(clock.time, began + 60.0)

    def use(self, kind, name, permission):
        assert (kind, name, permission) in MAY, f"the guard may not use {permission} on the {kind} {name}"
        self.asked.add((kind, name, permission))

    def request(self, method, url, headers=None, **options):
        assert headers == {}, "it may not say who pays"
        if self.refused:
            return no(403, "it may not any more")
        for pattern, kind, permissions in CALLS:
            if found := re.fullmatch(pattern, f"{method} {url}"):
                name = LAID.project if kind == "project" else found[1]
                for one in permissions:
                    self.use(kind, name, one)
                if "run.services.update" in permissions:
                    self.use("account", name.removeprefix("dropscribe-"), "iam.serviceAccounts.actAs")
                break
        else:
            raise AssertionError(f"nobody says what {method} {url} takes")
        given = {"x-goog-user-project": TARGET.project}
        return self.deployment.google.request(method, url, headers=given, **options)


CALLS = [
    (r"GET https://run\.googleapis\.com/v2/.*/services/([\w-]+)", "service", ["run.services.get"]),
    (r"PATCH https://run\.googleapis\.com/v2/.*/services/([\w-]+)", "service", ["run.services.update"]),
    (r"GET https://run\.googleapis\.com/v2/.*/jobs/([\w-]+)/executions", "job", ["run.executions.list"]),
    (r"POST https://run\.googleapis\.com/v2/.*/jobs/([\w-]+)/executions/.*:cancel", "job", ["run.executions.cancel"]),
    (r"GET https://monitoring\.googleapis\.com/v3/.*/timeSeries", "project", ["monitoring.timeSeries.list"]),
]  # fmt: skip
"""What each call of Google's interfaces takes: https://cloud.google.com/run/docs/reference/iam/permissions."""


class Queue:
    """A queue that says what it is asked."""

    def __init__(self, queue, use):
        self._queue, self._use = queue, use

    def pull(self, subscription, *arguments):
        self._use("subscription", subscription, "pubsub.subscriptions.consume")
        return self._queue.pull(subscription, *arguments)

    def ack(self, subscription, *arguments):
        self._use("subscription", subscription, "pubsub.subscriptions.consume")
        return self._queue.ack(subscription, *arguments)

    def publish_many(self, topic, *arguments):
        self._use("topic", topic, "pubsub.topics.publish")
        return self._queue.publish_many(topic, *arguments)


@pytest.fixture
def project(deployment):
    return Project(deployment)


def laid(deployment, limits=None):
    """The new release stands and gets its first share; then the command is gone."""
    deployment.limits = limits or deployment.limits
    rollout = begin(NEW, deployment.cloud, deployment.ports, deployment.limits)
    while rollout.phase != "shifting":
        rollout = deployment.phases.act(rollout)
    return rollout


def failing(deployment):
    deployment.google.series["request_count", f"{ROUTER}-00002", "5xx"] = 20
    deployment.google.series["request_count", f"{ROUTER}-00002", "2xx"] = 20


def traffic(deployment, name=ROUTER):
    return deployment.google.services[name]["traffic"]


OLD_ONE, NEW_ONE = f"{ROUTER}-00001", f"{ROUTER}-00002"


def test_without_a_command_a_bad_release_is_back_within_a_minute_of_five_bad_ones(project, caplog):
    deployment = project.deployment
    laid(deployment, Limits(least=0, holds=(7200.0, 86400.0)))
    for _ in range(10):
        assert project.minute() == "shifting"
    assert traffic(deployment) == {NEW_ONE: 10, OLD_ONE: 90}
    assert deployment.stand()[2] == 10.0
    failing(deployment)
    began = deployment.world.clock.time
    with caplog.at_level(logging.WARNING), listening() as told:
        while project.minute() != "restoring":
            assert deployment.world.clock.time < began + 600
    moved = state.read(deployment.ports).history[-1].time
    assert 300 <= moved - began <= 360
    assert traffic(deployment) == {OLD_ONE: 100}
    assert deployment.stand()[2] == 0.0
    assert "the release went back (20 of 40 requests failed" in caplog.text
    assert "make rollback" in caplog.text
    assert told.of("releases_back_total") == [(1.0, {})]
    # Whoever opens the laptop again lays the old images.
    ended = deployment.rollout()
    assert (ended.phase, "20 of 40 requests failed" in ended.reason) == ("back", True)
    assert {image for image, _ in deployment.stand()[0].values()} == {OLD.functions}


def test_without_a_command_shares_grow_and_the_next_one_lays_the_rest(project, caplog):
    deployment = project.deployment
    laid(deployment)
    seen = []
    with caplog.at_level(logging.WARNING):
        while (phase := project.minute()) == "shifting":
            seen.append(traffic(deployment)[NEW_ONE])
    assert phase == "finishing"
    assert sorted(set(seen)) == [10, 50] and traffic(deployment) == {NEW_ONE: 100}  # noqa: PT018 - one sentence
    assert "run `make rollout` to deploy the rest" in caplog.text
    assert project.minute() == ""
    assert deployment.rollout().phase == "done"
    assert deployment.google.jobs["dropscribe-gpu"] == NEW.gpu


def test_its_own_service_stays_with_the_old_release_until_the_new_one_has_taken_over(project):
    deployment = project.deployment
    laid(deployment)
    while project.minute() == "shifting":
        assert traffic(deployment, GUARD) == {f"{GUARD}-00001": 100}
    assert traffic(deployment, GUARD) == {f"{GUARD}-00001": 100}
    deployment.rollout()
    assert traffic(deployment, GUARD) == {"": 100}


@pytest.mark.parametrize("ended", [None, "done"])
def test_where_nothing_is_under_way_it_asks_and_changes_nothing(project, ended):
    if ended:
        project.deployment.rollout()
    before = project.deployment.google.killer.count
    assert project.minute() == ""
    assert project.deployment.google.killer.count == before
    assert project.asked == set()


def test_everything_its_account_may_it_does_and_no_more(project):
    """`use` refuses what is not granted; at the end every grant on one thing was used."""
    deployment = project.deployment
    laid(deployment)
    project.minute()
    deployment.world.ports.queue.publish("chunks-gpu-canary", b"1", {"recording": "x"})
    deployment.google.post_run("dropscribe-gpu-canary", {"overrides": {}})
    failing(deployment)
    to_the_old_one(project)
    assert deployment.world.pull(LANE) == []
    assert [one.data for one in deployment.world.pull("gpu-worker")] == [b"1"]
    assert all("completionTime" in one for one in deployment.google.executions.values())
    # Hosted engines are not in this deployment.
    names = [one.subscription for one in hosted_specs()]
    elsewhere = {("service", f"dropscribe-{name}") for name in names} | {("account", name) for name in names}
    by_ports = {"datastore.entities", "telemetry.traces.write"}
    left = {one for one in MAY - project.asked if one[:2] not in elsewhere and one[2] not in by_ports}
    assert left == set()


def test_a_deployment_without_a_gpu_has_no_workers_to_end(project):
    deployment = project.deployment
    new, old = replace(NEW, gpu="", cpu=NEW.gpu), replace(OLD, gpu="", cpu=OLD.gpu)
    laid(deployment)
    stored = replace(state.read(deployment.ports), new=new, old=old)
    deployment.ports.records.update("state", "release", lambda _: to_fields(stored))
    failing(deployment)
    to_the_old_one(project)
    assert not [one for one in project.asked if one[0] in {"job", "subscription", "topic"}]
    assert traffic(deployment) == {OLD_ONE: 100}


def test_what_does_not_answer_is_tried_again_in_the_same_minute(project, caplog):
    laid(project.deployment)
    project.deployment.google.down = 3
    with caplog.at_level(logging.WARNING):
        assert project.minute() == "shifting"
    assert "is tried again" in caplog.text
    project.deployment.google.down = 100
    with pytest.raises(StoreUnavailable):
        project.minute()


def test_a_role_that_is_missing_is_said_and_the_command_goes_on_watching(project):
    deployment = project.deployment
    laid(deployment, Limits(least=0, holds=(1200.0, 0.0)))
    project.minute()
    patch, deployment.google.patch_service = (
        deployment.google.patch_service,
        lambda *_: no(403, "actAs denied"),
    )
    deployment.google.services[ROUTER]["traffic"] = {OLD_ONE: 100}
    with pytest.raises(ConfigurationError, match="actAs denied"):
        project.minute()
    deployment.google.patch_service = patch
    assert deployment.rollout().phase == "done"


def to_the_old_one(project):
    while state.read(project.deployment.ports).phase != "restoring":
        project.minute()


def test_killed_before_or_after_any_effect_the_next_tick_goes_on(tmp_path):
    def to_the_end(deployment):
        found = Project(deployment)
        laid(deployment, Limits(least=0, holds=(600.0, 600.0), lasting=60.0))
        failing(deployment)
        deployment.google.killer.count = 0
        return found

    whole = to_the_end(Deployment(tmp_path / "whole"))
    to_the_old_one(whole)
    count, wanted = whole.deployment.google.killer.count, whole.deployment.stand()
    whole.deployment.world.close()
    assert count > 10
    for number in range(1, count + 1):
        project = to_the_end(Deployment(tmp_path / str(number)))
        killer = project.deployment.google.killer
        killer.at, killer.after = number, number % 2 == 0
        with pytest.raises(Killed):
            to_the_old_one(project)
        killer.at = None
        project.fresh()
        to_the_old_one(project)
        assert project.deployment.stand() == wanted, number
        project.deployment.world.close()


def test_a_command_beside_the_guard_shows_what_it_does_and_looks_no_more(project):
    deployment = project.deployment
    laid(deployment)
    looked = []
    deployment.phases._watch.look = lambda _: looked.append(1)
    project.minute()
    stored = state.read(deployment.ports)
    ended = run(
        stored,
        deployment.phases,
        deployment.ports,
        say=deployment.said.append,
        sleep=lambda _: project.minute(),
    )
    assert ended.phase == "done"
    assert looked == []
    assert GUARDED in deployment.said
    assert "0 recordings did well at 10 %: 10 % → 50 %." in deployment.said


def test_a_command_looks_itself_where_the_guard_does_not_and_says_so_once_it_could_have(deployment):
    laid(deployment, Limits(least=0, holds=(1200.0, 0.0)))
    began = deployment.world.clock.time
    told = []
    deployment.said = told
    deployment.rollout()
    assert UNGUARDED in told
    assert GUARDED not in told
    assert deployment.world.clock.time - began >= 1200 > AWAY


def test_a_rollback_does_not_wait_for_the_guard(project):
    deployment = project.deployment
    laid(deployment)
    project.minute()
    began = deployment.world.clock.time
    ended = deployment.go(rollback(deployment.phases, deployment.cloud, deployment.ports))
    assert (ended.phase, deployment.world.clock.time - began) == ("back", 0.0)


@pytest.mark.parametrize(
    ("meanwhile", "then"), [("shifting", "restoring"), ("shifting", "back"), ("returning", "back")]
)
def test_a_guard_that_is_late_takes_no_traffic_back_from_a_person_who_went_back(project, meanwhile, then):
    """It looked, a person goes back, and only then it moves traffic for what it saw."""
    deployment = project.deployment
    rollout = laid(deployment)
    project.minute()
    if meanwhile == "returning":
        deployment.phases.back(rollout, "a person asked for it")
    bind = project.guard._cloud.bind

    def late(shares):
        project.guard._cloud.bind = bind
        moved = rollback(deployment.phases, deployment.cloud, deployment.ports)
        while moved.phase != then:
            moved = deployment.phases.act(moved)
        bind(shares)

    project.guard._cloud.bind = late
    project.minute()
    assert state.read(deployment.ports).phase == then
    assert traffic(deployment) == {OLD_ONE: 100}
    assert deployment.stand()[2] == 0.0


def test_a_guard_that_is_late_binds_nothing_of_a_release_that_has_taken_over(project):
    deployment = project.deployment
    laid(deployment, Limits(least=0, holds=(0.0, 0.0)))
    bind = project.guard._cloud.bind

    def late(shares):
        project.guard._cloud.bind = bind
        assert deployment.rollout().phase == "done"
        bind(shares)

    project.guard._cloud.bind = late
    project.minute()
    assert traffic(deployment) == {"": 100}
    assert deployment.stand()[2] == 0.0


@pytest.mark.parametrize("going", [False, True])
def test_a_guard_that_is_refused_counts_as_none_for_the_command_and_for_the_alert(project, going):
    """It is called every minute, but whoever took its rights from it must be able to rely on the command."""
    deployment = project.deployment
    rollout = laid(deployment, Limits(least=0, holds=(1200.0, 0.0)))
    if going:
        rollout = deployment.phases.back(rollout, "a person asked for it")
    project.refused = True
    for _ in range(15):
        with pytest.raises(ConfigurationError, match="it may not any more"):
            project.minute()
    with listening() as told:
        measured._rollout(deployment.ports)
    assert told.of("rollout_unguarded_seconds") == [(900.0, {})]

    def minute(_):
        with pytest.raises(ConfigurationError):
            project.minute()

    said = deployment.said.append
    ended = run(state.read(deployment.ports), deployment.phases, deployment.ports, say=said, sleep=minute)
    assert ended.phase == ("back" if going else "done")
    assert GUARDED not in deployment.said


@pytest.mark.parametrize("before", ["laying", "done"])
def test_a_release_on_its_way_back_is_not_called_unguarded_before_the_guard_could_look(deployment, before):
    """Neither one that never got traffic, nor one that took over days ago."""
    rollout = begin(NEW, deployment.cloud, deployment.ports, deployment.limits)
    while rollout.phase != before:
        rollout = deployment.phases.act(rollout)
        deployment.world.clock.time += 7200
    deployment.world.clock.time += 86400
    deployment.phases.back(rollout, "a person asked for it")
    deployment.world.clock.time += 30
    with listening() as told:
        measured._rollout(deployment.ports)
    assert told.of("rollout_unguarded_seconds") == [(30.0, {})]


def test_a_flag_that_somebody_wrote_wrongly_keeps_no_bad_release(project):
    """By hand, into the document: `dropscribe flags` refuses it."""
    deployment = project.deployment
    laid(deployment)
    project.minute()
    deployment.ports.records.update("config", "flags", lambda fields: fields | {"ROLLOUT_PERCENT": 300})
    failing(deployment)
    to_the_old_one(project)
    assert traffic(deployment) == {OLD_ONE: 100}
    assert deployment.stand()[2] == 0.0
