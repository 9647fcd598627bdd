from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation import mutants
from tests.simulation.mutants import MUTANTS

WITHIN = 100
"""Histories in which each planted bug must be found; `docs/simulation.md` has how many it took."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name):
    tries, found = mutants.hunt(name, WITHIN)
    assert found is not None, f"{MUTANTS[name].about}: not found in {tries} histories"


def test_the_docs_have_every_planted_bug():
    page = (Path(__file__).parent.parent.parent / "docs" / "simulation.md").read_text("utf-8")
    rows = set(re.findall(r"^\| ([^|]+) \| `[a-z-]+` \| \d+ \|", page, flags=re.MULTILINE))
    assert {one.about for one in MUTANTS.values()} == rows
