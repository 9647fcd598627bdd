from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli
from shared.costs import hour_price
from shared.costs.prices import TABLE
from shared.settings import Settings

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "costs.md").read_text("utf-8")


def line(rtfx, hours):
    (found,) = [one for one in hour_price.lines(TABLE, Settings()) if (one.rtfx, one.hours) == (rtfx, hours)]
    return found


def test_an_hour_at_forty_times_real_time_is_ninety_seconds_and_a_tenth_of_deepgrams_price():
    one = line(40, 0)
    assert one.billed == 90.0
    assert one.usd == pytest.approx(0.02616, abs=1e-5)
    assert one.saving == pytest.approx(0.8986, abs=1e-4)


def test_alone_an_hour_pays_for_a_start_and_for_waiting_whatever_the_speed():
    assert line(222, 1).billed == pytest.approx(106.3)
    assert line(1358, 1).billed == pytest.approx(92.7)
    assert line(1358, 1).usd == pytest.approx(0.02695, abs=1e-5)


def test_packed_together_hours_cost_little_more_than_their_work():
    assert line(222, 100).usd == pytest.approx(1.06 * line(222, 0).usd, rel=0.01)


def test_the_guide_has_the_table_that_the_command_prints(monkeypatch):
    for name in ("DROPSCRIBE_PRICES", "DROPSCRIBE_GPU_VCPUS", "DROPSCRIBE_GPU_MEMORY_GIB"):
        monkeypatch.delenv(name, raising=False)
    printed = CliRunner().invoke(cli.app, ["cost", "--table"]).stdout
    assert len(printed.splitlines()) == 18
    assert printed in GUIDE


def test_another_shape_of_worker_has_another_table():
    large = hour_price.markdown(TABLE, Settings(gpu_vcpus=8, gpu_memory_gib=32))
    assert large != hour_price.markdown(TABLE, Settings())
