"""Budgets: what a day and a month may cost, and whether one more recording fits.

    spent       rows of the ledger, summed up by the sweeper every minute into one document
    committed   estimates of recordings that were let through and whose rows are not in that sum yet

A recording is committed first and compared then, so of any number that come at once each one counts those before
it: the budget is overshot by what estimates are wrong, never by how many come together. Two that meet at the very
end may both be held; the sweeper lets them go on (`held.py`).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from shared.costs import ledger
from shared.flow import documents
from shared.messages import from_fields, to_fields
from shared.prices import dollars
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.model import Recording
    from shared.ports import Ports
    from shared.settings import Settings

COMMITMENTS = "commitments"
"""Collection of what was let through or is held: a document for each recording."""

STATE, KEY = "state", "budget"
"""Collection and key of the document with the sums."""

AVERAGED = 7
"""Full days whose mean the forecast goes on with."""

SETTLED = 600.0
"""Seconds after midnight until which rows of the day before may come to light."""

STALE = 300.0
"""Seconds after which the sums are made anew by whoever needs them: nobody sweeps where one command does all."""

CENT = 1e-9
"""US dollars below which a sum is rounding."""

Period = Literal["day", "month"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """What a recording is expected to cost, and whether that counts."""

    usd: float
    """Estimate, US dollars."""
    state: Literal["open", "ended", "held", "closed"]
    """`ended`: its rows are written but may not be in the sum yet; `closed`: they are."""
    counts: bool
    """True while open or ended: what the sum of commitments looks for."""
    changed: float
    """When the state last changed, seconds since 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What was spent, as the sweeper last saw it."""

    time: float = 0.0
    """When it looked, seconds since 1970."""
    days: Mapping[str, float] = field(default_factory=dict)
    """US dollars of each day of this month, and of the last full days."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """The budgets that held then, US dollars by period: who asks why something waits may have other settings."""

    def of(self, period: Period, now: float) -> float:
        """US dollars spent today, or in this month."""
        today = ledger.day_of(now)
        if period == "day":
            return self.days.get(today, 0.0)
        return sum(usd for day, usd in self.days.items() if day[:7] == today[:7])


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One budget."""

    period: Period
    """What it is for."""
    usd: float
    """US dollars."""
    variable: str
    """Where it is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a recording may go on, and why."""

    action: Literal["go", "cheaper", "hold"]
    """`cheaper`: by the cheapest method."""
    reason: str = ""
    """For its owner, where it may not go on as it was: with the sums of now."""
    lasting: str = ""
    """The same for the record of a recording that is held: without what changes before it is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a month will have cost."""

    usd: float
    """At its end, US dollars."""
    days: int
    """Days whose mean it goes on with, 1 to 7."""


GO = Admission(action="go")


def limits(settings: Settings) -> list[Limit]:
    """The budgets that are set."""
    found = [
        Limit(period="day", usd=settings.budget_daily_usd, variable="DROPSCRIBE_BUDGET_DAILY_USD"),
        Limit(period="month", usd=settings.budget_monthly_usd, variable="DROPSCRIBE_BUDGET_MONTHLY_USD"),
    ]
    return [one for one in found if one.usd > 0]


def admit(usd: float, sums: Sums, committed: float, now: float, settings: Settings) -> Admission:
    """Whether one more recording fits into every budget. Pure.

    Args:
        usd: what it is expected to cost.
        sums: what was spent.
        committed: what is committed, without it.
        now: seconds since 1970.
        settings: the budgets, and what to do beyond them.
    """
    for limit in limits(settings):
        spent = sums.of(limit.period, now)
        if spent + committed + usd <= limit.usd + CENT:
            continue
        name = "daily" if limit.period == "day" else "monthly"
        used = f"{dollars(spent)} spent and {dollars(committed)} committed of {dollars(limit.usd)}"
        short = "is used up" if usd <= limit.usd else "is too small for this recording"
        said = f"the {name} budget {short} ({used}; this recording needs about {dollars(usd)})"
        if settings.budget_mode == "soft":
            return Admission(action="cheaper", reason=said)
        new = f"when a new {limit.period} begins (UTC), or " if usd <= limit.usd else ""
        way = f"It goes on by itself {new}once you raise {limit.variable}."
        lasting = f"Held: it did not fit into the {name} budget. {way}"
        return Admission(action="hold", reason=f"Held: {said}. {way}", lasting=lasting)
    return GO


