"""How a deployment stands: recordings by state, those that an operator wants to see, and what waits or failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from local.backend.embedded_ports import LocalPorts
from local.commands import lookup
from local.commands.views import details
from shared.errors import Damaged, NewerVersion
from shared.in_words import printable
from shared.model import Recording, State
from shared.routing import conditions
from shared.state import dead_letters, documents, failure_log, pagination

if TYPE_CHECKING:
    from shared.ports import Ports, Records
    from shared.state.dead_letters import Letter

MOST_LETTERS = 5
"""Number of dead letters shown; the records have all of them."""
SHOWN = 300
"""Number of characters of a message shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the command line asks for."""

    limit: int = 20
    """Most recordings to show."""
    places: tuple[str, ...] = ()
    """What names the recordings to show, see `lookup.HELP`; none: all."""
    states: tuple[State, ...] = ()
    """Only recordings in these states; none: in any."""
    ids: bool = False
    """Show IDs, files and states only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How a deployment stands."""

    states: dict[State, int]
    """Number of recordings by state; states without any are left out."""
    recordings: list[Recording]
    """Those to show."""
    unreadable: dict[str, str]
    """Why recordings among those to show cannot be read, by their keys."""
    more: int
    """Number of recordings that are wanted and not shown."""
    waiting: dict[str, int] | None
    """Messages waiting by subscription; None where they cannot be counted."""
    dead_letters: int
    """Number of messages that could not be handled."""
    newest_letters: list[dict[str, Any]] = field(default_factory=list)
    """The newest of them, see `newest_letters`."""
    failed_attempts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Number of failed attempts by place and class of error."""
    no_workers: dict[str, str] = field(default_factory=dict)
    """Why no workers could be started, by pool; nothing for pools that are available or were not asked for."""


def look(wanted: Wanted, ports: Ports) -> Report:
    """How the deployment stands now.

    Raises:
        NotFound: there is no recording of a name.
        BadRequest: a name fits several recordings.
    """
    states = pagination.states(ports.records)
    unreadable: dict[str, str] = {}
    if wanted.places:
        recordings, more = lookup.each_of(wanted.places, ports), 0
    else:
        recordings, unreadable = newest(ports, wanted.limit, wanted.states)
        more = sum(count for state, count in states.items() if state in (wanted.states or states))
        more -= len(recordings) + len(unreadable)
    given_up = ports.records.count(dead_letters.DEAD_LETTERS)
    return Report(
        states=states,
        recordings=recordings,
        unreadable=unreadable,
        more=max(0, more),
        waiting=_pending(ports),
        dead_letters=given_up,
        newest_letters=newest_letters(ports.records) if given_up else [],
        failed_attempts=failure_log.by_class(ports.records),
        no_workers={pool: one.said or one.status for pool, one in conditions.out_of_workers(ports).items()},
    )


def as_values(report: Report, ports: Ports) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "states": report.states,
        "recordings": [details.row_values(one, ports) for one in report.recordings],
        "unreadable": report.unreadable,
        "messages_waiting": report.waiting,
        "dead_letters": report.dead_letters,
        "newest_dead_letters": report.newest_letters,
        "failed_attempts": report.failed_attempts,
        "no_workers": report.no_workers,
    } | location(ports)


def newest(
    ports: Ports, limit: int, states: tuple[State, ...] = ()
) -> tuple[list[Recording], dict[str, str]]:
    """Up to `limit` recordings in some states, or in all: those in progress, then the others, each newest first.

    With them: why others cannot be read, by their keys.
    """
    wanted: list[dict[str, str] | None] = [{"state": state} for state in states or pagination.IN_PROGRESS]
    if not states:
        wanted.append(None)
    found = [
        # Beside each recording that was deleted there may be a mark, which is no recording.
        ports.records.newest(documents.RECORDINGS, "created", limit, where)
        for where in wanted
    ]
    known = sum(ports.records.count(documents.RECORDINGS, {"state": state}) for state in get_args(State))
    if not states and ports.records.count(documents.RECORDINGS) > known:
        # One without a state is damaged, and may have no time either by which the newest are found.
        found.append(list(ports.records.query(documents.RECORDINGS)))
    shown, unreadable = [], {}
    for key, fields in {key: fields for page in found for key, fields in page}.items():
        try:
            one = documents.read(documents.RECORDINGS, key, fields, Recording)
        except (Damaged, NewerVersion) as error:
            unreadable[key] = str(error)
        else:
            if not pagination.is_mark(one):
                shown.append(one)
    return sorted(shown, key=lambda one: (one.ended, -one.created))[:limit], unreadable


def newest_letters(records: Records) -> list[dict[str, Any]]:
    """The newest dead letters: when, where they come from, why (what failed attempts recorded), and their beginnings."""
    return [
        {
            "time": one.time,
            "where": one.source,
            "reason": dead_letters.reason(one, records),
            "message": beginning(one),
        }
        for one in dead_letters.newest(records, MOST_LETTERS)
    ]


def beginning(letter: Letter) -> str:
    """The beginning of what was published, in one line."""
    return printable(letter.text[:SHOWN])


def location(ports: Ports) -> dict[str, str]:
    """Where the records are."""
    if isinstance(ports, LocalPorts):
        return {"state_dir": str(ports.settings.state_dir)}
    return {"project": ports.settings.project}


def _pending(ports: Ports) -> dict[str, int] | None:
    """Number of messages waiting in each subscription; None on Google Cloud, where Pub/Sub cannot be asked."""
    if not isinstance(ports, LocalPorts):
        return None
    return {one.name: ports.queue.pending(one.name) for one in ports.queue.topology.subscriptions}
