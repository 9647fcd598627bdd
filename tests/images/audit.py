"""`make audit`: are vulnerabilities known in the locked packages of the images?

pip-audit asks pypi.org for each package in its version. What that does not know, pip-audit skips, and ends well all the
same: behind a mirror of pypi.org without this part of it, it would find nothing in any package. Here that is an error.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
EXCEPTIONS = ROOT / "requirements" / "audit-exceptions.txt"
LOCKS = ("functions", "cpu-worker", "gpu", "build")
ASKED = "https://pypi.org/pypi/PACKAGE/VERSION/json"
CURE = f"Run `make audit` where {ASKED} answers: a mirror of pypi.org often does not."


def main() -> int:
    """Ask about every lock file; 0 if all packages were looked up, and nothing is known of any."""
    [program] = sys.argv[1:]
    problems = [line for lock in LOCKS for line in _problems(lock, program)]
    sys.stderr.writelines(f"{line}\n" for line in problems)
    if not problems:
        sys.stdout.write("No vulnerability is known in any locked package.\n")
    return 1 if problems else 0


def _problems(lock: str, program: str) -> Iterator[str]:
    file = f"requirements/{lock}.txt"
    ignored = re.findall(r"^([A-Z][A-Za-z0-9-]*) ", EXCEPTIONS.read_text("utf-8"), re.MULTILINE)
    options = [part for one in ignored for part in ("--ignore-vuln", one)]
    command = [program, "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    ran = subprocess.run(
        [*command, *options, "-r", file], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = (ran.stderr.strip() or ran.stdout.strip() or "nothing").splitlines()[-1]
        yield f"{file}: pip-audit could not ask about its packages. {CURE} It said: {said[:500]}"
        return
    yield from told(file, packages)


def told(file: str, packages: list[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with the packages of a lock file, a line each. Pure."""
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if not packages:
        yield f"{file}: pip-audit found no package in it."
    if unknown:
        some = ", ".join(unknown[:3]) + (" and others" if len(unknown) > 3 else "")
        yield f"{file}: {len(unknown)} of {len(packages)} packages could not be looked up ({some}). {CURE}"
    for one in packages:
        for found in one.get("vulns", ()):
            fixed = " or ".join(found["fix_versions"])
            cure = f"`make lock`, if it takes {fixed}" if fixed else "no version without it is known"
            yield f"{file}: {one['name']} {one['version']} has {found['id']}: {cure}."


if __name__ == "__main__":
    sys.exit(main())
