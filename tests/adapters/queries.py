"""Every query that the code asks of its records, read from its source."""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from itertools import combinations

from tests.index_rules import Shape
from tests.test_architecture import ROOT, modules

PARAMETERS = {
    "query": ("collection", "where"),
    "count": ("collection", "where"),
    "newest": ("collection", "by", "limit", "where"),
    "sum": ("collection", "field", "where"),
}
"""Of each method of the port that asks for more than one document."""


WITHIN = {
    ast.IfExp: ("body", "orelse"),
    ast.Tuple: ("elts",),
    ast.List: ("elts",),
    ast.ListComp: ("elt",),
    ast.Starred: ("value",),
}
"""Expressions that stand for others, and where these are."""


@dataclass(frozen=True)
class Source:
    """A module."""

    place: str
    """Its file, below the root."""
    tree: ast.Module
    """What is written in it."""
    namespace: dict
    """What its names mean."""


def sources():
    """All modules of the product that speak of records."""
    found = []
    for name, path in modules().items():
        text = path.read_text("utf-8")
        if "records" in text and name not in {"shared.adapters.firestore", "local.backend.sqlite.records"}:
            namespace = {} if path.name == "main.py" else vars(importlib.import_module(name))
            place = path.relative_to(ROOT).as_posix()
            found.append(Source(place=place, tree=ast.parse(text), namespace=namespace))
    return found


def shapes(within):
    """Of every query in some sources its place and shape.

    Raises:
        AssertionError: a query is written in a way that cannot be read here.
    """
    for source in within:
        for call, function in calls(source.tree):
            method = getattr(call.func, "attr", None)
            if method not in PARAMETERS or not is_records(call.func.value):
                continue
            given = bound(call, PARAMETERS[method])
            place = f"{source.place}:{call.lineno}"
            collection, by, field = (
                value_of(given[name], source) if name in given else None
                for name in ("collection", "by", "field")
            )
            assert isinstance(collection, str), f"{place}: which collection this asks cannot be read"
            wheres = list(conditions(given.get("where"), function, within))
            assert wheres, f"{place}: what this compares cannot be read: write its fields as a literal"
            for equal in wheres:
                yield place, Shape(collection=collection, equal=equal, descending=by, summed=field)


def calls(tree, function=None):
    """All calls, each with the function around it."""
    for node in ast.iter_child_nodes(tree):
        inside = node if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.Call):
            yield node, inside
        yield from calls(node, inside)


def is_records(node):
    """Whether an expression is the port: `records`, or `….records`."""
    return getattr(node, "attr", getattr(node, "id", None)) == "records"


def bound(call, names):
    """The arguments of a call by their names."""
    return dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords}


def value_of(node, source):
    """What a constant expression means in a module."""
    try:
        return eval(ast.unparse(node), dict(source.namespace))
    except NameError:
        return None


def conditions(node, function, within):
    """The fields that a `where` may have, one set for each way to get there."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        yield frozenset()
    elif isinstance(node, ast.DictComp) and node.generators[0].ifs:
        # Some of the fields of another one: as `{name: one for name, one in all.items() if …}`.
        of = node.generators[0].iter.func.value
        for every in conditions(of, function, within):
            yield from (frozenset(some) for n in range(len(every) + 1) for some in combinations(every, n))
    elif isinstance(node, ast.Dict):
        yield frozenset(ast.literal_eval(key) for key in node.keys)
    elif type(node) in WITHIN:
        for name in WITHIN[type(node)]:
            inner = getattr(node, name)
            for one in inner if isinstance(inner, list) else [inner]:
                yield from conditions(one, function, within)
    elif isinstance(node, ast.Name) and function is not None:
        for value, inside in meanings(node.id, function, within):
            yield from conditions(value, inside, within)


def meanings(name, function, within):
    """The expressions that a name in a function may stand for, each with the function around it."""
    parameters = [one.arg for one in function.args.args + function.args.kwonlyargs]
    if name not in parameters:
        yield from ((value, function) for value in bindings(name, function))
        return
    for source in within:
        for call, caller in calls(source.tree):
            if getattr(call.func, "attr", getattr(call.func, "id", None)) == function.name:
                yield bound(call, parameters).get(name), caller


def bindings(name, function):
    """The expressions that a local name is set from or loops over."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, (ast.For, ast.comprehension)):
            targets, value = [node.target], node.iter
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            yield value
