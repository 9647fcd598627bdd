"""The lock files of the images: what they hold is enough, pinned by hash, and the same in all of them."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from shared.engines import hosted_specs

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = ("functions", "cpu-worker", "gpu", "build", "scan")


def text(name):
    return (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name):
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text(name), re.MULTILINE))


EXTRAS = PROJECT["optional-dependencies"]


def of_extras(names, extras=EXTRAS):
    """What some extras ask for, and the extras of ours that they name."""
    for name in sorted(names):
        for one in map(Requirement, extras[name]):
            if one.name == PROJECT["name"]:
                yield from of_extras(one.extras, extras)
            else:
                yield one


def wanted(*names):
    return [*map(Requirement, PROJECT["dependencies"]), *of_extras(names)]


LEFT_OUT = {normal(one) for one in re.findall(r"^([\w-]+);", text("functions-left-out"), re.MULTILINE)}


@pytest.mark.parametrize(("image", "left_out"), [("functions", LEFT_OUT), ("cpu-worker", set())])
def test_an_image_has_what_the_project_asks_for_in_versions_that_satisfy_it(image, left_out):
    found = locked(image)
    for one in wanted("google", "hosted"):
        if normal(one.name) in left_out:
            assert normal(one.name) not in found
        else:
            assert normal(one.name) in found, f"{one.name} is missing: make lock"
            assert one.specifier.contains(found[normal(one.name)]), f"{one}: make lock"


def test_extras_that_an_extra_names_are_looked_at_too():
    extras = {
        "acme": ["acme-sdk>=2"],
        "both": ["dropscribe[acme,more]"],
        "more": ["dropscribe[most]"],
        "most": ["x"],
    }
    assert [str(one) for one in of_extras(["both"], extras)] == ["acme-sdk>=2", "x"]


@pytest.mark.parametrize("engine", hosted_specs(), ids=lambda one: one.name)
def test_the_image_of_the_functions_has_the_library_of_every_hosted_engine(engine):
    extra = engine.hosted.extra
    assert extra in EXTRAS, f"pyproject.toml has no extra {extra}"
    needed = {normal(one.name) for one in of_extras([extra])}
    assert needed
    assert needed <= {normal(one.name) for one in of_extras(["hosted"])}, f"`hosted` lacks {extra}"
    assert needed <= locked("functions").keys(), "make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hash(name):
    blocks = [one for one in re.split(r"\n(?=[a-z0-9])", text(name)) if re.match(r"[\w.-]+==", one)]
    assert blocks
    assert [one.split()[0] for one in blocks if "--hash=sha256:" not in one] == []


def test_the_cpu_worker_installs_over_the_functions_what_they_lack_and_changes_nothing():
    functions, worker = locked("functions"), locked("cpu-worker")
    assert {name: worker.get(name) for name in functions} == functions


@pytest.mark.parametrize("file", ["Dockerfile.functions", "Dockerfile.gpu", "Dockerfile.console"])
def test_a_dockerfile_installs_nothing_without_a_hash(file):
    lines = re.sub(r"\\\n", " ", (ROOT / file).read_text("utf-8")).splitlines()
    installs = [line for line in lines if "pip install" in line and "--no-index" not in line]
    assert len(installs) >= 2
    for line in installs:
        assert "--require-hashes" in line
        assert re.search(r"-r /requirements/[\w-]+\.txt", line)


def test_exceptions_of_the_audit_have_a_reason_and_an_end():
    for line in text("audit-exceptions").splitlines():
        if not line.startswith("#"):
            name, until, reason = line.split(None, 2)
            assert re.fullmatch(r"(CVE|GHSA|PYSEC)-[\w-]+", name)
            assert dt.date.fromisoformat(until) >= dt.datetime.now(dt.UTC).date(), f"look at {name} again"
            assert len(reason) > 20
