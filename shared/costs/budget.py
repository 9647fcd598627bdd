"""Budgets: what a day and a month may cost, and whether one more recording fits.

    spent       ledger rows, summed up by the sweeper every minute into one document
    committed   estimates of admitted recordings whose rows are not in that sum yet

A recording is committed first and compared afterwards, so each of many that arrive together counts those before
it: the budget is overshot only by the error of the estimates, never by how many arrive at once. Two that compete
for the last of it may both be held; the sweeper releases them (`shared/sweep/release_held.py`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared import concurrency
from shared.clock import is_ahead, seconds_since
from shared.costs.limits import AVERAGED, GO, Admission, Limit, Spending, admit, limits_by, limits_of
from shared.errors import Damaged
from shared.state import documents, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Recording
    from shared.ports import Ports
    from shared.settings import Settings

COMMITMENTS = "commitments"
"""Collection with a document for each recording that was admitted or is held."""

STATE, KEY = "state", "budget"
"""Collection and key of the document with the sums."""

SETTLED = 600.0
"""Seconds after midnight in which rows of the day before may still appear."""

STALE = 300.0
"""Seconds after which a process that needs the sums makes them anew: a single command runs without a sweeper."""

PAUSES = (0.1, 0.4)
"""Longest pauses before a call that competed with others for the budget tries again, seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """What a recording is expected to cost, and whether that counts."""

    usd: float
    """Estimate, US dollars."""
    state: Literal["open", "ended", "held", "closed"]
    """`ended`: its rows are written but may not be in the sum yet; `closed`: they are in the sum."""
    counts: bool
    """True while open or ended: only these are in the sum of commitments."""
    changed: float
    """When the state last changed, seconds since 1970."""
    recording: str = ""
    """Key of the recording, in a commitment beyond its estimate; the estimate itself has that key."""
    life: int = 0
    """How often the recording was tried before."""


def limits_of_now(ports: Ports) -> list[Limit]:
    """The deployment's budgets, whatever the settings of this process."""
    sums = read(ports)
    old = seconds_since(sums.time, ports.clock.now()) > STALE
    return limits_of(ports.settings) if old else limits_by(sums.limits)


def commit(key: str, usd: float, ports: Ports, *, life: int = 0, again: bool = False) -> Admission:
    """Commit a recording's estimate, and decide whether it may go on. Without a budget nothing is committed.

    `usd` is the estimate in US dollars, `life` how often the recording was tried before. With `again` it was committed
    before, and is replaced by what is left to do: what it has cost is summed up first.
    """
    if not limits_of(ports.settings):
        return GO
    now, sums = ports.clock.now(), sum_up(ports) if again or life else read(ports)
    estimate = Commitment(usd=usd, state="open", counts=True, changed=now, life=life)
    _put(key, estimate, ports)
    if _is_outdated(sums, ports):
        sums = sum_up(ports)
    admission = admit(usd, sums, max(0.0, committed(ports) - usd), now, ports.settings)
    if admission.action == "hold":
        _put(key, replace(estimate, state="held", counts=False), ports)
        log.warning("%s: %s", key, admission.reason)
    return admission


def count_in(key: str, purpose: str, usd: float, ports: Ports, *, life: int = 0) -> Admission:
    """Decide whether a recording may cost more than its estimate; the extra is committed only if it may.

    The caller may be a worker without budget settings: the deployment's budgets apply. `purpose` says what the extra
    `usd` (US dollars) are for, and is the same for every try: it is committed once.
    """
    now, sums = ports.clock.now(), read(ports)
    if limits_of(ports.settings) and _is_outdated(sums, ports):
        sums = sum_up(ports)
    settings = _kept(sums, ports.settings)
    if not limits_of(settings) or settings.budget_mode == "soft":
        return GO
    extra = Commitment(usd=usd, state="open", counts=True, changed=now, recording=key, life=life)
    for pause in (*PAUSES, None):
        _put(f"{key}.{purpose}", extra, ports)
        admission = admit(usd, sums, max(0.0, committed(ports) - usd), now, settings)
        if admission.action == "go":
            break
        _put(f"{key}.{purpose}", replace(extra, state="closed", counts=False), ports)
        if pause is None or admit(usd, sums, 0.0, now, settings).action != "go":
            break
        # Calls at the same moment count each other.
        concurrency.sleep(concurrency.uniform(pause / 4, pause))
    return admission


