"""What Terraform creates is what the code expects: topics, subscriptions, environments, room for decoding."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from console.__main__ import access_by
from functions import time_limit
from shared import engines
from shared.deployment_sizes import TASK_ENDING_MINUTES
from shared.planning import plan
from shared.settings import Settings, every, unknown
from shared.topology import topology
from tests.generated.for_terraform import OF_CONSOLE, OF_IMAGES, ONE_MACHINE
from tests.pubsub_topology import subscription
from tests.terraform import seeded
from tests.terraform.check import FILES, ROOT
from tests.terraform.deployed import Deployed

EVERYTHING, PROCESSORS = (Deployed.read(FILES[name]) for name in ("everything", "processors"))
BOTH = pytest.mark.parametrize("laid", [EVERYTHING, PROCESSORS], ids=["everything", "processors"])
OF_WEBHOOKS = {"DROPSCRIBE_WEBHOOK_URL", "DROPSCRIBE_WEBHOOK_SECRET"}
"""Settings of functions that are not in these inventories; `webhooks.tftest.hcl` creates them."""
CONTAINER = {"FUNCTION_SOURCE", "FUNCTION_TARGET"}
"""What functions-framework reads."""
PYTHON_GIB = 0.5
"""Room for the interpreter, its libraries and the messages in hand."""


def everything(laid):
    """A process's variables, with some value for a secret."""
    return {key: one.environment | dict.fromkeys(one.secrets, "a-key") for key, one in laid.processes.items()}


@BOTH
def test_topics_are_those_of_the_topology(laid):
    assert sorted(laid.topics) == sorted(topology().topics)


@BOTH
def test_subscriptions_are_those_of_the_topology(laid):
    made = {
        one.name.rpartition("/")[2]: one
        for one in laid.subscriptions(dict.fromkeys(laid.functions, "http://x/"))
    }
    assert made.keys() == {one.name for one in topology().subscriptions}
    for one in topology().subscriptions:
        wanted, found = subscription(laid.project, one), made[one.name]
        if one.name in laid.pushed():
            assert found.ack_deadline_seconds == 600
            found.push_config, wanted.ack_deadline_seconds = None, 600
        assert found == wanted


@BOTH
def test_each_function_gets_what_is_for_it_and_signs_in(laid):
    hosted = {one.subscription for one in engines.hosted_specs()}
    assert laid.pushed() == {name: name for name in ("router", "requests", "merger", "dead-letters", *hosted)}
    for key, one in laid.of("pubsub_subscription").items():
        for push in one.get("push_config", []):
            address = f'${{google_cloud_run_v2_service.this["{key}"].uri}}'
            assert push["push_endpoint"] == address
            account = "${google_service_account.push[0].email}"
            assert push["oidc_token"] == [{"audience": address, "service_account_email": account}]


@BOTH
def test_every_process_can_start_with_what_it_is_told(laid):
    for key, told in everything(laid).items():
        assert unknown(told) == [], key
        assert told.keys() - CONTAINER <= {one.variable for one in every()}, key
        settings = Settings.from_environment(told)
        assert settings.platform == "google"
        assert settings.region == "europe-west4"


@BOTH
def test_all_processes_share_one_deployment(laid):
    own = {"engines", "api_keys", "release", "gpu_lane", "worker_minutes"}
    own |= {"iap_audience", "console_names", "hosted_elsewhere"}
    found = [Settings.from_environment(told) for told in everything(laid).values()]
    shared = [
        {one.name: getattr(each, one.name) for one in fields(Settings) if one.name not in own}
        for each in found
    ]
    assert all(one == shared[0] for one in shared)


@BOTH
def test_requests_may_name_the_buckets_of_audio_that_their_function_may_read(laid):
    settings = Settings.from_environment(everything(laid)["requests"])
    reads = {one.on for one in laid.grants() if (one.who, one.kind) == ("requests", "bucket")}
    assert settings.request_bucket_set == reads - {settings.work_bucket}


def test_workers_run_the_engine_of_their_job_and_functions_know_of_all():
    jobs = {key: Settings.from_environment(one.environment) for key, one in EVERYTHING.jobs.items()}
    assert plan.worker_engine(jobs["gpu"]) == engines.PARAKEET_GPU.name
    assert plan.worker_engine(jobs["cpu"]) == engines.PARAKEET_CPU.name
    router = Settings.from_environment(everything(EVERYTHING)["router"])
    assert router.engine_set == frozenset(engines.ENGINES)


