"""docs/python.md against what the package exports."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import dropscribe
from dropscribe import errors, results
from dropscribe.options import Options
from tests.test_architecture import ROOT

GUIDE = (ROOT / "docs" / "python.md").read_text("utf-8")
ROOTS = {"DropscribeError", "Transient", "Permanent"}


def section(name):
    return GUIDE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def named(text):
    return set(re.findall(r"`(\w+)", text))


def test_every_exported_name_is_in_the_guide():
    assert {name for name in dropscribe.__all__ if not re.search(rf"\b{name}\b", GUIDE)} == set()


def test_every_option_is_in_the_guide():
    [line] = [line for line in section("On this machine").splitlines() if line.startswith("- Options: ")]
    assert named(line.partition(". ")[0]) == {*Options.__annotations__}


def test_every_error_has_a_row():
    rows = set(re.findall(r"^\| `(\w+)`", section("Errors"), re.MULTILINE))
    assert rows | ROOTS == {*errors.__all__}


@pytest.mark.parametrize("kind", [results.Transcript, results.Word, results.Segment])
def test_every_field_of_a_result_is_in_the_guide(kind):
    assert {*kind.__slots__} <= named(section("Results"))


def test_importing_it_is_quick_because_the_rest_comes_when_it_is_called():
    said = subprocess.run(
        [sys.executable, "-c", "import sys, dropscribe, dropscribe.legacy; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
    ).stdout.split()
    heavy = {
        "typer",
        "httpx",
        "numpy",
        "onnxruntime",
        "rich",
        "sqlite3",
        "starlette",
        "google.cloud.storage",
        "av",
    }
    assert heavy & set(said) == set()
