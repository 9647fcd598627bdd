"""A deployment from an empty project: in order, repeated, refused, and killed at each effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.deploy import Blocked, Deploy, Person
from deployment.quotas import L4
from deployment.rollout import state
from deployment.source import Source
from shared.errors import BadRequest, ConfigurationError
from shared.model import Options, Recording, StoredObject
from shared.routing import flags
from shared.settings import Settings
from tests.deployment.fake_terraform import FakeTerraform
from tests.deployment.google import TARGET, Google, Killed
from tests.deployment.rollout.conftest import NEW, OLD
from tests.world import IN_A_PROJECT

SOURCE = Source(name="abcdef012345", content=b"sources")
WITH_KEY = replace(TARGET, variables={"hosted": {"deepgram": {}}})
DONE = Recording(
    id="x",
    source=StoredObject(bucket="audio", name="x", generation=1, size=1),
    options=Options(),
    state="DONE",
    created=100.0,
    finished=142.0,
)


class Project:
    """A project, and a person who runs the command again and again."""

    def __init__(self, world, target=TARGET, *, says_yes=True, key="secret-key\n"):
        self.google, self.target, self.world = Google(target), target, world
        self.terraform = FakeTerraform(self.google)
        self.said, self.asked, self.smokes = [], [], 0
        self.says_yes, self.key = says_yes, key

    def agrees(self, question):
        self.asked.append(question)
        return self.says_yes

    def smoke(self, ports):
        assert ports is self.world.ports
        self.smokes += 1
        return DONE

    def ports_of(self, environment):
        settings = Settings(**IN_A_PROJECT, state_dir=self.world.settings.state_dir)
        assert environment["GOOGLE_CLOUD_PROJECT"] == settings.project
        return self.world.ports

    def command(self):
        person = Person(say=self.said.append, agrees=self.agrees, key_of=lambda _: self.key)
        return Deploy(self.target, self.google.api(), self.terraform, person, self.ports_of, self.smoke)

    def deploy(self):
        return self.command().run(SOURCE)

    def stand(self):
        return self.google.services, self.google.jobs, self.google.secrets, set(self.google.buckets)


@pytest.fixture
def project(world):
    return Project(world)


def test_an_empty_project_becomes_a_deployment_that_says_where_to_drop_files(project):
    assert project.deploy()
    foundation, rest = project.terraform.laid
    assert foundation == (None, "")
    assert (rest[0].functions.partition("@")[0], rest[1]) == (f"{TARGET.registry}/functions", rest[0].gpu)
    assert len(project.asked) == 2
    assert project.said[-3:] == [
        "It works: a sample was transcribed in 42 s.",
        "Drop audio into gs://my-project-audio",
        "Transcripts appear in gs://my-project-transcripts",
    ]
    bucket = project.google.buckets["my-project-terraform"]
    assert bucket["versioning"]["enabled"]
    assert bucket["iamConfiguration"]["publicAccessPrevention"] == "enforced"


def test_a_page_gets_its_image_and_its_address_is_told(world):
    project = Project(world, replace(TARGET, variables={"console_members": ["domain:example.com"]}))
    assert project.deploy()
    [_, (images, *_)] = project.terraform.laid
    assert images.console.startswith(f"{TARGET.registry}/console@sha256:")
    assert project.google.services["dropscribe-console"]["image"] == images.console
    assert project.said[-1] == "The page, for those in console_members: https://page.example"
    project.asked.clear()
    assert project.deploy()
    assert project.asked == []


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_new_project_has_its_services_off(project, command):
    off = {"run", "storage", "artifactregistry", "cloudbuild", "cloudquotas", "firestore", "secretmanager"}
    project.google.off, project.google.disabled = set(off), set(off)
    getattr(project.command(), command)(SOURCE)
    assert (project.google.disabled, project.smokes) == ((off, 0) if command == "plan" else (set(), 1))


@pytest.mark.parametrize("command", ["plan", "run"])
def test_without_terraform_nothing_is_asked_and_nothing_is_changed(project, command):
    project.terraform.missing = True
    with pytest.raises(ConfigurationError, match="no terraform"):
        getattr(project.command(), command)(SOURCE)
    assert (project.asked, project.google.log, project.said) == ([], [], [])


def test_a_second_run_changes_nothing_and_asks_nothing(project):
    project.deploy()
    laid, stand = list(project.terraform.laid), project.stand()
    project.google.log.clear()
    project.asked.clear()
    assert project.deploy()
    assert (project.terraform.laid, project.asked, project.stand()) == (laid, [], stand)
    assert {one.rpartition(":")[2] for one in project.google.log} == {"generateServiceIdentity"}
    assert "Everything is as it should be." in project.said


def test_a_key_goes_from_the_person_into_its_secret_and_nowhere_else(world):
    project = Project(world, WITH_KEY)
    project.deploy()
    assert project.google.secrets == {"deepgram-api-key": "secret-key"}
    assert "secret-key" not in str((project.said, project.asked, project.terraform.laid, project.google.log))
    project.key = "another"
    project.deploy()
    assert project.google.secrets == {"deepgram-api-key": "secret-key"}


@pytest.mark.parametrize("key", ["", "\n", "two words"])
def test_without_a_key_it_says_how_to_give_one_before_anything_runs(world, key):
    project = Project(world, WITH_KEY, key=key)
    with pytest.raises(BadRequest, match="Deepgram needs its API key, one word"):
        project.deploy()
    assert project.google.services == {}
    project.key = "now"
    assert project.deploy()


def test_an_engine_that_is_added_later_gets_its_secret_and_takes_nothing_down(project):
    project.deploy()
    laid = len(project.terraform.laid)
    project.target = project.google.target = WITH_KEY
    assert project.deploy()
    assert project.google.secrets == {"deepgram-api-key": "secret-key"}
    assert all(one[0] is not None for one in project.terraform.laid[laid:])


def test_webhooks_get_a_secret_that_is_made_once_and_shown_to_nobody(world):
    project = Project(world, replace(TARGET, variables={"webhook": {"url": "https://a.example/"}}))
    assert project.deploy()
    made = project.google.secrets["webhook-secret"]
    assert made.startswith("whsec_")
    assert any("--secret=webhook-secret" in line for line in project.said)
    assert made not in str((project.said, project.asked, project.terraform.laid, project.google.log))
    assert project.deploy()
    assert project.google.secrets == {"webhook-secret": made}


def test_a_job_that_is_added_later_takes_nothing_down(project):
    project.deploy()
    laid = len(project.terraform.laid)
    project.target = project.google.target = replace(TARGET, variables={"cpu": {}})
    project.command().plan(replace(SOURCE, name="123456abcdef"))
    assert "can be shown when the images are built" in project.said[-1]
    assert project.deploy()
    (after,) = project.terraform.laid[laid:]
    assert after[0].cpu.startswith(f"{TARGET.registry}/cpu@sha256:")


def test_what_is_missing_is_said_before_anything_is_changed(project):
    project.google.billing, project.google.quotas[L4] = False, 0
    with pytest.raises(Blocked, match="Nothing was changed") as caught:
        project.deploy()
    assert "gcloud billing projects link" in str(caught.value)
    assert "--quota-id=NvidiaL4" in str(caught.value)
    assert project.google.log == []


def test_what_could_only_be_seen_when_services_were_enabled_stops_it_before_anything_is_laid(project):
    project.google.off, project.google.disabled = {"cloudquotas"}, {"cloudquotas"}
    project.google.quotas[L4] = 0
    with pytest.raises(Blocked, match="services were enabled, and nothing was created yet") as caught:
        project.deploy()
    assert ("--quota-id=NvidiaL4" in str(caught.value), project.terraform.laid) == (True, [])


def test_a_no_stops_it(world):
    project = Project(world, says_yes=False)
    assert not project.deploy()
    assert (project.google.log, project.terraform.laid) == ([], [])
    project.says_yes = True
    project.agrees = lambda question: "foundation" in question
    assert not project.deploy()
    assert (project.google.services, project.said[-1]) == (
        {},
        "Nothing more was changed. `make deploy` continues from here.",
    )


def test_a_build_that_fails_says_where_its_log_is_and_the_next_run_goes_on(project):
    project.google.unbuildable = True
    with pytest.raises(ConfigurationError, match="https://console/1"):
        project.deploy()
    project.google.unbuildable = False
    assert project.deploy()
    assert len(project.google.builds) == 2


def test_deploy_plan_changes_nothing_before_and_after_a_deployment(project):
    project.command().plan(SOURCE)
    assert (project.google.log, project.terraform.drafts, project.terraform.laid) == ([], 1, [])
    assert "would be built" in project.said[0]
    project.deploy()
    project.google.log.clear()
    laid = list(project.terraform.laid)
    project.command().plan(replace(SOURCE, name="123456abcdef"))
    assert (project.google.log, project.terraform.laid) == ([], laid)


def test_no_deployment_in_the_middle_of_a_rollout(project):
    project.deploy()
    rollout = state.Rollout(old=OLD, new=NEW, phase="shifting", began=1.0)
    state.begin(rollout, project.world.ports)
    with pytest.raises(BadRequest, match=r"under way \(shifting\): `make rollout` resumes"):
        project.deploy()


def test_no_deployment_into_a_rollout_that_began_while_it_was_built_and_read(project):
    project.deploy()
    laid = list(project.terraform.laid)
    rollout = state.Rollout(old=OLD, new=NEW, phase="pinning", began=1.0)
    project.agrees = lambda _: state.begin(rollout, project.world.ports) and True
    with pytest.raises(BadRequest, match=r"under way \(pinning\)"):
        project.command().run(replace(SOURCE, name="123456abcdef"))
    assert project.terraform.laid == laid


def test_traffic_that_a_rollout_binds_while_a_deployment_finds_nothing_to_do_stays_bound(project):
    project.deploy()
    rollout = state.Rollout(old=OLD, new=NEW, phase="laying", began=1.0)
    bound = {"dropscribe-router-00001": 100}

    def plan(*_):
        state.begin(rollout, project.world.ports)
        project.google.services["dropscribe-router"]["traffic"] = bound
        return False

    project.terraform.plan = plan
    with pytest.raises(BadRequest, match=r"under way \(laying\)"):
        project.deploy()
    assert project.google.services["dropscribe-router"]["traffic"] == bound


@pytest.mark.parametrize("left", [0, 3])
def test_a_deployment_that_was_destroyed_in_the_middle_of_a_rollout_can_be_deployed_again(project, left):
    """Whether all of it went, or the command that destroys broke off."""
    project.deploy()
    ports = project.world.ports
    old = {name: f"{name}-00007" for name in project.google.services}
    new = {name: f"{name}-00008" for name in old}
    rollout = state.Rollout(
        old=OLD, new=NEW, phase="shifting", began=1.0, old_revisions=old, new_revisions=new
    )
    state.begin(rollout, ports)
    flags.change({"DROPSCRIBE_GPU_CANARY_PERCENT": "10"}, ports)
    project.google.services = dict(list(project.google.services.items())[:left])
    if not left:
        project.google.jobs = {}
    assert project.deploy()
    assert state.read(ports).phase == "back"
    assert flags.read(ports).values["DROPSCRIBE_GPU_CANARY_PERCENT"] == 0.0
    assert any("it has ended" in one for one in project.said)
    assert project.google.services.keys() == old.keys()


def test_traffic_that_a_rollout_left_with_an_older_revision_goes_to_what_is_deployed(project):
    project.deploy()
    project.google.services["dropscribe-router"]["traffic"] = {"dropscribe-router-00001": 100}
    assert project.command().run(replace(SOURCE, name="123456abcdef"))
    assert {one["number"] for one in project.google.services.values()} == {2}
    assert all(one["traffic"] == {"": 100} for one in project.google.services.values())


def test_nothing_is_called_deployed_while_an_older_revision_answers(project):
    project.deploy()
    project.google.services["dropscribe-router"]["number"] = 2
    with pytest.raises(
        ConfigurationError, match="dropscribe-router-00002 of dropscribe-router does not start"
    ):
        project.deploy()
    assert project.smokes == 1


def test_killed_before_or_after_any_effect_the_next_run_comes_to_the_same_end(world):
    whole = Project(world, WITH_KEY)
    whole.deploy()
    count, wanted = whole.google.killer.count, whole.stand()
    assert count > 15
    for number in range(1, count + 1):
        for after in (False, True):
            project = Project(world, WITH_KEY)
            killer = project.google.killer
            killer.at, killer.after = number, after
            with pytest.raises(Killed):
                project.deploy()
            killer.at = None
            assert project.deploy()
            assert project.stand() == wanted, (number, after)