def why_held(recording: Recording, ports: Ports) -> str:
    """Why a recording is held, by the current sums and budgets; empty if it is not held.

    The reason in its document is from the moment when it was held. It is used if the sums are not up to date.
    """
    estimate = (
        documents.mark(COMMITMENTS, recording.id, Commitment, ports.records) if recording.held else None
    )
    sums, now = read(ports), ports.clock.now()
    if estimate is None or seconds_since(sums.time, now) > STALE:
        return recording.held
    found = admit(
        estimate.usd, sums, committed(ports), now, replace(_kept(sums, ports.settings), budget_mode="hard")
    )
    return found.reason or "It was held, but fits into the budget now: it continues within minutes."


def committed(ports: Ports) -> float:
    """US dollars that are committed, for all recordings together."""
    return ports.records.sum(COMMITMENTS, "usd", {"counts": True})


def ended(key: str, ports: Ports, *, life: int) -> None:
    """Note that a recording has ended: its rows are written and will be in the next sum.

    `life` says how often it was tried before: what is committed for a later try stays.
    """

    def to_ended(found: Commitment) -> Commitment | None:
        if found.life > life:
            return None
        if found.state == "held":
            return replace(found, state="closed", changed=ports.clock.now())
        if found.state != "open":
            return None
        return replace(found, state="ended", changed=ports.clock.now())

    extras = [one for one, _ in ports.records.query(COMMITMENTS, {"recording": key})]
    for one in (key, *extras):
        _change(one, to_ended, ports)


def let_go(key: str, ports: Ports) -> None:
    """Count a recording after all that was about to be held: another delivery of its event has planned it."""

    def to_open(found: Commitment) -> Commitment | None:
        if found.state != "held":
            return None
        return replace(found, state="open", counts=True, changed=ports.clock.now())

    _change(key, to_open, ports)


def read(ports: Ports) -> Spending:
    """The last sums of the sweeper; empty if there are none yet."""
    return documents.mark(STATE, KEY, Spending, ports.records) or Spending()


def sum_up(ports: Ports) -> Spending:
    """Sum the rows of the days that matter, store the sums, then close the commitments that are in them.

    A day that was over when it was last summed up is not summed again, because a row's day is when it is written.
    """
    now = ports.clock.now()
    before = read(ports)
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    wanted = {today.replace(day=number + 1) for number in range(today.day)}
    wanted |= {today - dt.timedelta(days=back) for back in range(AVERAGED + 1)}
    days = {}
    for name in sorted(day.isoformat() for day in wanted):
        if name in before.days and ledger.day_of(min(before.time, now) - SETTLED) > name:
            days[name] = before.days[name]
        else:
            days[name] = round(ports.records.sum(documents.LEDGER, "usd", {"day": name}), 9)
    sums = Spending(time=now, days=days, limits=_by_period(ports.settings), mode=ports.settings.budget_mode)

    def later(stored: Spending) -> Spending | None:
        # Another process may have summed up later but stored it earlier.
        return None if now < stored.time and not is_ahead(stored.time, now) else sums

    def closed(stored: Commitment) -> Commitment | None:
        # A recording that ended later may have rows that are not in the sum, and one that is tried again is committed.
        over = stored.state == "ended" and seconds_since(stored.changed, now) > 0
        return replace(stored, state="closed", counts=False) if over else None

    documents.change(STATE, KEY, Spending, later, ports.records, first=sums)
    for key, _ in list(ports.records.query(COMMITMENTS, {"state": "ended"})):
        _change(key, closed, ports)
    return sums


def _by_period(settings: Settings) -> dict[str, float]:
    return {limit.period: limit.usd for limit in limits_of(settings)}


def _is_outdated(sums: Spending, ports: Ports) -> bool:
    """Whether the sums are old, or were made with other budgets than this process has."""
    return seconds_since(sums.time, ports.clock.now()) > STALE or sums.limits != _by_period(ports.settings)


def _kept(sums: Spending, settings: Settings) -> Settings:
    """The settings with the deployment's budgets."""
    return replace(
        settings,
        budget_daily_usd=sums.limits.get("day", 0.0),
        budget_monthly_usd=sums.limits.get("month", 0.0),
        budget_mode=sums.mode,
    )


def _change(key: str, how: Callable[[Commitment], Commitment | None], ports: Ports) -> None:
    """Change a commitment, if there is one; one that cannot be read is deleted, as it would count for ever."""
    try:
        documents.change(COMMITMENTS, key, Commitment, how, ports.records)
    except Damaged as error:
        log.warning("it counts no more: %s", error)
        ports.records.delete(COMMITMENTS, key)


def _put(key: str, commitment: Commitment, ports: Ports) -> None:
    documents.put(COMMITMENTS, key, commitment, ports)
