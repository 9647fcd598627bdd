"""Every minute: deleted recordings get their final erasure, and every few hours old ones are deleted.

On one machine also requests that never had a recording, when Firestore would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from shared.clock import seconds_since
from shared.errors import Transient
from shared.flow import erase, forget
from shared.model import Recording
from shared.state import answers, audit, documents
from shared.state.answers import Asked
from shared.state.sweep_notes import SWEEPS
from shared.sweep import clock_steps
from shared.sweep.each import LOOKS, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import Ports

DAY = 86_400.0
"""Seconds."""

EVERY = 6 * 3600.0
"""Seconds between two rounds through all recordings that have ended: each of them is read, and paid for."""

SETTLED = 600.0
"""Seconds after its start by which a machine that is told the time by others has been told."""

MARK = "retention"
"""Key of the mark that says how far the present round is."""

KEPT = json.loads((Path(__file__).parents[1] / "adapters" / "firestore_indexes.json").read_text("utf-8"))[
    "ttlDays"
]["requests"]
"""Days for which a repeated request gets its old answer."""

WHO = "the retention"
"""Who is named in the audit log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """How far all recordings were looked at."""

    ended: float = 0.0
    """When the last round ended, seconds since 1970."""
    at: str = ""
    """Key of the last recording of the round in progress; empty between two rounds."""


def settle(ports: Ports) -> int:
    """Erase deleted recordings for the last time when no process can have a part of them in hand; returns how many.

    Raises:
        Transient: some could not be erased; all others were.
    """

    def waiting(after: str) -> Iterator[tuple[str, Recording]]:
        where = {"state": "DELETED", "announced": False}
        return documents.every(documents.RECORDINGS, Recording, ports.records, where, after=after)

    return each(
        {"erased": waiting}, lambda _, one: erase.settle(one, ports), "the erasure of a recording", ports
    )


def forget_old(ports: Ports) -> int:
    """Delete recordings that ended longer ago than they are kept; returns how many.

    On one machine nothing becomes old because the clock was set.

    Raises:
        Transient: some could not be deleted; all others were.
    """
    days, now = ports.settings.retention_days, ports.clock.now()
    if days is None or (steps := _steps(ports)) is None:
        return 0
    here = documents.mark(SWEEPS, MARK, Round, ports.records) or Round()
    if not here.at and seconds_since(here.ended, now) < min(EVERY, days * DAY / 4):
        return 0
    found = list(islice(documents.recordings(ports.records, after=here.at), LOOKS))
    old = {
        one.id: one
        for one in found
        if one.ended
        and one.state != "DELETED"
        and clock_steps.age(one.finished or 0.0, now, steps) > days * DAY
    }

    begun: set[str] = set()

    def delete(key: str, _: Recording) -> bool:
        begun.add(key)
        audit.note("forget", (key,), ports, who=WHO)
        forget.forget(key, ports, audio=ports.settings.retention_audio)
        return True

    def those(after: str) -> Iterator[tuple[str, Recording]]:
        return ((key, one) for key, one in sorted(old.items()) if key > after)

    failed, done = None, 0
    try:
        done = each({"too-old": those}, delete, "the deletion of an old recording", ports)
    except Transient as error:
        failed = error
    more = len(found) == LOOKS
    # One that was broken off goes on here in the next tick. Those that failed keep no others from their turn: they are
    # tried again in the next round, and in the next tick if a round is no longer than that.
    if len(begun) == len(old) and (failed is None or more or here.at):
        next_one = Round(ended=here.ended, at=found[-1].id) if more else Round(ended=now)
        documents.put(SWEEPS, MARK, next_one, ports)
    if failed is not None:
        raise failed
    return done


def age_out(ports: Ports) -> int:
    """Delete what names a request that never had a recording, where no TTL policy does; returns how many.

    As of recordings, nothing becomes old because the clock was set.

    Raises:
        Transient: some could not be deleted; all others were.
    """
    if ports.settings.platform != "local" or (steps := _steps(ports)) is None:
        return 0
    now, records = ports.clock.now(), ports.records

    def those(after: str) -> Iterator[tuple[str, Asked]]:
        for key, asked in documents.every(answers.REQUESTS, Asked, records, {"recording": ""}, after=after):
            if asked.answered and clock_steps.age(asked.created, now, steps) > KEPT * DAY:
                yield key, asked

    def delete(key: str, asked: Asked) -> bool:
        if name := asked.request.request_id:
            records.delete(documents.WEBHOOKS, documents.webhook_id(answers.fact(name)))
            erase.forget_failures(name, ports)
        return records.delete(answers.REQUESTS, key)

    return each({"aged-out": those}, delete, "the deletion of an old request", ports)


def _steps(ports: Ports) -> tuple[clock_steps.Step, ...] | None:
    """When the clock of one machine was set, see `clock_steps.age`; None while it may still be told the time."""
    if ports.settings.platform != "local":
        return ()
    steps = clock_steps.watch(ports).steps
    return None if ports.clock.since_boot() < SETTLED else steps
