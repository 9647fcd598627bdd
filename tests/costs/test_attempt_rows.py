"""The rows of attempts: what for, for whom, and at which price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import attempt_rows
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.state import ledger
from tests.attempts import message_of_an_upload, row_of
from tests.world import IN_A_PROJECT, World, ledger_rows


@pytest.fixture
def message(world):
    return message_of_an_upload(world)


def test_a_row_says_what_for_whom_when_and_at_which_prices(world, message):
    hired = replace(world.ports, settings=replace(world.settings, **IN_A_PROJECT))
    assert ledger.write(row_of(message, hired, worker="gpu-x.0"), hired)
    (row,) = ledger_rows(world.ports)
    assert (row.audio_seconds, row.owned_seconds, row.busy_seconds) == (40.0, 30.0, 2.0)
    assert row.usd == pytest.approx(2 * 0.0002907, abs=1e-12)
    assert row.prices == "2026-11-20"
    assert (row.label, row.prefix, row.worker) == ("sales", "calls/2026", "gpu-x.0")
    assert (row.time, row.day, row.minute) == (1_800_000_000.0, "2027-01-15", 30_000_000)
    assert (row.kind, row.outcome) == ("attempt", "heard")


def test_a_gpu_of_ones_own_costs_what_the_computer_does(world, message):
    settings = replace(world.settings, cpu_usd_per_hour=0.36)
    assert row_of(message, world.ports).usd == 0
    assert row_of(message, replace(world.ports, settings=settings)).usd == pytest.approx(0.0002)


def test_a_file_of_prices_prices_the_rows_and_names_their_version(tmp_path):
    file = tmp_path / "ours.toml"
    file.write_text("l4_second = 0.0001\n")
    world = World(tmp_path / "state", prices=str(file), model="tiny", **IN_A_PROJECT)
    upload.on_upload(world.upload(), world.ports)
    message = decode(world.pull("cpu-worker")[0].data, ChunkMessage)
    row = row_of(message, world.ports)
    assert row.usd == pytest.approx(2 * 0.000204, abs=1e-12)
    assert row.prices.startswith("ours-")
    world.close()


@pytest.mark.parametrize(("name", "prefix"), [("a.mp3", ""), ("x/a.mp3", "x"), ("x/y/a.mp3", "x/y")])
def test_a_prefix_is_the_folder_of_the_object(name, prefix):
    assert attempt_rows.prefix_of(name) == prefix


def test_a_second_on_a_gpus_processor_costs_what_its_machine_costs(world, message):
    hired = replace(world.ports, settings=replace(world.settings, **IN_A_PROJECT))
    beside = row_of(message, hired, engine="parakeet-cpu", machine="parakeet-gpu")
    assert beside.usd == row_of(message, hired, engine="parakeet-gpu").usd > 0
    assert beside.engine == "parakeet-cpu"
