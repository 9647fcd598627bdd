"""Dockerfile.functions: what functions and workers import is in their images, and what runs them."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, modules, named

FILE = (ROOT / "Dockerfile.functions").read_text("utf-8")
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM )", FILE, re.MULTILINE | re.DOTALL))
IGNORED = (ROOT / "Dockerfile.functions.dockerignore").read_text("utf-8").split("\n")


def copied(stage):
    """The modules of this repository that a stage copies."""
    sources = [
        source
        for line in re.findall(r"^COPY (?!--)(.*)$", STAGES[stage], re.MULTILINE)
        for source in line.split()[:-1]
        if not source.startswith(("LICENSE", "NOTICE", "samples"))
    ]
    for source in sources:
        assert any(source == one[1:] or source.startswith(f"{one[1:]}/") for one in IGNORED), source
    return {
        name
        for name, path in modules().items()
        if any(path == ROOT / one or (ROOT / one) in path.parents for one in sources)
    }


def reached(*roots):
    """All modules that some import, and the packages in which they are."""
    known, found, left = modules(), set(), list(roots)
    while left:
        module = left.pop()
        if module in known and module not in found:
            found.add(module)
            left += [*at_run_time(known[module], known), module.rpartition(".")[0]]
    return found


def at_run_time(path, known):
    """What a module imports, but for the type checker."""
    text = path.read_text("utf-8")
    typing = [
        one
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.If) and "TYPE_CHECKING" in ast.dump(one.test)
    ]
    lines = text.splitlines()
    for one in typing:
        lines[one.lineno - 1 : one.end_lineno] = ["pass"] * (one.end_lineno - one.lineno + 1)
    pairs = named("\n".join(lines))
    return {f"{module}.{name}" if f"{module}.{name}" in known else module for module, name in pairs}


ENTRYPOINTS = {
    "functions": sorted(f"functions.{path.parent.name}.main" for path in ROOT.glob("functions/*/main.py")),
    "cpu-worker": ["gpu_job.__main__"],
}


@pytest.mark.parametrize("stage", ENTRYPOINTS)
def test_an_image_has_all_that_its_processes_import(stage):
    wanted = reached(*ENTRYPOINTS[stage])
    assert wanted - copied(stage) == set()


def test_of_the_commands_it_has_what_the_guard_of_a_rollout_needs_and_no_more():
    ours = {one for one in copied("functions") if one.startswith("deployment")}
    assert ours - reached(*ENTRYPOINTS["functions"]) <= {
        "deployment.rollout.drive",
        "deployment.rollout.phases",
    }


def test_functions_and_workers_run_as_nobody_in_particular():
    for stage in ENTRYPOINTS:
        assert re.findall(r"^USER (\S+)", STAGES[stage], re.MULTILINE) == ["10001:10001"]


def test_the_functions_that_are_imported_where_the_image_is_built_here_are_all():
    script = Path(ROOT, "images", "build-here").read_text("utf-8")
    for name in ENTRYPOINTS["functions"]:
        assert name in script


@pytest.mark.parametrize("file", ["Dockerfile.functions", "Dockerfile.gpu"])
def test_without_real_weights_only_their_download_is_left_out_where_the_image_is_built_here(file):
    script = Path(ROOT, "images", "build-here").read_text("utf-8")
    (program,) = re.findall(r"sed '(s#.*#)' \"Dockerfile", script)
    text = (ROOT / file).read_text("utf-8")
    ran = subprocess.run(["sed", program, file], cwd=ROOT, capture_output=True, text=True, check=True)
    changed = [
        (before, after)
        for before, after in zip(text.splitlines(), ran.stdout.splitlines(), strict=True)
        if before != after
    ]
    [(before, after)] = changed
    assert "from gpu_job.weights import speakers; print(speakers.locate())" in before
    assert after == " && mkdir -p /opt/weights"
