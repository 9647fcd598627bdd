"""`make generated`: write every generated file anew, and Terraform's inventories where terraform can run."""

from __future__ import annotations

import sys

from tests.generated.files import FILES, stale
from tests.terraform import check
from tests.test_architecture import ROOT


def main() -> int:
    """Write what is stale; 0 if nothing is wrong, even where terraform cannot run."""
    _write(set(FILES) - OF_INVENTORY)
    failed = check.main(write=True)
    _write(OF_INVENTORY)
    if failed == check.CANNOT_RUN:
        inventories = " and ".join(str(one.relative_to(check.ROOT.parent)) for one in check.FILES.values())
        print(
            f"Not written, because terraform cannot run here: {inventories}. Everything else is up to date."
        )
        print(
            "After a change of terraform/, of topics or of engines, run this again where terraform can run."
        )
        return 0
    return failed


OF_INVENTORY = {"docs/google-cloud.md"}
"""These are made from Terraform's inventories, so they are written last."""


def _write(names: set[str]) -> None:
    for name in sorted(names):
        text = stale(name)
        if text is not None:
            (ROOT / name).write_text(text, "utf-8")
            print(f"{name} is written anew")


if __name__ == "__main__":
    sys.exit(main())
