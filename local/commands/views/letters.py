"""The newest dead letters for `dropscribe status`: their messages, and why they could not be handled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.in_words import printable
from shared.state import dead_letters

if TYPE_CHECKING:
    from shared.ports import Records

MOST = 5
"""Number of dead letters shown; the records have all of them."""
SHOWN = 300
"""Number of characters of a message shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message that could not be handled."""

    time: float
    """When, seconds since 1970."""
    where: str
    """The subscription it comes from; empty if that is not known."""
    reason: str
    """What was wrong; empty if no attempt recorded it."""
    message: str
    """The beginning of what was published, in one line."""


def newest(records: Records) -> list[Letter]:
    """The newest dead letters, with the reasons that they carry or that failed attempts recorded.

    Raises:
        Transient: the records did not answer.
    """
    return [
        Letter(
            time=one.time,
            where=one.source,
            reason=dead_letters.reason(one, records),
            message=beginning(one),
        )
        for one in dead_letters.newest(records, MOST)
    ]


def beginning(letter: dead_letters.Letter) -> str:
    """The beginning of what was published, in one line."""
    return printable(letter.text[:SHOWN])
