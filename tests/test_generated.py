"""What is made from the code is as the code is, and each change of the code's tables gets there."""

from __future__ import annotations

import pytest

from tests.generated import __main__ as command
from tests.generated.files import FILES, stale


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_made_from_the_code_is_as_the_code_is(name):
    assert stale(name) is None, f"{name} is older than what it is made from: `make generated` writes it anew"


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        ({}, "There is no terraform. Install Terraform"),
        ({"terraform": "exit 1"}, "failed. The provider is downloaded from registry.terraform.io"),
    ],
)
def test_where_terraform_cannot_run_all_else_is_written_and_what_is_not_is_named(
    tmp_path, monkeypatch, capfd, programs, why
):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("TERRAFORM_RUN", raising=False)
    monkeypatch.setattr(command, "stale", lambda name: f"what {name} must be")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    assert command.main() == 0
    told = capfd.readouterr().out
    assert why in told
    assert "cannot run here: terraform/tests/inventory.json and terraform/tests/processors.json" in told
    assert [name for name in FILES if (tmp_path / name).read_text() != f"what {name} must be"] == []
