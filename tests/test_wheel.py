from __future__ import annotations

import json
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from tests import wheel
from tests.test_architecture import ROOT, TOPS, modules, named


@pytest.fixture(scope="module")
def built(once):
    return once("wheel", wheel.build)


@pytest.mark.long
@pytest.mark.slow
def test_a_wheel_works_in_an_environment_of_its_own(built, tmp_path):
    python = wheel.environment(tmp_path / "venv", borrow=True)
    wheel.install(built, python, borrow=True)
    where = wheel.said(
        [str(python), "-c", "import shared, local; print(shared.__file__, local.__file__)"], tmp_path
    )
    assert all(Path(one).is_relative_to(tmp_path / "venv") for one in where.split())
    found = wheel.trial(python, tmp_path)
    assert found["version"] == found["module"] == f"dropscribe {version('dropscribe')}\n"
    tiny = next(one for one in json.loads(found["doctor"]) if one["what"].startswith("weights tiny"))
    assert tiny["state"] == "ok"
    assert found["import"] == "my\n"
    assert (tmp_path / "out" / "voice-note.opus" / "transcript.txt").read_text().startswith("my brother lost")


@pytest.mark.slow
def test_a_wheel_has_what_its_users_need_and_nothing_else(built):
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
        tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
        assert tops == set(TOPS)
        page = {path.relative_to(ROOT).as_posix() for path in (ROOT / "console/page").rglob("*.*")}
        bundled = {f"dropscribe/bundled/{name}" for name in (
            "models/tiny-tdt/tiny-tdt.nemo", "models/tiny-tdt/encoder-model.onnx", "models/tiny-tdt/vocab.txt",
            "samples/voice-note.opus", "samples/truth/voice-note.opus.txt",
        )}  # fmt: skip
        assert page | bundled | {"dropscribe/py.typed", "shared/py.typed"} <= names
        assert any(name.endswith("/licenses/NOTICE") for name in names)
        assert not [name for name in names if "recipe" in name or "test" in name]
        for path in ROOT.glob("*/**/*.json"):
            if path.relative_to(ROOT).parts[0] in TOPS:
                assert path.relative_to(ROOT).as_posix() in names


BROUGHT_ALONG = {
    "flask": "functions-framework hands its requests to functions",
    "grpc": "Google's clients raise its errors",
    "requests": "Google's clients are made of it",
    "urllib3": "as requests",
}
"""Libraries that a declared one cannot be without."""


def installs(requirement):
    """The package that a requirement names, without what follows its name."""
    return re.split(r"[^A-Za-z0-9._-]", requirement.replace(" ", ""), maxsplit=1)[0].lower().replace("_", "-")


def test_every_library_that_is_imported_is_declared():
    """The environment above has more packages than a user gets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {installs(one) for one in project["dependencies"]}
    declared |= {installs(one) for name in extras if name not in {"dev", "bench"} for one in extras[name]}
    of = packages_distributions()
    missing = {}
    for module, path in modules().items():
        for name, _ in named(path.read_text("utf-8")):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or top in {*TOPS, *BROUGHT_ALONG} or top in declared:
                continue
            if not declared & {one.lower().replace("_", "-") for one in of.get(top, ())}:
                missing.setdefault(top, module)
    assert missing == {}
