"""What needs attention: failures, dead letters and unavailable workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.api.answers import ApiError
from console.api.changes import who
from console.api.rows import row
from console.api.types import DeadLetter, DeadLetterOutcome, Trouble, Workers
from shared.in_words import encodable
from shared.recovery import replay
from shared.routing import conditions
from shared.state import audit, dead_letters, pagination

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.ports import Ports
    from shared.state.dead_letters import Letter

FAILED, LETTERS, SHOWN = 100, 100, 300
"""Recordings, dead letters, and characters of one."""


def trouble(_: Request, ports: Ports) -> Trouble:
    """`GET /trouble`."""
    failed = pagination.page(ports.records, pagination.Filter(state="FAILED"), FAILED).recordings
    return Trouble(
        failed=[row(one, ports) for one in failed],
        dead_letters=[_letter(one, ports) for one in dead_letters.newest(ports.records, LETTERS)],
        workers=[
            Workers(pool=pool, status=one.status, reason=one.said or one.status)
            for pool, one in conditions.out_of_workers(ports).items()
        ],
    )


def replay_one(request: Request, ports: Ports) -> DeadLetterOutcome:
    """`POST /dead-letters/ID/replay`."""
    one = _find(request, ports)
    if why_not := replay.obstacle(one, ports):
        raise ApiError(409, "cannot_replay", f"It cannot be replayed: {why_not}.")
    audit.note("dead-letters replay", (one.key,), ports, who=who(request))
    return DeadLetterOutcome(id=one.key, outcome=replay.replay(one, ports))


def discard(request: Request, ports: Ports) -> DeadLetterOutcome:
    """`POST /dead-letters/ID/discard`."""
    one = _find(request, ports)
    audit.note("dead-letters discard", (one.key,), ports, who=who(request))
    dead_letters.discard(one.key, ports.records)
    return DeadLetterOutcome(id=one.key, outcome="discarded")


def _find(request: Request, ports: Ports) -> Letter:
    key = request.path_params["id"]
    one = dead_letters.find(key, ports.records) if len(key) <= 256 else None
    if one is None:
        raise ApiError(
            404, "not_found", "There is no such dead letter. It may have been discarded; load the list again."
        )
    return one


def _letter(one: Letter, ports: Ports) -> DeadLetter:
    return DeadLetter(
        id=one.key,
        topic=replay.topic_of(one) or one.source or "",
        reason=encodable(dead_letters.reason(one, ports.records)) or "No reason was recorded; see the logs.",
        published=one.time,
        data_preview=encodable(one.text[:SHOWN]),
        replayed=one.replayed or None,
        why_not=replay.obstacle(one, ports),
    )
