"""docs/security.md: every threat names its mitigation and the tests that show it, and its numbers are those of the code."""

import re

import pytest

from shared.audio.sandbox import seccomp
from tests.hostile.survey import ACTS
from tests.test_architecture import ROOT
from tests.test_guarantees import LINK

PAGE = ROOT / "docs" / "security.md"
TEXT = PAGE.read_text("utf-8")


def threats():
    """The rows of all tables whose last column names tests."""
    tables = re.findall(r"\| threat \|.*?\n\|[-| ]+\n((?:\|.*\n)+)", TEXT)
    return [
        [cell.strip() for cell in row.strip("|").split("|")] for table in tables for row in table.splitlines()
    ]


def test_every_link_leads_to_something():
    paths = [path for _, path in LINK.findall(TEXT) if not path.startswith("http")]
    assert [path for path in paths if not (PAGE.parent / path).exists()] == []


def test_there_are_threats():
    assert len(threats()) >= 9


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0][:40])
def test_a_threat_has_a_mitigation_and_a_test(row):
    threat, mitigation, shown = row
    assert threat
    assert mitigation
    texts = {path: (PAGE.parent / path).read_text("utf-8") for _, path in LINK.findall(shown)}
    assert texts, threat
    for path, text in texts.items():
        # Of Terraform, what is not there is shown by the file itself.
        assert re.search(r"^\s*(async )?def test_|^run \"", text, re.MULTILINE) or path.endswith(".tf"), path


def test_the_numbers_are_those_of_the_code():
    assert f"a list of {len(seccomp.JOB)} system calls" in TEXT
    assert f"tries {ACTS.count('lambda:')} acts" in TEXT
    assert f"holds {len(seccomp.JOB)} calls" in (
        ROOT / "docs/decisions/0005-decoding-in-a-sandbox.md"
    ).read_text("utf-8")
