"""Records over Firestore: what the contract tests cannot see. Faults are injected between client and emulator.

Where the emulator differs from the service: it needs no composite index for a sum with conditions, and says
nothing of slow indexing; contended transactions crawl there (which is not why updates do without them).
"""

from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest import mock

import google.auth
import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import firestore
from hypothesis import HealthCheck, given, settings
from test_utils.prefixer import Prefixer

from shared.adapters import firestore as adapter
from shared.adapters import google_errors
from shared.adapters.firestore import FirestoreRecords
from shared.adapters.firestore_documents import EXPIRES, WRITES
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.messages import to_fields
from shared.model import AudioInfo
from shared.planning import plan
from tests.adapters.relay import Fault, relay_to
from tests.adapters.test_firestore_documents import json_documents

NAMES = Prefixer("dropscribe", "firestore", separator="-")


@pytest.fixture
def relay(firestore_address):
    with relay_to(firestore_address) as relay:
        yield relay


@pytest.fixture
def records(relay):
    with mock.patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": relay.address}):
        opened = FirestoreRecords(NAMES.create_prefix())
        opened._client()
        yield opened
        opened.close()


@pytest.fixture
def others(records, firestore_address):
    """Another process's records, past the relay."""
    with mock.patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": firestore_address}):
        opened = FirestoreRecords(records.project)
        opened._client()
        yield opened
        opened.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(google_errors, "PATIENCE", 0.5)
    monkeypatch.setattr(adapter, "PATIENCE", 0.5)


LOST = Fault(lands=True)
NEVER_ARRIVED = Fault(lands=False)


def one_more(fields):
    return {"n": fields["n"] + 1}


# --- create -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_create_whose_reply_is_lost_knows_its_own_write(records, relay, code):
    relay.faults["Commit"] = [Fault(code=code, lands=True)]
    assert records.create("c", "k", {"a": 1})
    assert records.get("c", "k") == {"a": 1}


def test_create_whose_reply_is_lost_is_first_even_where_others_have_updated_since(records, relay, others):
    relay.faults["Commit"] = [
        Fault(lands=True, meanwhile=lambda: others.update("c", "k", lambda _: {"a": 2})),
    ]
    assert records.create("c", "k", {"a": 1})
    assert records.get("c", "k") == {"a": 2}


def test_create_that_never_arrived_is_not_first_where_others_create_the_same_meanwhile(
    records, relay, others
):
    relay.faults["Commit"] = [Fault(meanwhile=lambda: others.create("c", "k", {"a": 1}))]
    assert not records.create("c", "k", {"a": 1})


def test_create_is_one_request_and_so_is_its_refusal(records, relay):
    assert records.create("c", "k", {"a": 1})
    assert not records.create("c", "k", {"a": 1})
    assert relay.calls == {"Commit": 2}


def test_create_gives_up_where_nobody_answers(records, relay, impatient):
    relay.faults["Commit"] = [NEVER_ARRIVED] * 50
    with pytest.raises(StoreUnavailable, match="creating c/k"):
        records.create("c", "k", {"a": 1})


# --- delete -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [LOST, NEVER_ARRIVED])
def test_delete_whose_reply_is_lost_has_deleted(records, relay, fault):
    records.create("c", "k", {"a": 1})
    relay.faults["Commit"] = [fault]
    assert records.delete("c", "k")
    assert records.get("c", "k") is None


def test_delete_is_one_request_and_gives_up_where_nobody_answers(records, relay, impatient):
    assert not records.delete("c", "k")
    assert relay.calls == {"Commit": 1}
    relay.faults["Commit"] = [NEVER_ARRIVED] * 50
    with pytest.raises(StoreUnavailable, match="deleting c/k"):
        records.delete("c", "k")


@pytest.mark.parametrize("fault", [LOST, NEVER_ARRIVED])
def test_delete_of_what_was_seen_has_deleted_though_its_reply_is_lost(records, relay, fault):
    records.create("c", "k", {"a": 1})
    relay.faults["Commit"] = [fault]
    assert records.delete("c", "k", seen={"a": 1})
    assert records.get("c", "k") is None


@pytest.mark.parametrize("is_deleted", [False, True])
def test_delete_of_what_was_seen_leaves_what_others_write_after_it_was_read(
    records, relay, others, is_deleted
):
    records.create("c", "k", {"a": 1})

    def meanwhile():
        if is_deleted:
            others.delete("c", "k")
            others.create("c", "k", {"a": 1})
        others.update("c", "k", lambda _: {"a": 1})

    relay.faults["Commit"] = [Fault(meanwhile=meanwhile)]
    assert not records.delete("c", "k", seen={"a": 1})
    assert records.get("c", "k") == {"a": 1}


