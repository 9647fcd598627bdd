"""The calls of the product that change something through a port, read from its source.

The tests compare them with the points that histories reach, so that a new one is simulated, or stands here with a
reason. A helper of `shared/state/` belongs to the port: to call one that changes something is such a call.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

ROOT = f"{Path(__file__).resolve().parent.parent.parent}/"

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


Place = tuple[str, int, int]
"""File, line and column of a call, as the interpreter knows them."""


@cache
def places() -> dict[Place, str]:
    """All calls that change something, by their places, with their names: file:function#number of the call in it."""
    helpers, found = _helpers(), {}
    for place in PLACES:
        for path in sorted(Path(ROOT, place).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            if file.startswith(PORTS):
                continue
            count: Counter[str] = Counter()
            uses = sorted((node.lineno, node.col_offset, name, what) for name, what, node in _used(path))
            for line, column, name, what in uses:
                if _changes(what, helpers):
                    count[name] += 1
                    found[file, line, column] = f"{file}:{name}#{count[name]}"
    return found


def _changes(what: str, helpers: set[str]) -> bool:
    *_, owner, method = ["", *what.split(".")]
    return what in helpers or method in EFFECTS.get(owner.rpartition("_")[2], ())


def _helpers() -> set[str]:
    """The functions of `shared/state/` that change something, as their callers name them: module.function."""
    uses: dict[str, set[str]] = {}
    for path in Path(ROOT, STATE).glob("*.py"):
        for name, what, _ in _used(path):
            uses.setdefault(f"{path.stem}.{name}", set()).add(what if "." in what else f"{path.stem}.{what}")
    found: set[str] = set()
    while more := {one for one, used in uses.items() if any(_changes(what, found) for what in used)} - found:
        found |= more
    return found


def _used(path: Path) -> Iterator[tuple[str, str, ast.expr]]:
    """Each function with the names that it uses, and where: not only calls, because some are handed over."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, str, ast.expr]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        elif isinstance(node, ast.Lambda):
            function = "<lambda>"
        elif isinstance(node, ast.Attribute | ast.Name):
            yield function, _name(node), node
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    return visit(ast.parse(path.read_text("utf-8")), "<module>")


def _name(node: ast.expr) -> str:
    """A name with dots, as the source has it; what is called or looked up on its way is left out."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "()"


_names: dict[tuple[int, int], tuple[CodeType, str]] = {}
"""By the id of a function's code, which is here so that it stays, and the instruction. A code's hash takes long."""


def name_of(frame: FrameType, file: str) -> str:
    """The call that a function of the product makes now; one that was handed to it has no number."""
    code, at = frame.f_code, frame.f_lasti
    found = _names.get((id(code), at))
    if found is None:
        line, _, column, _ = next(islice(code.co_positions(), at // 2, None))
        place = file, line or 0, column or 0
        found = _names[id(code), at] = code, places().get(place) or f"{file}:{code.co_name}"
    return found[1]


NOT_REACHED = {
    "gpu_job/process.py:_check_image#1": "a worker with other weights than the deployment uses, which ends at once",
    "shared/recovery/no_weights.py:_handed_over#1": "a worker without weights where no other engine may take over: nothing ends",
    "gpu_job/pipeline/inflight.py:ack#1": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:add#1": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:give_back#1": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:give_back#2": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:nack#1": "hands its call to `_end`, which is a point",
    "gpu_job/pipeline/inflight.py:postpone#1": "hands its call to `_end`, which is a point",
    "local/runtime/beside.py:_note#1": "a command of a person, or the exporter with an option of `up`",
    "local/runtime/contents.py:remember#1": "a command of a person, after its recordings are done",
    "local/runtime/submission.py:announce#1": "the upload of a command; here the platform uploads",
    "local/runtime/push.py:_sent#1": "hands its call to `_deliver`, which is a point",
    "local/runtime/push.py:_sent#2": "hands its call to `_deliver`, which is a point",
    "local/runtime/push.py:_sent#3": "hands its call to `_deliver`, which is a point",
    "shared/client.py:submit#1": "other services; here the platform sends their requests",
    "shared/flow/request.py:remember#2": "a retry or backfill that was refused, and that a person asks for again",
    "shared/flow/same_content.py:reuse#1": "a renamed file of the inbox of one machine, which has its own tests of kills",
    "shared/costs/budget.py:_change#2": "a commitment that cannot be read",
    "shared/flow/chunk.py:recording_of#1": "the document of a chunk that does not say whose it is",
    "shared/flow/dispatch.py:forget_published#1": "a command that is run again on a machine that lost its queue",
    "shared/flow/forget.py:_ended#1": "a recording whose document cannot be read, which a person deletes",
    "shared/recovery/dead_letter.py:_act#2": "a request whose 15 deliveries all fail: more than a history has faults",
    "shared/flow/reading/revision.py:_discard#1": "a person corrects a transcript",
    "shared/flow/reading/revision.py:_first#1": "a person corrects a transcript",
    "shared/flow/reading/revision.py:_written#1": "a person corrects a transcript",
    "shared/flow/reading/revision.py:create#1": "a person corrects a transcript",
    "shared/routing/flags.py:change#1": "a command of a person",
    "shared/routing/flags.py:change#2": "a command of a person",
    "shared/sweep/release_held.py:one#1": "a recording that is held for a month",
    "shared/sweep/sweep.py:_take_if_lost#1": "adopts the recordings of an older version",
    "shared/sweep/sweep.py:take_lost#1": "the first sweep of a deployment, which is before anything is uploaded here",
    "shared/recovery/dead_letter.py:on_dead_letter#2": "a dead letter about what is deleted",
    "shared/webhooks/outbox.py:first#2": "an event that was given up after a day, and is replayed by a person",
    "shared/flow/erase.py:_erase_records#1": "webhooks of requests that were refused before their file was there",
    "shared/flow/erase.py:_erase_records#2": "dead letters about what is deleted",
    "shared/flow/erase.py:_refused#1": "requests that were refused before their file was there",
    "shared/sweep/retention.py:delete#1": "a retention of days; a person has recordings deleted here",
    "shared/sweep/retention.py:delete#2": "a request without a recording that is older than it is kept",
    "shared/sweep/retention.py:delete#3": "a request without a recording that is older than it is kept",
    "shared/sweep/retention.py:forget_old#1": "a retention of days; a person has recordings deleted here",
}
"""Those that no history reaches, and why; each has tests beside its module."""
