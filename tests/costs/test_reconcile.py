from __future__ import annotations

import pytest

from shared.costs import reconcile
from shared.costs.reconcile import Call, Line
from shared.results import Bill, Counted, LedgerRow


def row(recording="r", chunk=0, day="2026-11-20", *, seconds=60.0, usd=0.0077, engine="deepgram", **more):
    return LedgerRow(
        recording=recording, chunk=chunk, engine=engine, attempt="1", audio_seconds=seconds, busy_seconds=1.0,
        usd=usd, prices="v", billed_seconds=seconds, day=day, **more,
    )  # fmt: skip


def counted(tag, seconds, day="2026-11-20"):
    return Counted(day=day, tag=tag, seconds=seconds)


def hosted(rows, bill):
    return reconcile.hosted("Deepgram", rows, "deepgram", bill)


def test_what_is_equal_agrees():
    bill = Bill(usd={"2026-11-20": 0.0077}, counted=(counted("r.00000", 60.4),))
    found = hosted([row()], bill)
    assert found.agrees
    assert found.lines == (Line(day="2026-11-20", ledger_usd=0.0077, billed_usd=0.0077),)


def test_another_price_is_a_difference_of_its_day():
    rows = [row(str(number), seconds=3600.0, usd=0.462) for number in range(2)]
    calls = tuple(counted(f"{number}.00000", 3600.0) for number in range(2))
    found = hosted(rows, Bill(usd={"2026-11-20": 0.516}, counted=calls))
    assert found.lines[0].difference == pytest.approx(-0.408)
    assert (found.agrees, found.calls) == (False, ())


def test_calls_that_only_one_side_knows_are_named_the_longest_first():
    bill = Bill(usd={"2026-11-20": 0.0077}, counted=(counted("theirs.00001", 600.0),))
    found = hosted([row("mine")], bill)
    assert found.calls == (
        Call(tag="theirs.00001", ledger_seconds=0.0, billed_seconds=600.0),
        Call(tag="mine.00000", ledger_seconds=60.0, billed_seconds=0.0),
    )


def test_a_call_over_midnight_is_on_two_days_and_the_same_call():
    bill = Bill(usd={"2026-11-19": 0.0077}, counted=(counted("r.00000", 60.0, "2026-11-19"),))
    found = hosted([row()], bill)
    assert found.calls == ()
    assert [one.day for one in found.lines] == ["2026-11-19", "2026-11-20"]
    assert found.agrees, "less than a cent"


def test_several_attempts_at_a_chunk_are_one_sum():
    bill = Bill(usd={"2026-11-20": 0.0154}, counted=(counted("r.00000", 60.0), counted("r.00000", 60.0)))
    assert hosted([row(), row()], bill).agrees


def test_what_sending_costs_is_on_googles_bill():
    assert hosted([row(usd=0.5077, egress_usd=0.5)], Bill()).lines[0].ledger_usd == pytest.approx(0.0077)


def test_workers_count_with_their_idle_time_and_without_hosted_engines():
    rows = [
        row(engine="parakeet-gpu", usd=1.0),
        row("", engine="parakeet-gpu", usd=0.25, kind="execution", worker="x.0"),
        row(engine="parakeet-cpu", usd=0.5, day="2026-11-21"),
        row(usd=9.0),
    ]
    found = reconcile.workers("Google", rows, Bill(usd={"2026-11-20": 1.2505, "2026-11-22": 0.4}))
    assert [(one.day, one.ledger_usd, one.agrees) for one in found.lines] == [
        ("2026-11-20", 1.25, True), ("2026-11-21", 0.5, False), ("2026-11-22", 0.0, False),
    ]  # fmt: skip
    assert found.total.difference == pytest.approx(-0.0995)
