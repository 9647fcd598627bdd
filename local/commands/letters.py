"""The newest dead letters for `dropscribe status`: what was said, and why nobody could do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.state import failure_log
from shared.state.dead_letters import DEAD_LETTERS, ERROR, SOURCE

if TYPE_CHECKING:
    from shared.ports import Records

MOST = 5
"""Dead letters that are shown; the records have them all."""
SHOWN = 300
"""Characters of a message that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message that was given up."""

    time: float
    """When, seconds since 1970."""
    where: str
    """The subscription that gave it up; empty where a function refused it at once."""
    reason: str
    """What was wrong; empty where no attempt could say so."""
    message: str
    """What was published, or its beginning, in one line."""


def newest(records: Records) -> list[Letter]:
    """The newest dead letters, with the reasons that they carry or that failed attempts have noted.

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
                # Strangers' text: what would steer the terminal is not printable.
                message="".join(one if one.isprintable() else " " for one in data[:SHOWN]),
            )
        )
    return found
