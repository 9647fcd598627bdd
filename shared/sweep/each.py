"""One bad item does not stop the others: how every part of a sweep goes through what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.errors import DropscribeError, Transient
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")


def each(items: Iterable[Item], handle: Callable[[Item], bool], doing: str) -> int:
    """Handle every item, also after one that failed; returns how many were acted on.

    Args:
        items: read completely first, because handling them changes what a query gives.
        handle: returns whether it acted on the item.
        doing: for messages, as a noun: `the push of a recording`.

    Raises:
        Transient: some failed; all others were handled. The next tick tries again.
    """
    acted, failed = 0, 0
    for item in list(items):
        try:
            acted += handle(item)
        except DropscribeError as error:
            failed += 1
            log.warning("%s failed: %s", doing, error)
        except Exception:  # noqa: BLE001 - whatever it is, the others still get their turn
            failed += 1
            log.exception("%s failed unexpectedly", doing)
    if failed:
        raise Transient(f"{doing} failed {failed} times; the log says why")
    return acted
