"""Each account may do exactly what its process does."""

from __future__ import annotations

from collections import defaultdict
from unittest import mock

import pytest

from tests.simulation import history, sites
from tests.simulation.faults import ROOT, Calls
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.scheduler import running
from tests.terraform import needs
from tests.terraform.check import FILES
from tests.terraform.deployed import Deployed

EVERYTHING, PROCESSORS = (Deployed.read(FILES[name]) for name in ("everything", "processors"))
PROCESSES = [*EVERYTHING.processes]
HISTORIES = 24
"""How many are looked at; whatever else a process does, the simulation finds sooner or later."""


def wanted(laid, process):
    return {one for call in needs.stated(process) for one in needs.permissions(laid, process, call)}


@pytest.mark.parametrize("process", PROCESSES)
def test_every_call_is_covered_by_a_role(process):
    assert wanted(EVERYTHING, process) - needs.granted(EVERYTHING, process) == set()


@pytest.mark.parametrize("process", PROCESSES)
def test_every_role_is_used(process):
    needed = wanted(EVERYTHING, process)
    for one in EVERYTHING.grants():
        if one.who == process:
            used = {permission for kind, on, permission in needed if (kind, on) == (one.kind, one.on)}
            assert used & needs.ROLES[one.role], f"{process} has {one.role} on {one.on}, and does not use it"


def test_without_a_gpu_it_is_the_same():
    for process in PROCESSORS.processes:
        may = {one for one in needs.granted(PROCESSORS, process) if one[1] != "elsewhere"}
        assert wanted(PROCESSORS, process) - may == set(), process


@pytest.mark.parametrize("process", PROCESSES)
def test_every_stated_call_is_made_where_it_is_said(process):
    for call, place in needs.stated(process).items():
        file, _, function = place.partition(":")
        used = [what for name, what, _ in sites._used(sites.Path(ROOT, file)) if name == function]
        assert used, f"{call}: there is no {place}"
        port, _, method = call.partition(" ")[0].partition(".")
        if method and port in {"store", "queue", "jobs"}:
            pattern = {"publish": ("publish", "publish_many"), "create": ("create", "create_all")}.get(
                method, (method,)
            )
            assert any(what.rpartition(".")[2] in pattern for what in used), f"{place} makes no {call}"


def calls_of(histories):
    """What each process of some histories asked of the ports; a worker counts as `worker`."""
    seen, asked = defaultdict(set), Calls._mode

    def noted(self, what, modes, about):
        name = running().current.process.name
        seen[
            name if name in PROCESSES else "other" if name in {"platform", "operator", "up"} else "worker"
        ].add(what)
        return asked(self, what, modes, about)

    with mock.patch.object(Calls, "_mode", noted):
        for seed in range(histories):
            history.run(list(SCENARIOS)[seed % len(SCENARIOS)], seed)
    del seen["other"]
    return seen


def test_what_simulated_processes_do_is_stated():
    seen = calls_of(HISTORIES)
    assert seen.keys() >= {"router", "merger", "sweeper", "deepgram", "worker"}
    for process, calls in seen.items():
        stated = needs.stated("gpu" if process == "worker" else process)
        for call in calls:
            assert unstated(call, stated) is None, f"{process} does {call}, which needs.py does not state"


def unstated(call, stated):
    """The call, if it is not among those that are stated."""
    method, _, on = call.replace("create_all", "create").partition(" ")
    if method.startswith(("media.", "hosted.")):
        return None
    if method.startswith("search."):
        # In a project it consists of calls of the store and the records.
        method, on = "store.create", "work"
    if method.startswith("records."):
        method, on = "records", ""
    if method in {"queue.extend", "queue.ack", "queue.nack", "queue.postpone", "queue.wait"}:
        method = "queue.pull"
    if method == "queue.pull":
        # Functions are pushed to; here a loop pulls for them.
        on = ""
    if method == "store.read":
        on = "audio"
    return None if {method, f"{method} {on}".strip()} & stated.keys() else call


def test_a_call_that_is_not_stated_is_found():
    assert unstated("store.delete audio", needs.stated("router")) == "store.delete audio"
    assert unstated("queue.publish budget-alerts", needs.stated("merger")) is not None
    assert unstated("queue.publish budget-alerts", needs.stated("sweeper")) is None


def test_a_role_too_few_and_a_role_too_many_are_found():
    address = 'google_storage_bucket_iam_member.this["work/merger/roles/storage.objectUser"]'
    fewer = Deployed({key: one for key, one in EVERYTHING.resources.items() if key != address})
    assert wanted(fewer, "merger") - needs.granted(fewer, "merger") == {
        ("bucket", "dropscribe-test-work", f"storage.objects.{one}")
        for one in ("create", "delete", "get", "list")
    }
    more = EVERYTHING.resources[address] | {"bucket": "dropscribe-test-audio"}
    grants = {one.on for one in Deployed({address: more}).grants()}
    assert not {on for kind, on, _ in wanted(EVERYTHING, "merger") if kind == "bucket"} & grants


def test_no_process_has_a_role_on_the_project_but_for_records_and_to_write_or_read_measurements():
    roles = {(one.who, one.role) for one in EVERYTHING.grants() if one.kind == "project"}
    writers = {(process, "roles/telemetry.tracesWriter") for process in PROCESSES}
    writers |= {(job, "roles/telemetry.metricsWriter") for job in EVERYTHING.jobs}
    assert roles == {(process, "roles/datastore.user") for process in PROCESSES} | writers | {
        ("build", "roles/logging.logWriter"),
        ("guard", "roles/monitoring.viewer"),
    }


def test_only_whoever_delivers_may_call_the_functions_and_nobody_is_everybody():
    invokers = {(one.who, one.on) for one in EVERYTHING.grants() if one.role == "roles/run.invoker"}
    proxy = "serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"
    assert invokers == {("push", one.name) for one in EVERYTHING.functions.values()} | {
        (proxy, "dropscribe-console")
    }
    guests = {(one.role, one.who, one.on) for one in EVERYTHING.grants() if one.kind == "proxy"}
    assert guests == {("roles/iap.httpsResourceAccessor", "group:editors@example.com", "dropscribe-console")}
    assert not [one for one in EVERYTHING.grants() if "allUsers" in one.who or "allAuthenticated" in one.who]


def test_dead_letters_are_taken_and_put_down():
    agent = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    agents = {(one.role, one.kind, one.on) for one in EVERYTHING.grants() if one.who == agent}
    with_dead_letters = {
        one["name"] for one in EVERYTHING.of("pubsub_subscription").values() if "dead_letter_policy" in one
    }
    assert agents == {("roles/pubsub.publisher", "topic", "dead-letters")} | {
        ("roles/pubsub.subscriber", "subscription", name) for name in with_dead_letters
    }
    assert len(with_dead_letters) == len(EVERYTHING.of("pubsub_subscription")) - 1
