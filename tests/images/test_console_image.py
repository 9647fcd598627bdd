"""Dockerfile.console: what the console imports is in its image, and no more of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, imports, modules

FILE = (ROOT / "Dockerfile.console").read_text("utf-8")
COPIED = {found[1] for found in re.finditer(r"^COPY (\w+) /app/\1$", FILE, re.MULTILINE)}


def test_it_copies_the_packages_that_the_console_imports():
    known = modules()
    reached, found = ["console.__main__"], set()
    while reached:
        module = reached.pop()
        if module in known and module not in found:
            found.add(module)
            reached += imports(module, known)
    assert {one.partition(".")[0] for one in found} == COPIED == {"console", "shared"}


@pytest.mark.parametrize("name", sorted(COPIED))
def test_what_it_copies_is_in_the_build_context(name):
    ignored = Path(ROOT, "Dockerfile.console.dockerignore").read_text("utf-8").split("\n")
    assert ignored[1] == "*"
    assert f"!{name}" in ignored


def test_its_base_is_that_of_the_functions():
    (base,) = re.findall(r"^ARG BASE=(.+)$", FILE, re.MULTILINE)
    assert f"ARG BASE={base}\n" in (ROOT / "Dockerfile.functions").read_text("utf-8")


def test_it_runs_as_nobody_in_particular():
    assert FILE.rstrip().endswith('USER 10001:10001\nCMD ["python", "-m", "console"]')
