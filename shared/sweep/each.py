"""How every part of a sweep goes through what it finds: a bounded number in one tick, in turn, each on its own.

A tick looks at no more than `LOOKS` of the things that wait, in order of their keys, and the next one goes on behind
the last of them, round and round. So of 10,000 that wait each is looked at every four ticks, whatever becomes of
the others. What takes longer than `SECONDS` is broken off, and the next tick goes on at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, TypeVar

from shared import concurrency
from shared.errors import Damaged, DropscribeError, Transient
from shared.state import sweep_notes
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

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
    """Handle the things that are next in turn, also after one that failed; returns how many were acted on.

    `parts` has the things by the name of the part of the sweep under which the place where it stops is kept; `handle`
    takes a key and a thing, and returns whether it acted on it; `doing` is a noun for messages, such as `the push of a
    recording`.

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
    """The next things behind the last one that this part of the sweep looked at, and from the beginning again.

    The place is noted when the generator is closed, unless all were seen: then the next round may begin as this one.
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
