"""How a part of a sweep goes through what it finds: a bounded number in one tick; one that fails stops no other.

A tick processes up to `LOOKS` things, in order of their keys. The next tick continues after the last of them, and after
the end from the beginning, so that of 10,000 each is processed every four ticks. After `SECONDS` a part starts
nothing more, and the next tick continues there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, TypeVar

from shared import concurrency
from shared.errors import Damaged, DropscribeError, Transient
from shared.state import sweep_notes
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports

Item = TypeVar("Item")
Found = Callable[[str], Iterator[tuple[str, Item]]]
"""Gives things with their keys, in order of the keys, all those after a key."""

LOOKS = 2500
"""Most things that a part of a tick looks at."""

SECONDS = 30.0
"""Seconds after which a part of a tick begins with nothing more: to probe and plan an upload takes one."""


def each(
    parts: Mapping[str, Found[Item]], handle: Callable[[str, Item], bool], doing: str, ports: Ports
) -> int:
    """Handle what is next in turn, also after one that failed.

    Args:
        parts: finds the things, by the name of their part of the sweep, under which its place is kept.
        handle: takes a key and a thing; returns whether it acted on it.
        doing: a noun for messages, such as `the push of a recording`.
        ports: the adapters to use.

    Returns:
        How many were acted on.

    Raises:
        Transient: some failed, and not for a damaged document; all others were handled. The next tick tries again.
    """
    acted = failed = 0
    for part, found in parts.items():
        until = concurrency.monotonic() + SECONDS
        with closing(next_in_turn(part, found, LOOKS, ports)) as turn:
            for key, item in turn:
                try:
                    acted += handle(key, item)
                except DropscribeError as error:
                    # The next tick cannot do what only a person can: correct or delete a document.
                    failed += not isinstance(error, Damaged)
                    log.warning("%s failed: %s: %s", doing, key, error)
                except Exception:  # noqa: BLE001 - whatever it is, the others still get their turn
                    failed += 1
                    log.exception("%s failed unexpectedly: %s", doing, key)
                if concurrency.monotonic() >= until:
                    break
    if failed:
        raise Transient(f"{doing} failed {failed} times; the log says why")
    return acted


def next_in_turn(part: str, found: Found[Item], most: int, ports: Ports) -> Generator[tuple[str, Item]]:
    """Up to `most` things behind the last one that this part of the sweep looked at, then those from the beginning.

    The place is stored when the generator is closed, unless all were seen: then the next tick may begin as this one.
    """
    first = found("")
    few = list(islice(first, 2))
    # Mostly nothing waits, or one thing, and it does not matter where the last tick stopped.
    start = at = sweep_notes.stopped_at(part, ports) if len(few) > 1 else ""
    # Read first, because handling them changes what a query gives.
    if start:
        items = list(islice(found(start), most))
        if len(items) < most:
            items += takewhile(lambda one: one[0] <= start, islice(found(""), most - len(items)))
    else:
        items = list(islice(chain(few, first), most))
    left = len(items)
    try:
        for key, item in items:
            at = key
            left -= 1
            yield key, item
    finally:
        if at != start and (left or len(items) == most):
            sweep_notes.stop_at(part, at, ports)
