"""The guide to the data model against the code that writes the documents."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from shared.adapters.firestore_documents import KEPT
from shared.costs import budget, executions, limits
from shared.flow import capacity
from shared.flow.reading import revision
from shared.model import Recording
from shared.results import LedgerRow
from shared.routing import conditions, flags
from shared.state import answers, audit, claims, dead_letters, documents, failure_log, sweep_notes, uploads
from shared.sweep import clock_steps, release_held, retention, sweep
from shared.webhooks import outbox

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "data-model.md").read_text("utf-8")
ROWS = {
    line.split("`")[1]: line for line in GUIDE.split("## Queries")[0].splitlines() if line.startswith("| `")
}
COLLECTIONS = {
    documents.RECORDINGS, documents.CHUNKS, documents.REVISIONS, documents.WEBHOOKS, documents.LEDGER, answers.REQUESTS, dead_letters.DEAD_LETTERS,
    sweep_notes.SWEEPS, capacity.STARTS, failure_log.FAILURES, budget.COMMITMENTS, release_held.ALERTS,
    conditions.STATE, flags.CONFIG, claims.CLAIMS, uploads.UPLOADS, audit.AUDIT,
}  # fmt: skip


def test_guide_has_a_row_for_each_collection():
    assert set(ROWS) == COLLECTIONS


@pytest.mark.parametrize(
    ("collection", "record"),
    [
        (documents.RECORDINGS, Recording),
        (uploads.UPLOADS, uploads.Upload),
        (documents.LEDGER, LedgerRow),
        (claims.CLAIMS, claims.Claim),
        (documents.REVISIONS, revision.Revision),
        (documents.WEBHOOKS, outbox.Told),
        (answers.REQUESTS, answers.Asked),
        (failure_log.FAILURES, failure_log.Failure),
        (conditions.STATE, conditions.Conditions),
        (sweep_notes.SWEEPS, sweep_notes.Note),
        (sweep_notes.SWEEPS, sweep.Mark),
        (sweep_notes.SWEEPS, executions.Mark),
        (budget.COMMITMENTS, budget.Commitment),
        (budget.STATE, limits.Spending),
        (sweep_notes.SWEEPS, clock_steps.Clocks),
        (sweep_notes.SWEEPS, retention.Round),
        (audit.AUDIT, audit.Entry),
    ],
)
def test_guide_names_every_field_of_a_record(collection, record):
    # The id of a recording is its key.
    missing = {one.name for one in fields(record) if f"`{one.name}`" not in ROWS[collection]} - {"id"}
    assert not missing


def test_only_collections_that_exist_are_forgotten_and_never_the_account():
    assert set(KEPT) < COLLECTIONS
    assert not {documents.RECORDINGS, uploads.UPLOADS, documents.LEDGER} & set(KEPT)
    for collection, kept in KEPT.items():
        assert f"| `{collection}` | {kept.days} days |" in GUIDE