# --- update -----------------------------------------------------------------------------------------------


def test_update_is_two_requests(records, relay, others):
    others.create("c", "k", {"n": 0})
    assert records.update("c", "k", one_more) == {"n": 1}
    assert relay.calls == {"BatchGetDocuments": 1, "Commit": 1}


@pytest.mark.parametrize("fault", [LOST, NEVER_ARRIVED, Fault(code=grpc.StatusCode.ABORTED)])
def test_update_is_applied_once_whatever_is_lost(records, relay, fault):
    records.create("c", "k", {"n": 0})
    relay.faults["Commit"] = [fault]
    assert records.update("c", "k", one_more) == {"n": 1}
    assert records.get("c", "k") == {"n": 1}


def test_update_says_so_where_it_cannot_tell_whether_it_was_made(records, relay, others):
    records.create("c", "k", {"n": 0})
    relay.faults["Commit"] = [Fault(lands=True, meanwhile=lambda: others.update("c", "k", one_more))]
    with pytest.raises(StoreUnavailable, match="cannot be told"):
        records.update("c", "k", one_more)
    assert records.get("c", "k") == {"n": 2}


def test_update_starts_over_on_what_others_wrote_meanwhile(records, relay, others):
    records.create("c", "k", {"n": 0})
    raced = threading.Event()

    def race(fields):
        if not raced.is_set():
            raced.set()
            others.update("c", "k", lambda _: {"n": 10})
        return one_more(fields)

    assert records.update("c", "k", race) == {"n": 11}


def test_update_of_a_document_that_is_deleted_meanwhile_gives_none(records, others):
    records.create("c", "k", {"n": 0})

    def delete_first(fields):
        others._client().collection("c").document("k").delete()
        return one_more(fields)

    assert records.update("c", "k", delete_first) is None
    assert records.get("c", "k") is None


def test_updates_of_8_threads_add_up(records):
    records.create("c", "k", {"n": 0})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: records.update("c", "k", one_more), range(80)))
    assert records.get("c", "k") == {"n": 80}


def test_update_gives_up_where_others_keep_writing(records, others, impatient):
    records.create("c", "k", {"n": 0})

    def always_late(fields):
        others.update("c", "k", one_more)
        return one_more(fields)

    with pytest.raises(StoreUnavailable, match="write it too often"):
        records.update("c", "k", always_late)


def test_document_of_another_program_can_be_updated(records):
    records._client().collection("c").document("k").create({"n": 0})
    assert records.update("c", "k", one_more) == {"n": 1}
    assert records.get("c", "k") == {"n": 1}


# --- values -----------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=json_documents, second=json_documents)
def test_any_document_survives_create_and_update(records, first, second):
    key = uuid.uuid4().hex
    assert records.create("c", key, first)
    assert records.get("c", key) == first
    assert records.update("c", key, lambda _: second) == second
    assert records.get("c", key) == second


@pytest.mark.parametrize(
    "fields", [{"": 1}, {"__x__": 1}, {WRITES: 1}, {EXPIRES: 1}, {"n" * 1501: 1}, {"\r": 1}]
)
def test_names_that_firestore_keeps_for_itself_are_refused(records, fields):
    with pytest.raises(BadRequest, match="cannot be the name of a field"):
        records.create("c", "k", fields)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}, b"bytes", object()])
def test_values_that_are_no_json_are_refused(records, value):
    with pytest.raises(BadRequest, match="JSON values"):
        records.create("c", "k", {"x": value})


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "__id7__", "n" * 1501, "\ud800"])
def test_keys_that_firestore_does_not_take_are_refused(records, key):
    with pytest.raises(BadRequest, match="cannot be a key"):
        records.get("c", key)


@pytest.mark.parametrize(("seconds", "chunks"), [(20.0, 1964), (6.0, 6546)])
def test_plan_of_twelve_hours_fits_into_a_document(records, seconds, chunks):
    audio = AudioInfo(
        format="mp3",
        codec="mp3",
        sample_rate=44_100,
        channels=2,
        duration=12 * 3600.0,
        exact=True,
        splittable_by="bytes",
        first_byte=4096,
        last_byte=700_000_000,
    )
    planned = list(to_fields(plan.split(audio, 700_000_000, seconds, "parakeet-gpu")))
    assert len(planned) == chunks
    assert records.create("recordings", "k", {"state": "PLANNED", "chunks": planned})
    assert records.get("recordings", "k")["chunks"] == planned
    assert [key for key, _ in records.query("recordings", {"state": "PLANNED"})] == ["k"]
    stored = records._client().collection("recordings").document("k").get().to_dict()
    assert len(stored["chunks"]) < 200_000


