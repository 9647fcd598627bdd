"""What every test finds as if it were alone."""

from __future__ import annotations

import os

import pytest


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_a_test_writes_into_the_environment_is_gone_in_the_next(turn):
    assert "DROPSCRIBE_LEFT_BY" not in os.environ
    os.environ["DROPSCRIBE_LEFT_BY"] = turn
