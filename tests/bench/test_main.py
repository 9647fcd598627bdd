"""Each benchmark says what it does before it does anything."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import PARTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent


def bench(*options):
    command = [sys.executable, "-m", "bench", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("part", ["flow", "probe", "router", "google", "load"])
def test_a_part_that_is_asked_for_help_gives_it_and_measures_nothing(part):
    done = bench(part, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m bench {part}")


def test_without_a_part_help_names_all_of_them():
    done = bench("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for _, (module, *_options) in PARTS:
        assert module.rpartition(".")[2].replace("_", "-") in done.stdout


def test_an_unknown_part_is_answered_with_the_known_ones():
    done = bench("gpu")
    assert done.returncode == 2
    assert done.stderr.startswith("There is no benchmark 'gpu'. There are: speed, ")


@pytest.mark.parametrize("name", ["console", "console_page", "console_sound"])
def test_those_of_the_page_find_what_they_take_from_the_tests(name):
    assert importlib.import_module(f"bench.page.{name}").main