def test_document_that_is_too_large_is_refused_for_good(records):
    with pytest.raises(BadRequest, match="creating c/k"):
        records.create("c", "k", {"x": os.urandom(1_500_000).hex()})


def test_bookkeeping_of_writes_is_not_part_of_the_document(records):
    records.create("c", "k", {"a": 1})
    assert list(records.query("c")) == [("k", {"a": 1})]
    assert set(records._client().collection("c").document("k").get().to_dict()) == {"a", WRITES}


@pytest.mark.parametrize(("collection", "days"), [("chunks", 90), ("gpu_starts", 7), ("ledger", None)])
def test_documents_say_when_they_may_be_deleted_where_they_may(records, collection, days):
    records.create(collection, "k", {"n": 0})
    records.update(collection, "k", one_more)
    assert records.get(collection, "k") == {"n": 1}
    stored = records._client().collection(collection).document("k").get().to_dict()
    if days is None:
        assert EXPIRES not in stored
    else:
        left = stored[EXPIRES] - datetime.now(UTC)
        assert timedelta(days=days, minutes=-5) < left <= timedelta(days=days)


# --- queries ----------------------------------------------------------------------------------------------


def test_query_survives_a_connection_that_breaks_between_its_pages(records, relay, monkeypatch):
    monkeypatch.setattr(adapter, "PAGE", 3)
    for number in range(8):
        records.create("c", f"{number}", {"x": number % 2})
    relay.faults["RunQuery"] = [NEVER_ARRIVED]
    found = []
    for key, _ in records.query("c"):
        found.append(key)
        if len(found) == 4:
            relay.faults["RunQuery"] = [NEVER_ARRIVED]
    assert found == [f"{number}" for number in range(8)]
    assert [key for key, _ in records.query("c", {"x": 1})] == ["1", "3", "5", "7"]


def test_field_with_any_name_can_be_looked_for_and_summed(records):
    records.create("c", "k", {"a.b `c`\\": 2})
    assert [key for key, _ in records.query("c", {"a.b `c`\\": 2})] == ["k"]
    assert records.sum("c", "a.b `c`\\") == 2


@pytest.mark.parametrize("wanted", [[1], {"a": 1}])
def test_condition_that_cannot_be_compared_is_refused(records, wanted):
    with pytest.raises(BadRequest, match="cannot look for"):
        records.count("c", {"x": wanted})


def test_missing_index_is_told_with_what_the_service_says(records, relay):
    # The emulator answers every sum; the service wants an index and says where to create it.
    says = "The query requires an index. You can create it here: https://console.firebase.google.com/x"
    relay.faults["RunAggregationQuery"] = [Fault(code=grpc.StatusCode.FAILED_PRECONDITION, says=says)]
    with pytest.raises(ConfigurationError, match=r"summing ledger .*create it here"):
        records.sum("ledger", "usd", {"recording": "r"})


# --- what the owner must fix ------------------------------------------------------------------------------


def test_missing_permission_names_the_role(records, relay):
    relay.faults["Commit"] = [Fault(code=grpc.StatusCode.PERMISSION_DENIED)]
    with pytest.raises(ConfigurationError, match=r"roles/datastore\.user"):
        records.create("c", "k", {})


def test_service_that_is_off_names_the_command(records, relay):
    fault = Fault(code=grpc.StatusCode.PERMISSION_DENIED, reason="SERVICE_DISABLED")
    relay.faults["Commit"] = [fault]
    with pytest.raises(ConfigurationError, match=r"gcloud services enable firestore\.googleapis\.com"):
        records.create("c", "k", {})


def test_missing_database_names_the_command(records, relay):
    relay.faults["BatchGetDocuments"] = [Fault(code=grpc.StatusCode.NOT_FOUND)]
    with pytest.raises(ConfigurationError, match="gcloud firestore databases create"):
        records.get("c", "k")


def test_missing_credentials_name_the_command(monkeypatch):
    def none(*_, **__):
        raise DefaultCredentialsError("none here")

    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google.auth, "default", none)
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        FirestoreRecords("some-project").get("c", "k")


def test_nothing_connects_before_first_use(monkeypatch):
    monkeypatch.setattr(firestore, "Client", None)
    FirestoreRecords("some-project").close()
