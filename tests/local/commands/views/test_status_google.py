"""`dropscribe status` and `cost` of a project, against the Firestore emulator."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from test_utils.prefixer import Prefixer
from typer.testing import CliRunner

from local import cli
from shared.adapters.firestore import FirestoreRecords
from shared.messages import to_fields
from shared.model import Chunk, Decision, Options, Recording, StoredObject
from shared.results import LedgerRow
from shared.state import dead_letters, documents

NAMES = Prefixer("dropscribe", "status", separator="-")
CHUNK = Chunk(index=0, start=0.0, end=60.0, lead=0.0, tail=0.0, engine="parakeet-gpu")


@pytest.fixture
def records(firestore_address, monkeypatch):
    project = NAMES.create_prefix()
    monkeypatch.setenv("DROPSCRIBE_PLATFORM", "google")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_address)
    # Never called: neither command asks Cloud Storage or Pub/Sub anything.
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("COLUMNS", "160")
    records = FirestoreRecords(project)
    yield records
    records.close()


def call(*arguments):
    return CliRunner().invoke(cli.app, [*arguments])


def recording(number, state, **more):
    source = StoredObject(bucket="b", name=f"talk-{number}.mp3", generation=number, size=1)
    decision = Decision(method="parakeet", engine="parakeet-gpu", model="tiny", reason="it is short")
    fields = {"chunks": (CHUNK,), "decision": decision, **more}
    return Recording(
        id=f"r{number}", source=source, options=Options(), state=state, created=1e9 + number, **fields
    )


@pytest.fixture
def many(records):
    """An old one that is stuck, thirty that are done, one that has failed."""
    done = [recording(number, "DONE", duration=60.0, words=6) for number in range(1, 31)]
    failed = recording(31, "FAILED", reason="There is no audio in it.", code="no-audio")
    for one in [recording(0, "PLANNED"), *done, failed]:
        records.create(documents.RECORDINGS, one.id, to_fields(one))
    for number in range(1, 31):
        row = LedgerRow(
            recording=f"r{number}", chunk=0, engine="parakeet-gpu", attempt="m-1", audio_seconds=60.0,
            busy_seconds=2.0, usd=0.001, prices="test", owned_seconds=60.0, day=dt.datetime.now(dt.UTC).date().isoformat(),
        )  # fmt: skip
        records.create(documents.LEDGER, f"r{number}", to_fields(row))
    records.create(dead_letters.DEAD_LETTERS, "m", {"time": 1.0})
    return records


def test_status_counts_all_and_shows_those_on_their_way_then_the_newest(many):
    told = json.loads(call("status", "--json", "--limit", "4").stdout)
    assert told["states"] == {"PLANNED": 1, "DONE": 30, "FAILED": 1}
    assert [one["recording"] for one in told["recordings"]] == ["r0", "r31", "r30", "r29"]
    assert told["dead_letters"] == 1
    assert told["messages_waiting"] is None


def test_status_reads_no_more_recordings_than_it_shows(many, monkeypatch):
    query = FirestoreRecords.query

    def of_one_recording(records, collection, where=None, *, after=""):
        assert "recording" in (where or {}), f"all of {collection} was read"
        return query(records, collection, where, after=after)

    monkeypatch.setattr(FirestoreRecords, "query", of_one_recording)
    shown = call("status", "--limit", "3").stdout
    assert "1 planned" in shown
    assert "30 done" in shown
    assert "There is no audio in it." in shown
    assert "0 of 1 part" in shown
    assert "talk-29.mp3" not in shown
    assert "29 more" in shown


def test_cost_sums_up_the_rows_of_the_last_month(many):
    told = json.loads(call("cost", "--json").stdout)
    assert (told["recordings"], told["attempts"]) == (30, 30)
    assert told["usd"] == pytest.approx(0.03)
    assert told["audio_hours"] == pytest.approx(0.5)
    assert "$0.0010" in call("cost").stdout


def test_status_of_a_project_in_which_nothing_happened_names_it(records):
    assert records.project in call("status").stdout


def test_a_recording_that_was_never_planned_is_not_looked_at_yet(records):
    one = replace(recording(1, "ACCEPTED"), chunks=(), decision=None)
    records.create(documents.RECORDINGS, one.id, to_fields(one))
    assert "waiting" in call("status").stdout
