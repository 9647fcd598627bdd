"""The functions of the product that change something through a port, read from their source.

The tests compare them with the points that histories reach, so that a new one is simulated, or stands here with a
reason. A helper of `shared/state/` belongs to the port: whoever calls one that changes something is such a function.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.faults import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE = "shared/state"
PLACES = ("shared", "gpu_job", "local/runtime", "functions")
"""Where such functions are looked for, but for what stands in the place of a port itself."""
PORTS = ("shared/state/", "shared/adapters/")

EFFECTS = {
    "store": {"create", "create_all", "delete"},
    "records": {"create", "update", "delete"},
    "queue": {"publish", "publish_many", "ack", "nack", "postpone", "extend", "pull"},
    "jobs": {"start"},
    "hosted": {"transcribe"},
}
"""What changes something, by the last word of the name of its port."""


def functions() -> set[str]:
    """All of them, as points are named: file:function."""
    helpers = _helpers()
    found = set()
    for place in PLACES:
        for path in sorted(Path(ROOT, place).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            if not file.startswith(PORTS):
                found |= {f"{file}:{name}" for name, what in _used(path) if _changes(what, helpers)}
    return found


def _changes(what: str, helpers: set[str]) -> bool:
    *_, owner, method = ["", *what.split(".")]
    return what in helpers or method in EFFECTS.get(owner.rpartition("_")[2], ())


def _helpers() -> set[str]:
    """The functions of `shared/state/` that change something, as their callers name them: module.function."""
    uses = {}
    for path in Path(ROOT, STATE).glob("*.py"):
        for name, what in _used(path):
            uses.setdefault(f"{path.stem}.{name}", set()).add(what if "." in what else f"{path.stem}.{what}")
    found: set[str] = set()
    while more := {one for one, used in uses.items() if any(_changes(what, found) for what in used)} - found:
        found |= more
    return found


def _used(path: Path) -> Iterator[tuple[str, str]]:
    """Each function with the names that it uses: not only calls, because some are handed on."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        elif isinstance(node, ast.Lambda):
            function = "<lambda>"
        elif isinstance(node, ast.Attribute | ast.Name):
            yield function, ast.unparse(node)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    return visit(ast.parse(path.read_text("utf-8")), "<module>")


NOT_REACHED = {
    "functions/outcome.py:acknowledged": "the entrypoints of functions; `local/runtime/steps.py` is simulated",
    "gpu_job/pipeline/inflight.py:ack": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:nack": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/committer.py:_keep": "a message that nobody can read; every message here is one of ours",
    "gpu_job/pipeline/inflight.py:give_back": "hands its call to `_end`, which is a point",
    "gpu_job/process.py:_handed_on": "a worker without weights; its engine always loads here",
    "gpu_job/process.py:_check_image": "a worker with other weights than the deployment uses, which ends at once",
    "gpu_job/process.py:hand_on_all": "a worker without weights; its engine always loads here",
    "local/runtime/export.py:choose_folder": "a command of a person, before anything is uploaded",
    "local/runtime/one_shot.py:_announce": "the upload of a command; here the platform uploads",
    "local/runtime/push.py:_sent": "hands its call to `_deliver`, which is a point",
    "shared/client.py:submit": "other services; here the platform sends their requests",
    "shared/costs/budget.py:let_go": "two deliveries of an event that see different budgets",
    "shared/flow/backfill.py:ask": "a command of a person: a request like any other",
    "shared/flow/dispatch.py:forget_published": "a command that is run again on a machine that lost its queue",
    "shared/flow/record.py:_continue": "recordings that are longer than their header says",
    "shared/flow/redo.py:again": "results that are gone while a recording is merged",
    "shared/flow/request.py:refuse": "requests that cannot be read",
    "shared/hosted/hosted_chunk.py:_have_transcribed": "it only notes why Deepgram handed a chunk on",
    "shared/recovery/dead_letter.py:_act": "it answers requests that nobody could read",
    "shared/recovery/replay.py:replay": "a command of a person",
    "shared/routing/flags.py:change": "a command of a person",
    "shared/sweep/release_held.py:one": "a recording that is held for a month",
    "shared/sweep/sweep.py:_take_if_lost": "adopts the recordings of an older version",
    "shared/sweep/sweep.py:answer": "an answer that was stored and not sent; mostly its message comes again first",
}
"""Those that no history reaches, and why; each has tests beside its module."""
