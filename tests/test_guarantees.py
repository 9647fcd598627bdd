"""Every guarantee names the tests that show it, and these are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guarantees.md"
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)")


def rows():
    """The cells of the tables, heads left out."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "what holds" not in line
    ]


def test_every_link_leads_to_something():
    missing = [path for _, path in LINK.findall(PAGE.read_text("utf-8")) if not (PAGE.parent / path).exists()]
    assert missing == []


def test_there_are_guarantees():
    assert len(rows()) > 15


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_a_guarantee_says_under_which_faults_it_holds_and_names_its_tests(row):
    what, faults, shown = row
    assert what.endswith(".")
    assert faults
    links = LINK.findall(shown)
    assert links, what
    for name, path in links:
        place = PAGE.parent / path
        assert name == place.stem
        found = [place] if place.is_file() else sorted(place.glob("test_*.py"))
        assert any("def test_" in one.read_text("utf-8") for one in found), path
