"""Runs a module like `python -m`, and writes each call of a port of Google's to a file: what, and on what.

usage: python -m tests.google.recorded FILE MODULE [ARGUMENT…]
"""

from __future__ import annotations

import functools
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.cloud_run import CloudRunJobs
from shared.adapters.firestore import FirestoreRecords
from shared.adapters.gcs import GcsStore
from shared.adapters.pubsub import PubSubQueue
from tests.terraform import needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.deployed import Deployed

CALLS = {
    GcsStore: (
        "store",
        ("stat", "read", "load", "list", "create", "create_from", "delete", "signed_url", "upload_url"),
    ),
    PubSubQueue: ("queue", ("publish", "publish_many", "pull")),
    CloudRunJobs: ("jobs", ("state", "start", "ended")),
    FirestoreRecords: ("records", ("create", "get", "update", "delete", "query", "newest", "count", "sum")),
}


def main() -> None:
    """Record, then be the module."""
    _, path, module, *arguments = sys.argv
    for kind, (port, methods) in CALLS.items():
        for method in methods:
            setattr(kind, method, _noting(getattr(kind, method), f"{port}.{method}", Path(path)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def calls(folder: Path, process: str) -> set[str]:
    """What was recorded of a process in a folder."""
    path = folder / process
    return set(path.read_text("utf-8").splitlines()) if path.exists() else set()


def unstated(calls: set[str], process: str, laid: Deployed) -> set[str]:
    """Those calls of a process that tests/terraform/needs.py does not state, and that its account may therefore not make."""
    uses = {name: use for use, name in laid.buckets.items()} | {"elsewhere": "audio"}
    stated = needs.stated(process)
    found = set()
    for call in calls:
        method, _, on = call.replace("publish_many", "publish").partition(" ")
        method, on = ("records", "") if method.startswith("records.") else (method, uses.get(on, on))
        if not {method, f"{method} {on}"} & stated.keys():
            found.add(call)
    return found


def _noting(call: Callable[..., Any], what: str, path: Path) -> Callable[..., Any]:
    @functools.wraps(call)
    def noted(self: Any, *arguments: Any, **options: Any) -> Any:
        # The bucket, topic, subscription or collection; an object says its bucket.
        on = getattr(arguments[0], "bucket", arguments[0]) if arguments else ""
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{what} {on}\n")
        return call(self, *arguments, **options)

    return noted


if __name__ == "__main__":
    main()
