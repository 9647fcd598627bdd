"""What only the embedded records promise."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest


def test_documents_of_a_recording_are_found_by_an_index(database, records):
    """Without it, each finished chunk would read the documents of all recordings."""
    statements = []
    with database.read() as connection:
        connection.set_trace_callback(statements.append)
    records.count("chunks", {"recording": "r"})
    list(records.query("chunks", {"recording": "r"}))
    records.sum("ledger", "usd", {"recording": "r"})
    with database.read() as connection:
        connection.set_trace_callback(None)
        plans = [str(connection.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()) for one in statements]
    assert len(plans) == 3
    assert all("documents_by_recording" in plan for plan in plans)


def test_sum_is_rounded_once_at_its_end(records):
    for number in range(10):
        records.create("ledger", f"{number}", {"usd": 0.1})
    assert records.sum("ledger", "usd") == 1.0


@pytest.mark.parametrize("value", [float("nan"), object(), b"bytes", "\udce9"])
def test_what_is_no_json_is_refused(records, value):
    with pytest.raises(BadRequest, match="JSON"):
        records.create("c", "k", {"a": value})


@pytest.mark.parametrize("where", [{"a": []}, {"a.b": 1}, {"a'": 1}, {"é": 1}])
def test_condition_that_cannot_be_compared_is_refused(records, where):
    with pytest.raises(BadRequest):
        records.count("c", where)
