from __future__ import annotations

import datetime as dt

import pytest

from shared.prices import TABLE, cpu_cost, deepgram_cost, total
from shared.results import LedgerRow
from shared.settings import Settings


def test_an_hour_at_deepgram_costs_what_its_price_list_says():
    assert deepgram_cost(3600) == pytest.approx(0.258)


def test_ones_own_computer_is_free_unless_its_owner_says_otherwise():
    assert cpu_cost(3600, Settings()) == 0
    assert cpu_cost(1800, Settings(cpu_usd_per_hour=0.5)) == pytest.approx(0.25)


def test_a_total_counts_every_attempt():
    row = LedgerRow(
        recording="r", chunk=0, engine="parakeet-cpu", attempt="a", audio_seconds=1.0, busy_seconds=1.0, usd=0.25, prices="v",
    )  # fmt: skip
    assert total([row, row, row]) == pytest.approx(0.75)
    assert total([]) == 0


def test_the_table_has_a_version_and_every_price_its_source_and_date():
    assert dt.date.fromisoformat(TABLE.version)
    assert TABLE.deepgram_minute.source
    assert dt.date.fromisoformat(TABLE.deepgram_minute.date)