def test_the_price_and_the_limit_of_tasks_are_those_of_the_jobs():
    router = Settings.from_environment(everything(EVERYTHING)["router"])
    shapes = {
        key: EVERYTHING.of("cloud_run_v2_job")[key]["template"][0]["template"][0]["containers"][0][
            "resources"
        ][0]["limits"]
        for key in ("gpu", "cpu")
    }
    assert shapes["gpu"]["cpu"] == str(router.gpu_vcpus)
    assert EVERYTHING.jobs["gpu"].memory_gib == router.gpu_memory_gib
    assert shapes["cpu"]["cpu"] == str(router.cpu_vcpus)
    assert EVERYTHING.jobs["cpu"].memory_gib == router.cpu_memory_gib
    assert router.gpu_max_tasks == router.cpu_max_tasks == 2


def test_a_clock_calls_the_functions_that_nothing_is_pushed_to_for_as_long_as_they_may_take():
    assert sorted(EVERYTHING.clocked) == sorted(
        EVERYTHING.functions.keys() - set(EVERYTHING.pushed().values())
    )
    for key, one in EVERYTHING.of("cloud_scheduler_job").items():
        assert float(one["attempt_deadline"].removesuffix("s")) == EVERYTHING.functions[key].timeout


def test_functions_have_room_for_a_decoding_process_and_time_for_a_message():
    for key, one in EVERYTHING.functions.items():
        settings = Settings.from_environment(everything(EVERYTHING)[key])
        if key not in {"dead-letters", "guard"}:
            assert one.memory_gib >= settings.decode_memory_mb / 1024 + PYTHON_GIB, key
        limit = time_limit.TICK if key == "sweeper" else time_limit.PUSH
        assert limit < one.timeout <= limit + 5


def test_the_console_weighs_the_engines_that_the_router_has_and_is_told_whose_signature_it_takes():
    told = EVERYTHING.console.environment | {"K_SERVICE": EVERYTHING.console.name}
    settings = Settings.from_environment(told)
    assert settings.engine_set == Settings.from_environment(everything(EVERYTHING)["router"]).engine_set
    access = access_by(settings, on_cloud_run=True)
    assert access.signed is not None
    assert {"dropscribe-console-123456789012.europe-west4.run.app", ".a.run.app"} <= access.hosts
    assert EVERYTHING.console.secrets == {}
    assert EVERYTHING.console.memory_gib >= settings.decode_memory_mb / 1024 + PYTHON_GIB + 1, "and its files"


def test_every_setting_can_be_set_or_is_one_of_terraforms_own():
    names = {one.variable for one in every()} - {one.hosted.key_variable for one in engines.hosted_specs()}
    allowed = set(json.loads((ROOT / "generated.json").read_text("utf-8"))["settings"])
    told = {name for one in EVERYTHING.functions.values() for name in one.environment}
    told |= {name for one in (*EVERYTHING.jobs.values(), EVERYTHING.console) for name in one.environment}
    assert allowed <= names, "settings that are not there any more"
    assert not allowed & told, "a setting that Terraform sets by itself"
    assert names - allowed - told - OF_WEBHOOKS == ONE_MACHINE | OF_CONSOLE | OF_IMAGES


def test_the_names_of_the_files_of_functions_exist():
    for one in EVERYTHING.functions.values():
        source, target = one.environment["FUNCTION_SOURCE"], one.environment["FUNCTION_TARGET"]
        assert f"def {target}(" in (ROOT.parent / source).read_text("utf-8")


@pytest.mark.parametrize(
    ("fault", "found_by"),
    [
        (seeded.swapped_topics, test_subscriptions_are_those_of_the_topology),
        (seeded.missing_variable, test_every_process_can_start_with_what_it_is_told),
        (seeded.wrong_model, test_all_processes_share_one_deployment),
    ],
)
def test_a_planted_mistake_is_found(fault, found_by):
    found_by(seeded.planted(PROCESSORS, seeded.without_fault))
    with pytest.raises(AssertionError):
        found_by(seeded.planted(PROCESSORS, fault))


def test_a_worker_ends_by_itself_before_cloud_run_kills_it():
    for name, one in EVERYTHING.jobs.items():
        [template] = EVERYTHING.resources[f'google_cloud_run_v2_job.this["{name}"]']["template"]
        seconds = float(template["template"][0]["timeout"].removesuffix("s"))
        left = seconds / 60 - float(one.environment["DROPSCRIBE_WORKER_MINUTES"])
        assert left > TASK_ENDING_MINUTES
