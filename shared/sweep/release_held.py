"""Beside the steps, every minute: release held recordings that fit into the budget, and publish alerts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from shared.costs import budget, limits
from shared.costs.budget import COMMITMENTS, Commitment
from shared.costs.limits import Limit, Sums
from shared.errors import Transient
from shared.flow import upload
from shared.in_words import dollars
from shared.messages import BUDGET_ALERTS, BudgetAlert, encode, from_fields, to_fields
from shared.state import documents, ledger
from shared.sweep.each import each
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Fields, Ports

ALERTS = "budget_alerts"
"""Collection of the published alerts, one document each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """The document of an alert."""

    told: bool
    """True once it has been published."""


SHARES = (50, 80, 100)
"""Percentages of a budget at which an alert is published."""

AT_A_TIME = 100
"""Most recordings that one tick releases."""


def keep_budgets(ports: Ports) -> int:
    """Sum up what was spent, publish alerts, and release what fits; returns how many recordings were released.

    Raises:
        Transient: try again.
    """
    found = limits.limits_of(ports.settings)
    waiting = list(islice(ports.records.query(COMMITMENTS, {"state": "held"}), AT_A_TIME))
    # Recordings that were held before the budget was removed still need the sums, to say why they wait.
    sums = budget.sum_up(ports) if found or waiting else Sums()

    released = 0

    def release(found: tuple[str, Fields]) -> bool:
        nonlocal released
        went_on = _release(found[0], from_fields(found[1], Commitment), sums, ports)
        released += went_on
        return went_on

    try:
        return each(waiting, release, "the release of a recording")
    finally:
        # Alerts are due also where a release fails.
        smallest = (
            min((fields["usd"] for _, fields in waiting), default=0.0) if released < len(waiting) else 0.0
        )
        for limit in found:
            _alert(limit, sums, smallest, ports)


def _release(key: str, commitment: Commitment, sums: Sums, ports: Ports) -> bool:
    recording = documents.get_recording(ports.records, key)
    if recording is None or recording.state != "ACCEPTED":
        budget.ended(key, ports)
        return False
    committed = budget.committed(ports)
    now = ports.clock.now()
    if limits.admit(commitment.usd, sums, committed, now, ports.settings).action == "hold":
        return False
    try:
        # It is probed and routed again: what was true when it was held may have changed.
        return upload.take(recording.source, recording.options, ports).state != "ACCEPTED"
    except Transient as error:
        log.warning("%s cannot go on yet: %s", key, error)
        return False


def _alert(limit: Limit, sums: Sums, waits_usd: float, ports: Ports) -> None:
    """Publish alerts for the shares reached; `waits_usd` is the smallest held estimate, 0 if nothing is held."""
    now = ports.clock.now()
    committed = budget.committed(ports)
    spent = sums.of(limit.period, now)
    # What is committed may be in the rows already, so it causes no alert by itself. But if something is held, the
    # budget is used up although some cents of it are left.
    holds = waits_usd > 0 and spent + committed + waits_usd > limit.usd
    used = 100.0 if holds else spent / limit.usd * 100
    reached = [share for share in SHARES if used >= share - limits.CENT]
    day = ledger.day_of(now)
    which = day if limit.period == "day" else day[:7]
    forecast = limits.forecast(sums.days, now) if limit.period == "month" else None
    for share in reached:
        alert = BudgetAlert(
            period=limit.period,
            which=which,
            percent=share,
            limit_usd=limit.usd,
            spent_usd=round(spent, 6),
            committed_usd=round(committed, 6),
            forecast_usd=None if forecast is None else round(forecast.usd, 6),
            held=holds,
        )
        _publish_once(f"{which}.{share}", alert, ports)


def _publish_once(key: str, alert: BudgetAlert, ports: Ports) -> None:
    """Publish an alert at least once; twice if the sweeper dies in between."""
    if not ports.records.create(ALERTS, key, to_fields(Alert(told=False))):
        found = ports.records.get(ALERTS, key)
        if found is None or from_fields(found, Alert).told:
            return
    log.warning(
        "%d %% of the budget of %s is reached: %s spent, %s committed of %s",
        alert.percent,
        alert.which,
        dollars(alert.spent_usd),
        dollars(alert.committed_usd),
        dollars(alert.limit_usd),
    )
    attributes = {"period": alert.period, "percent": str(alert.percent)}
    ports.queue.publish(BUDGET_ALERTS, encode(alert), attributes)
    documents.put(ALERTS, key, Alert(told=True), ports)
