from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs import summary
from shared.costs.prices import TABLE
from tests.costs.accounts import account, attempt, idle


def usd(groups):
    return {name: pytest.approx(one.usd) for name, one in groups.items()}


def test_a_total_counts_every_row_and_the_audio_of_used_results_once():
    sums = summary.total(
        account(
            attempt(usd=1.0),
            attempt(chunk=1, usd=2.0),
            attempt("r2", usd=4.0, outcome="failed", owned_seconds=0.0),
            idle(0.5),
        )
    )
    assert sums.usd == 7.5
    assert (sums.seconds, sums.decoded, sums.attempts, sums.recordings) == (1200.0, 1320.0, 3, {"r1"})
    assert (sums.wasted, sums.fates["idle"], sums.fates["used"]) == (4.0, 0.5, 3.0)
    assert sums.usd_per_recording == 7.5
    assert sums.usd_per_hour == pytest.approx(22.5)
    assert sums.reference_usd(TABLE) == pytest.approx(0.086)


def test_what_deepgram_heard_is_compared_at_the_price_it_asked():
    sums = summary.total(
        account(
            attempt(usd=0.01),
            # Ten minutes and one of overlap, with speakers.
            attempt("r2", usd=11 * 0.0063, engine="deepgram", billed_seconds=660.0),
        )
    )
    assert sums.reference_usd(TABLE) == pytest.approx(10 * 0.0043 + 10 * 0.0063)


def test_nothing_costs_nothing_and_has_no_mean():
    sums = summary.total(account())
    assert (sums.usd, sums.usd_per_recording, sums.usd_per_hour) == (0.0, None, None)


def test_by_method_engines_of_one_method_are_together_and_a_recording_of_both_methods_is_a_hybrid():
    groups = summary.grouped(
        account(
            attempt("r1"), attempt("r1", chunk=1, engine="deepgram", usd=3.0), attempt("r2", engine="deepgram", usd=5.0),
            attempt("r3", usd=0.25), attempt("r4", engine="parakeet-cpu", usd=0.5),
        ),
        "method",
    )  # fmt: skip
    assert usd(groups) == {"deepgram": 5.0, "hybrid": 4.0, "parakeet": 0.75}


def test_by_folder_and_by_label_what_has_none_is_named():
    found = account(attempt(prefix="calls/2026", label="sales"), attempt("r2", usd=2.0))
    assert usd(summary.grouped(found, "prefix")) == {"(top)": 2.0, "calls/2026": 1.0}
    assert usd(summary.grouped(found, "label")) == {"(no label)": 2.0, "sales": 1.0}


def test_by_day_idle_time_counts_on_its_own_day():
    found = account(attempt(), idle(2.0, day="2026-11-19"))
    assert usd(summary.grouped(found, "day")) == {"2026-11-19": 2.0, "2026-11-20": 1.0}


def test_by_month_and_by_engine_the_rows_have_a_group_each():
    rows = account(
        attempt(usd=1.0, day="2026-10-31"),
        attempt("r2", usd=2.0, day="2026-11-01"),
        attempt("r3", usd=4.0, day="2026-11-30", engine="deepgram"),
        idle(0.5, day="2026-11-02"),
    )
    assert usd(summary.grouped(rows, "month")) == {"2026-10": 1.0, "2026-11": 6.5}
    assert list(summary.grouped(rows, "month")) == ["2026-10", "2026-11"]
    assert set(summary.grouped(rows, "engine")) == {"deepgram", "parakeet-gpu"}


def test_idle_time_is_shared_out_over_what_the_worker_did_by_audio():
    found = account(
        attempt("r1", label="a", audio_seconds=300.0), attempt("r2", label="b", audio_seconds=900.0),
        idle(4.0), idle(1.0, worker="gpu-b.0"),
    )  # fmt: skip
    assert usd(summary.grouped(found, "label")) == {"b": 4.0, "a": 2.0, summary.NOTHING: 1.0}
    shares = summary.share_out(found.rows, lambda row: row.recording)
    assert shares == {"gpu-a.0": {"r1": 0.25, "r2": 0.75}}


ROWS = st.lists(
    st.one_of(
        st.builds(
            attempt,
            st.sampled_from(["r1", "r2", "r3"]),
            st.integers(0, 2),
            st.floats(0, 10),
            st.sampled_from(["parakeet-gpu", "deepgram"]),
            attempt=st.sampled_from(["m-1", "m-2"]),
            label=st.sampled_from(["", "a"]),
            prefix=st.sampled_from(["", "x/y"]),
            outcome=st.sampled_from(["heard", "failed", "lost"]),
            worker=st.sampled_from(["", "gpu-a.0", "gpu-b.0"]),
            billed_seconds=st.sampled_from([None, 660.0]),
            day=st.sampled_from(["2026-11-19", "2026-11-20"]),
        ),
        st.builds(idle, st.floats(-1, 10), st.sampled_from(["gpu-a.0", "gpu-b.0", "gpu-c.0"])),
    ),
    max_size=30,
)


@given(ROWS, st.sampled_from(["day", "method", "prefix", "label"]))
def test_however_it_is_grouped_the_groups_add_up_to_the_whole(rows, by):
    found = account(*rows)
    total = summary.total(found)
    groups = summary.grouped(found, by)
    assert math.fsum(one.usd for one in groups.values()) == pytest.approx(total.usd, abs=1e-9)
    assert sum(one.attempts for one in groups.values()) == total.attempts
    assert math.fsum(one.seconds for one in groups.values()) == pytest.approx(total.seconds)
    deepgram = math.fsum(one.reference_usd(TABLE) for one in groups.values())
    assert deepgram == pytest.approx(total.reference_usd(TABLE))
    for one in groups.values():
        assert math.fsum(one.fates.values()) == pytest.approx(one.usd, abs=1e-9)
