from __future__ import annotations

import datetime as dt
from dataclasses import replace

from shared.costs import rows
from shared.errors import BadMedia
from shared.flow import chunk, forget, record, upload
from shared.messages import ChunkDone
from shared.state import documents, ledger
from tests.costs.accounts import DAY, account, attempt, idle
from tests.world import heard


def test_an_attempt_is_used_or_wasted_by_what_the_document_of_its_chunk_says():
    first, second = attempt(time=1.0), attempt(attempt="m-2", time=2.0)
    found = account(first, second, used={("r1", 0): {"engine": "parakeet-gpu", "attempt": "m-2"}})
    assert found.fates == ("wasted", "used")


def test_where_the_document_is_forgotten_the_first_attempt_was_used():
    found = account(attempt(attempt="m-2", time=2.0), attempt(time=1.0), used={("r1", 0): {}})
    assert found.fates == ("wasted", "used")


def test_what_failed_was_lost_or_belongs_to_a_failed_recording_is_told_apart():
    found = account(
        attempt(outcome="failed"), attempt("r2", outcome="lost"), attempt("r3"), attempt("r4"), idle(1.0),
        failed=["r3"],
    )  # fmt: skip
    assert found.fates == ("failed", "lost", "wasted", "used", "idle")


def test_only_chunks_that_were_heard_twice_are_looked_up():
    found = [
        attempt(),
        attempt("r2"),
        attempt("r2", attempt="m-2"),
        attempt("r3"),
        attempt("r3", outcome="failed"),
    ]
    assert rows.repeated(found) == {("r2", 0)}


def test_days_are_counted_with_both_ends():
    assert rows.days_of(dt.date(2026, 2, 27), dt.date(2026, 3, 1)) == [
        "2026-02-27",
        "2026-02-28",
        "2026-03-01",
    ]


def test_the_account_of_some_days_has_their_rows_and_no_others(world):
    for number, day in enumerate((19, 20, 21)):
        world.clock.time = dt.datetime(2026, 11, day, 23, 59, tzinfo=dt.UTC).timestamp()
        ledger.write(attempt(f"r{number}"), world.ports)
    found = rows.read(world.ports, DAY, DAY)
    assert [row.recording for row in found.rows] == ["r1"]
    assert len(rows.read(world.ports, dt.date(2026, 11, 1), dt.date(2026, 11, 30)).rows) == 3


def test_a_recording_whose_chunk_was_heard_twice_has_one_used_and_one_wasted_attempt(world):
    world.clock.time = dt.datetime(2026, 11, 20, tzinfo=dt.UTC).timestamp()
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    result, row = heard(recording, recording.chunks[0], attempt="m-2")
    chunk.commit_result(result, replace(row, usd=5.0), world.ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    found = rows.read(world.ports, DAY, DAY)
    assert sorted(zip(found.fates, (row.attempt for row in found.rows), strict=True)) == [
        ("used", "m-1"), ("used", "m-1"), ("wasted", "m-2"),
    ]  # fmt: skip


def test_what_was_spent_on_a_recording_that_failed_is_wasted(world):
    world.clock.time = dt.datetime(2026, 11, 20, tzinfo=dt.UTC).timestamp()
    recording = upload.on_upload(world.upload(), world.ports)
    chunk.commit_result(*heard(recording, recording.chunks[0]), world.ports)
    record.fail(recording.id, BadMedia("undecodable", "The rest cannot be decoded."), world.ports)
    assert rows.read(world.ports, DAY, DAY).fates == ("wasted",)
    assert world.ports.records.count(documents.LEDGER) == 1
    forget.forget(recording.id, world.ports, alone=True)
    assert rows.read(world.ports, DAY, DAY).fates == ("wasted",)


def test_which_of_two_attempts_was_used_is_known_after_the_recording_is_deleted(world):
    world.clock.time = dt.datetime(2026, 11, 20, tzinfo=dt.UTC).timestamp()
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        ledger.write(heard(recording, one)[1], world.ports)  # its worker died before it kept the result
        world.clock.time += 1.0
        chunk.commit_result(*heard(recording, one, attempt="m-2"), world.ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    forget.forget(recording.id, world.ports)
    forget.forget(recording.id, world.ports, alone=True)
    found = rows.read(world.ports, DAY, DAY)
    assert sorted(zip(found.fates, (row.attempt for row in found.rows), strict=True)) == [
        ("used", "m-2"), ("used", "m-2"), ("wasted", "m-1"), ("wasted", "m-1"),
    ]  # fmt: skip


def test_rows_that_cannot_be_read_are_counted(world):
    key = "r.00000.parakeet-cpu.m-1"
    world.ports.records.create("ledger", key, {"day": "2027-01-15", "usd": "much"})
    day = dt.date(2027, 1, 15)
    account = rows.read(world.ports, day, day)
    assert (account.rows, account.unread) == ((), 1)
