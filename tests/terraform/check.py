"""`make terraform-check`: is the root valid, does it pass its tests, and are its inventories fresh?

`make generated` has the inventories written instead. `TERRAFORM_RUN` may name a program that is called as
`PROGRAM FOLDER -- COMMAND…` and runs terraform where the provider cannot be downloaded.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.terraform import inventory

ROOT = Path(__file__).resolve().parent.parent.parent / "terraform"
FILES = {"everything": ROOT / "tests" / "inventory.json", "processors": ROOT / "tests" / "processors.json"}
"""The inventory of each run that is printed, by the name of the run and of its file."""
OTHERS = [path.name.partition(".")[0] for path in sorted((ROOT / "tests").glob("*.tftest.hcl"))]
SCRIPT = " && ".join(
    [
        "terraform fmt -check -recursive >&2",
        "terraform validate >&2",
        # What is printed of a run is 7 MB, with the provider's whole schema.
        f"terraform test -json {' '.join(f'-filter=tests/{one}.tftest.hcl' for one in OTHERS if one not in FILES)}",
        f"terraform test -json -verbose {' '.join(f'-filter=tests/{one}.tftest.hcl' for one in FILES)}",
    ]
)
FRESH = "make generated"
CANNOT_RUN = 2
"""There is no terraform, or it has not got its provider."""


def main(*, write: bool = False) -> int:
    """Run it all, and write the inventories or compare them; 0 if it is as it should be."""
    try:
        printed = _terraform()
    except subprocess.CalledProcessError as failed:
        print(
            f"`{' '.join(failed.cmd)}` failed. The provider is downloaded from registry.terraform.io; where that cannot"
        )
        print(
            "be reached, name a mirror in ~/.terraformrc: https://developer.hashicorp.com/terraform/cli/config/config-file"
        )
        return CANNOT_RUN
    except FileNotFoundError as missing:
        print(
            f"There is no {missing.filename}. Install Terraform: https://developer.hashicorp.com/terraform/install"
        )
        return CANNOT_RUN
    said = printed.stdout.splitlines()
    lines = [line for line in said if line.startswith("{")]
    problems = list(_problems(lines))
    if printed.returncode or problems:
        print(*[line for line in said if not line.startswith("{")], *problems, sep="\n")
        return 1
    stale = False
    for run, path in FILES.items():
        fresh = inventory.text(inventory.applied(lines, run))
        if write:
            path.write_text(fresh, "utf-8")
        elif fresh != (found := path.read_text("utf-8")):
            stale = True
            print(
                *difflib.unified_diff(found.splitlines(), fresh.splitlines(), path.name, "now", lineterm=""),
                sep="\n",
            )
    if stale:
        print(f"\nWhat Terraform creates has changed. If that is what you want: {FRESH}")
        return 1
    print(*[one["@message"] for one in map(json.loads, lines) if one["type"] == "test_summary"], sep="\n")
    return 0


def _terraform() -> subprocess.CompletedProcess[str]:
    given = os.environ.get("TERRAFORM_RUN")
    if given:
        command = [given, str(ROOT), "--", "sh", "-c", SCRIPT]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that the backend and the lock of a real deployment stay as they are.
        work = Path(folder) / "root"
        shutil.copytree(ROOT, work, ignore=shutil.ignore_patterns(".terraform*"))
        subprocess.run(
            ["terraform", "init", "-backend=false", "-input=false"], cwd=work, check=True, stdout=sys.stderr
        )
        return subprocess.run(["sh", "-c", SCRIPT], cwd=work, stdout=subprocess.PIPE, text=True, check=False)


def _problems(lines: list[str]) -> list[str]:
    events = [json.loads(line) for line in lines]
    errors = [one for one in events if one["type"] == "diagnostic" and one["@level"] == "error"]
    return [
        f"{one.get('@testfile', '')} {one.get('@testrun', '')}: {one['diagnostic']['summary']}: "
        f"{one['diagnostic'].get('detail', '')}"
        for one in errors
    ]


if __name__ == "__main__":
    sys.exit(main())
