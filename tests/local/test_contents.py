"""The docstring of a package is its table of contents."""

from __future__ import annotations

import ast
import re

import pytest

from tests.test_architecture import ROOT

PACKAGES = [path.parent for path in (ROOT / "local").rglob("__init__.py")] + [ROOT / "shared" / "outputs"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_names_each_of_its_modules_and_nothing_else(package):
    told = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))
    inside = {
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    inside.discard("__init__")
    assert {name for name in inside if not re.search(rf"\b{name}\b", told)} == set()
    # A line of the table begins with a module, as does the column beside it.
    rows = re.findall(r"^ {4,}([a-z_]+)/? {2,}", told, re.MULTILINE)
    assert set(rows) <= inside
