"""What `terraform test -json -verbose` printed, without what it made up: one entry for each resource.

A mocked answer holds a random word wherever the provider would know better. A word that is used by another resource is
a reference, and is written as one (`${google_pubsub_topic.this["chunks-gpu"].id}`); all others are left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Resources = dict[str, dict[str, Any]]
"""Attributes of each resource, by its address."""

NAMES = ("id", "uri", "email", "member", "name")
"""Attributes by which one resource names another."""
MADE_UP = re.compile(r"[a-z0-9]{8}")
"""What a mocked answer holds."""
WIDTH = 110
"""Characters of a value that stands on one line of the files."""


def applied(lines: Iterable[str], run: str) -> Resources:
    """The resources that a run has applied, which a run `planned` of the same file has planned before.

    Args:
        lines: what was printed, one JSON document a line.
        run: name of the run.

    Raises:
        LookupError: there is no such run.
    """
    plans, states = {}, {}
    for line in lines:
        event = json.loads(line)
        if event["type"] == "test_plan" and event["@testrun"] == "planned":
            plans[event["@testfile"]] = event["test_plan"]["resource_changes"]
        elif event["type"] == "test_state" and event["@testrun"] == run:
            states[event["@testfile"]] = event["test_state"]["root_module"]["resources"]
    if len(states) != 1 or not states.keys() <= plans.keys():
        raise LookupError(f"terraform test has not printed the plan and the state of run {run!r}")
    [(file, state)] = states.items()
    planned = {one["address"]: one["change"] for one in plans[file] if one["mode"] == "managed"}
    values = {one["address"]: one["values"] for one in state if one["mode"] == "managed"}
    words = dict(_words(planned, values))
    made = {
        address: _known(change["after"], change["after_unknown"], values[address], words, address)
        for address, change in planned.items()
    }
    return dict(sorted(made.items()))


def _words(planned: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each made-up word of a resource, and the reference to it."""
    for address, change in planned.items():
        # A grant has no name of its own: what it holds, it has from others.
        for name in NAMES if "_iam_" not in address else ():
            if change["after_unknown"].get(name) is True:
                yield values[address][name], f"{address}.{name}"


def _known(after: Any, unknown: Any, value: Any, words: Mapping[str, str], own: str) -> Any:
    if unknown is True:
        if not isinstance(value, str) or words.get(value, "").startswith(f"{own}."):
            return None
        if value in words:
            return f"${{{words[value]}}}"
        return None if MADE_UP.fullmatch(value) else value
    if isinstance(after, dict):
        missing = unknown if isinstance(unknown, dict) else {}
        found = {
            name: _known(after.get(name), missing.get(name), value.get(name), words, own)
            for name in sorted(after.keys() | missing.keys())
        }
        return {name: one for name, one in found.items() if one not in (None, [], {}, "")}
    if isinstance(after, list):
        missing = unknown if isinstance(unknown, list) and len(unknown) == len(after) else [None] * len(after)
        # An empty block says something, too: `daily_recurrence {}`.
        return [
            _known(one, also, there, words, own) or {}
            if isinstance(one, dict)
            else _known(one, also, there, words, own)
            for one, also, there in zip(after, missing, value, strict=True)
        ]
    return after


def text(resources: Resources) -> str:
    """The file of an inventory: one line for what fits into one."""
    parts = [f"{json.dumps(address)}: {_lines(values, 1)}" for address, values in resources.items()]
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _lines(value: Any, depth: int) -> str:
    line = json.dumps(value, sort_keys=True)
    if len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (depth + 1)
    if isinstance(value, list):
        return "[\n" + ",\n".join(pad + _lines(one, depth + 1) for one in value) + "\n" + pad[1:] + "]"
    inner = [f"{pad}{json.dumps(name)}: {_lines(one, depth + 1)}" for name, one in sorted(value.items())]
    return "{\n" + ",\n".join(inner) + "\n" + pad[1:] + "}"
