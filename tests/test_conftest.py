"""What every test finds as if it were alone."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from tests import conftest


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_a_test_writes_into_the_environment_is_gone_in_the_next(turn):
    assert "DROPSCRIBE_LEFT_BY" not in os.environ
    os.environ["DROPSCRIBE_LEFT_BY"] = turn


@pytest.mark.parametrize("profile", ["same", "new"])
def test_only_new_examples_are_made_of_what_stands_in_the_modules(profile):
    before = settings.get_current_profile_name()
    settings.load_profile(profile)
    try:
        constants = providers.HypothesisProvider(None)._local_constants
    finally:
        settings.load_profile(before)
    assert bool(constants.strings) == (profile == "new")


@pytest.mark.parametrize(
    ("named", "left_out"),
    [
        ("tests", " and not slow"),
        ("tests/", " and not slow"),
        (".", " and not slow"),
        ("tests/notebooks", ""),
        ("tests/test_wheel.py::test_a_wheel_works_in_an_environment_of_its_own", ""),
    ],
)
def test_slow_tests_are_left_out_only_of_a_run_of_everything(monkeypatch, named, left_out):
    monkeypatch.chdir(Path(__file__).parent.parent)
    option = SimpleNamespace(markexpr="not system and not slow")
    conftest.pytest_configure(SimpleNamespace(args=[named], option=option))
    assert option.markexpr == "not system" + left_out


def test_no_test_asks_for_an_event_loop_where_a_browser_may_have_one():
    """In a process that has driven a browser, `asyncio.run` fails; `tests/event_loop.py` does not."""
    others = {*Path(__file__).parent.rglob("test_*.py")} - {Path(__file__)}
    assert [path for path in others if "asyncio.run(" in path.read_text("utf-8")] == []
