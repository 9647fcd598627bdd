"""`make audit` ends well only if every package was looked up."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.images import audit
from tests.images.audit import told

CLEAN = {"name": "anyio", "version": "4.16.0", "vulns": []}
SKIPPED = {"name": "av", "skip_reason": "Dependency not found on PyPI and could not be audited: av (18.1.0)"}
BAD = {
    "name": "requests",
    "version": "2.30.0",
    "vulns": [{"id": "PYSEC-2023-74", "fix_versions": ["2.31.0"]}, {"id": "GHSA-1", "fix_versions": []}],
}


def ran(tmp_path, says, status=0, stderr=""):
    """`make audit` with a pip-audit that says so."""
    program = tmp_path / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.write({says!r})\nsys.stderr.write({stderr!r})\nsys.exit({status})\n"
    )
    program.chmod(0o755)
    command = [sys.executable, "-m", "tests.images.audit", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=audit.ROOT)


def test_packages_of_which_nothing_is_known_are_well(tmp_path):
    found = ran(tmp_path, json.dumps({"dependencies": [CLEAN]}))
    assert (found.returncode, found.stdout) == (0, "No vulnerability is known in any locked package.\n")


def test_packages_that_were_not_looked_up_are_an_error_although_pip_audit_ends_well(tmp_path):
    found = ran(tmp_path, json.dumps({"dependencies": [CLEAN, SKIPPED]}))
    assert found.returncode == 1
    assert "requirements/gpu.txt: 1 of 2 packages could not be looked up (av). Run `make audit` where" in (
        found.stderr
    )
    assert "No vulnerability" not in found.stdout


def test_a_service_that_does_not_answer_is_one_sentence_for_each_file(tmp_path):
    found = ran(tmp_path, "", 1, "Traceback …\nrequests.exceptions.ProxyError: Max retries exceeded")
    assert (found.returncode, len(found.stderr.splitlines())) == (1, len(audit.LOCKS))
    assert "pip-audit could not ask about its packages" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_vulnerability_is_named_with_its_cure():
    assert list(told("requirements/gpu.txt", [CLEAN, BAD])) == [
        "requirements/gpu.txt: requests 2.30.0 has PYSEC-2023-74: `make lock`, if it takes 2.31.0.",
        "requirements/gpu.txt: requests 2.30.0 has GHSA-1: no version without it is known.",
    ]


@pytest.mark.parametrize("lock", audit.LOCKS)
def test_each_file_is_there(lock):
    assert (audit.ROOT / "requirements" / f"{lock}.txt").exists()


def test_a_file_without_packages_is_no_clean_one():
    assert list(told("x", [])) == ["x: pip-audit found no package in it."]
