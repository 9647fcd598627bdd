"""Measure the state of the deployment, for its dashboard and alerts.

Nothing is read unless a sink is registered. A part that cannot be read is left out: a metric never fails a sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import DropscribeError
from shared.model import Recording
from shared.planning import worker_pools
from shared.routing import conditions
from shared.state import documents, ledger
from shared.telemetry import log, measure, metrics

if TYPE_CHECKING:
    from shared.ports import Ports

LONGEST_AGE = 30 * 86_400.0
"""Seconds since the last transcript that are told at most, also if there never was one."""

LOOKS = 10
"""Recordings that ended last: among them the last transcript is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rollout:
    """What is measured of a rollout, by the names of `deployment/rollout/state.py`, which stands above this."""

    phase: str = ""
    since: float = 0.0
    guarded: float = 0.0


def measure_state(ports: Ports) -> None:
    """Measure what waits, how old the last transcript is, and what today costs. Never raises."""
    if not metrics.has_sinks():
        return
    for part in (_open, _waiting, _transcript_age, _rollout, _spend):
        try:
            part(ports)
        except DropscribeError as error:
            log.warning("the state cannot be measured now (%s): %s", part.__name__.strip("_"), error)


def _open(ports: Ports) -> None:
    # What is held for a budget is ACCEPTED, with a reason.
    going = ports.records.count(documents.RECORDINGS, {"state": "ACCEPTED", "held": ""})
    accepted = ports.records.count(documents.RECORDINGS, {"state": "ACCEPTED"})
    measure("open_recordings", going, state="accepted")
    measure(
        "open_recordings", ports.records.count(documents.RECORDINGS, {"state": "PLANNED"}), state="planned"
    )
    measure("open_recordings", max(0, accepted - going), state="held")


def _waiting(ports: Ports) -> None:
    waiting = conditions.read(ports).waiting
    known = {conditions.who_waits(worker_pools.pool_of(one, ports.settings), one) for one in ports.engines}
    for who in sorted(known | waiting.keys()):
        measure("waiting_audio_seconds", waiting.get(who, 0.0), who=who)


def _transcript_age(ports: Ports) -> None:
    now, age = ports.clock.now(), LONGEST_AGE
    newest = ports.records.newest(documents.RECORDINGS, "finished", LOOKS)
    for _, one in documents.readable(documents.RECORDINGS, newest, Recording):
        if one.state == "DONE" and one.finished is not None:
            age = min(LONGEST_AGE, max(0.0, now - one.finished))
            break
    measure("transcript_age_seconds", age)


def _rollout(ports: Ports) -> None:
    stored = documents.find("state", "release", _Rollout, ports.records) or _Rollout()
    watched = stored.phase in {"shifting", "returning"}
    unguarded = ports.clock.now() - max(stored.since, stored.guarded) if watched else 0.0
    measure("rollout_unguarded_seconds", max(0.0, unguarded))


def _spend(ports: Ports) -> None:
    today = {"day": ledger.day_of(ports.clock.now())}
    measure("spend_today_usd", round(ports.records.sum(documents.LEDGER, "usd", today), 6))
