from __future__ import annotations

import datetime as dt

import pytest

from shared.costs import prices_file
from shared.costs.prices import TABLE, total
from shared.model import Options
from shared.results import LedgerRow
from shared.settings import Settings


def test_an_hour_at_deepgram_costs_what_its_price_list_says():
    assert TABLE.hosted("deepgram", 3600) == pytest.approx(0.462)


def test_ones_own_computer_is_free_unless_its_owner_says_otherwise():
    assert 3600 * TABLE.engine_second("parakeet-cpu", Settings()) == 0
    dear = Settings(cpu_usd_per_hour=0.5)
    assert 1800 * TABLE.engine_second("parakeet-cpu", dear) == pytest.approx(0.25)


def test_a_total_counts_every_attempt():
    row = LedgerRow(
        recording="r", chunk=0, engine="parakeet-cpu", attempt="a", audio_seconds=1.0, busy_seconds=1.0, usd=0.25, prices="v",
    )  # fmt: skip
    assert total([row, row, row]) == pytest.approx(0.75)
    assert total([]) == 0


def test_the_table_has_a_version_and_every_price_its_source_and_date():
    assert dt.date.fromisoformat(TABLE.version)
    for price in prices_file.entries().values():
        assert price.source
        assert dt.date.fromisoformat(price.date)


def test_a_second_of_the_smallest_gpu_task_costs_its_card_its_processors_and_its_memory():
    # 0.0001867 + 4 x 0.000018 + 16 x 0.000002
    assert TABLE.gpu_second(Settings()) == pytest.approx(0.0002907, abs=1e-12)
    assert TABLE.gpu_second(Settings(gpu_vcpus=8, gpu_memory_gib=32)) == pytest.approx(0.0003947, abs=1e-12)


@pytest.mark.parametrize(
    ("lived", "billed"), [(0, 60), (59.99, 60), (60, 60), (60.01, 60.1), (61.1, 61.1), (90.0, 90.0)]
)
def test_an_instance_of_a_job_is_billed_for_a_minute_at_least_and_in_tenths_of_a_second(lived, billed):
    assert TABLE.task_seconds(lived) == billed


def test_deepgram_bills_by_the_second_and_more_for_many_languages():
    assert TABLE.hosted("deepgram", 30) == pytest.approx(0.00385)
    assert TABLE.hosted("deepgram", 30, Options(language="de")) == pytest.approx(0.00385)
    assert TABLE.hosted("deepgram", 30, Options(language="mul")) == pytest.approx(0.0046)


def test_deepgram_asks_more_for_speakers_and_for_keyterms():
    assert TABLE.hosted("deepgram", 60, Options(diarize=True)) == pytest.approx(0.0097)
    assert TABLE.hosted("deepgram", 60, Options(keyterms="Anna, Otto")) == pytest.approx(0.0090)
    assert TABLE.hosted("deepgram", 60, Options(keyterms=" , ")) == pytest.approx(0.0077)
    assert TABLE.hosted(
        "deepgram", 60, Options(language="MUL", diarize=True, keyterms="Anna")
    ) == pytest.approx(0.0125)


def test_a_second_of_an_engine_costs_what_runs_it():
    settings = Settings(cpu_usd_per_hour=0.36, platform="google", project="my-project")
    assert TABLE.engine_second("parakeet-gpu", settings) == pytest.approx(0.0002907, abs=1e-12)
    assert TABLE.engine_second("parakeet-gpu", Settings(cpu_usd_per_hour=0.36)) == pytest.approx(0.0001)
    assert TABLE.engine_second("parakeet-cpu", settings) == pytest.approx(0.0002907, abs=1e-12)
    apart = Settings(platform="google", project="my-project", cpu_job="dropscribe-cpu")
    assert TABLE.engine_second("parakeet-cpu", apart) == pytest.approx(0.000088, abs=1e-12)
    assert TABLE.engine_second("parakeet-gpu", apart) == pytest.approx(0.0002907, abs=1e-12)
    assert TABLE.engine_second("parakeet-cpu", Settings(cpu_usd_per_hour=0.36)) == pytest.approx(0.0001)
    assert TABLE.engine_second("deepgram", settings) == 0


def test_where_two_prices_are_quoted_what_is_spent_counts_with_the_higher_and_what_is_saved_with_the_lower():
    assert TABLE.hosted("deepgram", 60) == pytest.approx(0.0077)
    assert TABLE.hosted("deepgram", 60, lowest=True) == pytest.approx(0.0043)
    assert TABLE.hosted("deepgram", 60, Options(language="mul"), lowest=True) == pytest.approx(0.0052)


def test_audio_that_leaves_googles_network_costs_by_the_gib_and_nothing_on_one_machine():
    there = Settings(platform="google", project="my-project")
    assert TABLE.egress(2**30, there) == pytest.approx(0.12)
    assert TABLE.egress(2**30, Settings()) == 0.0
    assert TABLE.expected("deepgram", 3600, there) == pytest.approx(0.462 + 72e6 / 2**30 * 0.12)
    assert TABLE.expected("deepgram", 3600, Settings()) == pytest.approx(0.462)
    assert TABLE.expected("parakeet-gpu", 3600, there) == 0.0
