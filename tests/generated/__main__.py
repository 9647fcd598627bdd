"""`make generated`: write every generated file anew, and Terraform's inventories where terraform can run."""

from __future__ import annotations

import os
import shutil
import sys

from tests.generated.files import FILES, stale
from tests.terraform import check
from tests.test_architecture import ROOT


def main() -> int:
    """Write what is stale; 0 if nothing is left undone."""
    _write(set(FILES) - OF_INVENTORY)
    if os.environ.get("TERRAFORM_RUN") or shutil.which("terraform"):
        failed = check.main(write=True)
        if failed:
            return failed
    else:
        print(
            "There is no terraform here: its inventories stay as they are. After a change of terraform/, of topics or of"
        )
        print("engines, install it (https://developer.hashicorp.com/terraform/install) and run this again.")
    _write(OF_INVENTORY)
    return 0


OF_INVENTORY = {"docs/google-cloud.md"}
"""These are made from Terraform's inventory."""


def _write(names: set[str]) -> None:
    for name in sorted(names):
        text = stale(name)
        if text is not None:
            (ROOT / name).write_text(text, "utf-8")
            print(f"{name} is written anew")


if __name__ == "__main__":
    sys.exit(main())
