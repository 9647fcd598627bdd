"""The newest dead letters for `dropscribe status`: their messages, and why they could not be handled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.state import failure_log
from shared.state.dead_letters import DEAD_LETTERS, ERROR, SOURCE

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
    """The subscription it comes from; empty if a function refused it at once."""
    reason: str
    """What was wrong; empty if no attempt recorded it."""
    message: str
    """The beginning of what was published, in one line."""


def newest(records: Records) -> list[Letter]:
    """The newest dead letters, with the reasons that they carry or that failed attempts recorded.

    Raises:
        Transient: the records did not answer.
    """
    found = []
    for _, letter in records.newest(DEAD_LETTERS, "time", MOST):
        attributes, data = letter.get("attributes", {}), letter.get("data", "")
        noted = failure_log.about(attributes, data.encode())
        found.append(
            Letter(
                time=letter["time"],
                where=attributes.get(SOURCE, ""),
                reason=attributes.get(ERROR) or failure_log.last_reasons(noted, records),
                # Untrusted text: control characters would reach the terminal.
                message="".join(one if one.isprintable() else " " for one in data[:SHOWN]),
            )
        )
    return found