def commit(key: str, usd: float, ports: Ports) -> Admission:
    """Count a recording in, and say whether it may go on. Without a budget nothing is counted.

    Args:
        key: of the recording.
        usd: what it is expected to cost.
        ports: the world.

    Raises:
        Transient: it cannot be told.
    """
    if not limits(ports.settings):
        return GO
    now = ports.clock.now()
    _put(key, Commitment(usd=usd, state="open", counts=True, changed=now), ports)
    sums = read(ports)
    if now - sums.time > STALE or sums.limits != _by_period(ports.settings):
        sums = sum_up(ports)
    admission = admit(usd, sums, max(0.0, committed(ports) - usd), now, ports.settings)
    if admission.action == "hold":
        _put(key, Commitment(usd=usd, state="held", counts=False, changed=now), ports)
        log.warning("%s: %s", key, admission.reason)
    return admission


def why_held(recording: Recording, ports: Ports) -> str:
    """Why a recording is held, by the sums and budgets of now; empty where it is not.

    What its record says is of the moment when it was held. It holds where nobody has summed up since.

    Raises:
        Transient: the records did not answer.
    """
    fields = ports.records.get(COMMITMENTS, recording.id) if recording.held else None
    sums, now = read(ports), ports.clock.now()
    if fields is None or now - sums.time > STALE:
        return recording.held
    settings = replace(
        ports.settings,
        budget_daily_usd=sums.limits.get("day", 0.0),
        budget_monthly_usd=sums.limits.get("month", 0.0),
        budget_mode="hard",
    )
    usd = from_fields(fields, Commitment).usd
    found = admit(usd, sums, committed(ports), now, settings)
    return found.reason or "It was held, and there is room for it now: it goes on within minutes."


def committed(ports: Ports) -> float:
    """US dollars that are committed, for all recordings together.

    Raises:
        Transient: the records did not answer.
    """
    return ports.records.sum(COMMITMENTS, "usd", {"counts": True})


def ended(key: str, ports: Ports) -> None:
    """A recording has ended: its rows are written, and are in the next sum.

    Raises:
        Transient: try again.
    """

    def to_ended(fields: dict[str, Any]) -> dict[str, Any] | None:
        found = from_fields(fields, Commitment)
        if found.state == "held":
            return to_fields(replace(found, state="closed", changed=ports.clock.now()))
        if found.state != "open":
            return None
        return to_fields(replace(found, state="ended", changed=ports.clock.now()))

    ports.records.update(COMMITMENTS, key, to_ended)


def read(ports: Ports) -> Sums:
    """What the sweeper saw last; nothing where it has never looked.

    Raises:
        Transient: the records did not answer.
    """
    fields = ports.records.get(STATE, KEY)
    return Sums() if fields is None else from_fields(fields, Sums)


def sum_up(ports: Ports) -> Sums:
    """Sum the rows of the days that matter, and write it down; then close what was committed for them.

    A day that was over when it was summed up stays as it is, because a row is dated by when it is written.

    Raises:
        Transient: try again.
    """
    now = ports.clock.now()
    before = read(ports)
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    wanted = {today.replace(day=number + 1) for number in range(today.day)}
    wanted |= {today - dt.timedelta(days=back) for back in range(AVERAGED + 1)}
    days = {}
    for name in sorted(day.isoformat() for day in wanted):
        if name in before.days and ledger.day_of(before.time - SETTLED) > name:
            days[name] = before.days[name]
        else:
            days[name] = round(ports.records.sum(documents.LEDGER, "usd", {"day": name}), 9)
    sums = Sums(time=now, days=days, limits=_by_period(ports.settings))
    documents.put(STATE, KEY, to_fields(sums), ports)
    for key, fields in list(ports.records.query(COMMITMENTS, {"state": "ended"})):
        found = from_fields(fields, Commitment)
        # What ended later may have rows that are not in the sum.
        if found.changed < now:
            _put(key, replace(found, state="closed", counts=False), ports)
    return sums


def forecast(days: Mapping[str, float], now: float) -> Forecast | None:
    """What this month will have cost at its end. Pure.

    What was spent so far, and for the rest of the month the mean of up to seven days before today. None where
    nothing was spent before today: a first hour says nothing of a month.

    Args:
        days: US dollars of each day, by its date.
        now: seconds since 1970.
    """
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    today = moment.date()
    passed = (now % 86400) / 86400
    first = min((day for day, usd in days.items() if usd), default=today.isoformat())
    full = [(today - dt.timedelta(days=back)).isoformat() for back in range(1, AVERAGED + 1)]
    full = [day for day in full if day >= first]
    if not full:
        return None
    rate = sum(days.get(day, 0.0) for day in full) / len(full)
    left = calendar.monthrange(today.year, today.month)[1] - today.day + 1 - passed
    return Forecast(usd=Sums(days=days).of("month", now) + rate * left, days=len(full))


def _by_period(settings: Settings) -> dict[str, float]:
    return {limit.period: limit.usd for limit in limits(settings)}


def _put(key: str, commitment: Commitment, ports: Ports) -> None:
    documents.put(COMMITMENTS, key, to_fields(commitment), ports)
