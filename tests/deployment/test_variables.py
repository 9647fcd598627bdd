"""The variables that a person may give are those of terraform/variables.tf, with the same parts."""

from __future__ import annotations

import re

import msgspec
import pytest

from deployment.plans import FOLDER
from deployment.target import OURS
from deployment.variables import (
    Alerts,
    Buckets,
    Budget,
    Cpu,
    Database,
    Gpu,
    HostedVariables,
    Variables,
    check,
)

PARTS = {
    "gpu": Gpu,
    "cpu": Cpu,
    "hosted": HostedVariables,
    "buckets": Buckets,
    "database": Database,
    "budget": Budget,
    "alerts": Alerts,
}
BLOCKS = dict(
    re.findall(
        r'^variable "(\w+)" \{\n(.*?)^}',
        (FOLDER / "variables.tf").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)


def parts_of(block):
    found = re.search(r"^  type\s*= (?:map\()?object\(\{\n(.*?)^  }\)", block, re.DOTALL | re.MULTILINE)
    return None if found is None else set(re.findall(r"^    (\w+)\s*=", found[1], re.MULTILINE))


def test_the_names_are_those_of_terraform():
    assert set(BLOCKS) - OURS == set(Variables.__struct_fields__)


def test_so_are_the_parts():
    laid = {name: found for name, block in BLOCKS.items() if name not in OURS and (found := parts_of(block))}
    assert laid == {name: set(kind.__struct_fields__) for name, kind in PARTS.items()}


@pytest.mark.parametrize("name", ["gpu", "cpu"])
def test_the_defaults_of_the_shapes_are_those_of_terraform(name):
    defaults = dict(re.findall(r"(\w+)\s*= optional\(number, (\d+)\)", BLOCKS[name]))
    assert msgspec.to_builtins(PARTS[name]()) == {part: int(value) for part, value in defaults.items()}


def test_what_the_guide_shows_fits():
    guide = (FOLDER.parent / "docs" / "google-cloud.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    check(msgspec.json.decode(example))
    check({"gpu": None, "cpu": {}, "audio_days": None, "settings": {"ENABLE_FALLBACK": False}})
