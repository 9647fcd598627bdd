"""Processes of two versions at work at the same time: what the older one makes of what the newer one wrote. Pure.

    a field that it does not know    is ignored in a message, and kept in a document (`over`)
    a value that it does not know    is given back: a `NewerVersion` (`refusal`)
    an option that it does not know  is given back as well, unless it is off (`check_options`)
    anything else that does not fit  is malformed: a `BadRequest`

So a newer version may add fields with defaults, values of fields, and options that are off by default. It must not
change the type or the meaning of a field, or leave one out.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from shared.errors import BadRequest, NewerVersion
from shared.model import Options

UNKNOWN_VALUE = "Invalid enum value"
"""How msgspec begins to say that a value has the right type, but is none of those that this version knows."""

OPTIONS = frozenset(one.name for one in fields(Options))
"""The options that this version knows."""


def refusal(kind: type, error: Exception) -> BadRequest | NewerVersion:
    """The error for data that msgspec refused to convert to a kind of record."""
    what = f"not a {kind.__name__}: {error}"
    return NewerVersion(what) if str(error).startswith(UNKNOWN_VALUE) else BadRequest(what)


def has_options(kind: type) -> bool:
    """Whether there are options in a kind of record."""
    return bool(_options_in(kind))


@cache
def _options_in(kind: Any) -> tuple[tuple[str, ...], ...]:
    """The paths of fields that lead to options in a kind of record."""
    if kind is Options:
        return ((),)
    hints = get_type_hints(kind) if is_dataclass(kind) else {}
    return tuple(
        (name, *path)
        for name, hint in hints.items()
        for one in (hint, *get_args(hint))
        for path in _options_in(one)
    )


def check_options(found: Any, kind: type) -> None:
    """Check that this version knows every option in the fields of a record.

    Raises:
        NewerVersion: one that is on is unknown. An option asks for something, so it must not be ignored; with
            `false`, `null`, 0 or nothing in it, it asks for nothing.
    """
    for path in _options_in(kind):
        _check(found, path)


def _check(found: Any, path: tuple[str, ...]) -> None:
    if isinstance(found, list | tuple):
        for one in found:
            _check(one, path)
    elif isinstance(found, dict) and path:
        _check(found.get(path[0]), path[1:])
    elif isinstance(found, dict):
        unknown = [name for name, value in found.items() if value and name not in OPTIONS]
        if unknown:
            raise NewerVersion(f"there is no option {', '.join(unknown)}")


def over(stored: Any, before: Any, after: Any) -> Any:
    """A changed document: `after`, with all that is stored but that this version did not read.

    `before` is the part of `stored` that this version knows, as its record has it; `after` the same after the change.
    """
    if isinstance(stored, dict) and isinstance(before, dict) and isinstance(after, dict):
        unknown = {name: value for name, value in stored.items() if name not in before}
        known = {
            name: _over(name, stored, before, value) if isinstance(value, dict | tuple) else value
            for name, value in after.items()
        }
        return known | unknown
    if isinstance(stored, list) and isinstance(before, tuple) and isinstance(after, tuple):
        places = [_place(number, item, before) for number, item in enumerate(after)]
        return [
            item if at is None else over(stored[at], before[at], item)
            for at, item in zip(places, after, strict=True)
        ]
    return after


def _over(name: str, stored: dict[str, Any], before: dict[str, Any], value: Any) -> Any:
    """What becomes of one field: what was not changed stays as it is stored."""
    if name in stored and before.get(name) == value:
        return stored[name]
    return over(stored.get(name), before.get(name), value)


def _place(number: int, item: Any, before: tuple[Any, ...]) -> int | None:
    """Where an item of a list was before; None if it is new. An item that changed keeps its place and first field."""
    if item in before[number : number + 1]:
        return number
    if item in before:
        return before.index(item)
    old = before[number] if number < len(before) else None
    if not (isinstance(item, dict) and isinstance(old, dict)):
        return None
    return number if next(iter(item.items()), None) == next(iter(old.items()), ()) else None
