"""How costs look on a terminal."""

from __future__ import annotations

from local.commands.views import cost_screen


def test_the_chart_has_a_bar_for_each_day_and_of_long_times_for_each_month():
    assert cost_screen.bars({"2026-11-18": 1.0, "2026-11-20": 2.0}) == {
        "2026-11-18": 1.0, "2026-11-19": 0.0, "2026-11-20": 2.0,
    }  # fmt: skip
    assert cost_screen.bars({"2026-08-30": 1.0, "2026-08-31": 2.0, "2026-11-20": 4.0}) == {
        "2026-08": 3.0, "2026-09": 0.0, "2026-10": 0.0, "2026-11": 4.0,
    }  # fmt: skip


def test_a_bar_is_as_long_as_its_share_to_an_eighth_of_a_character():
    assert cost_screen.bar(1.0, 1.0) == "█" * 40
    assert cost_screen.bar(0.5, 1.0) == "█" * 20
    assert cost_screen.bar(0.5125, 1.0) == "█" * 20 + "▌"
    assert cost_screen.bar(0.0, 0.0) == ""
    assert cost_screen.bar(-0.1, 1.0) == ""
