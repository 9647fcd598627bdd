"""Release held recordings that fit into the budget, and publish alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from shared.costs import budget, limits
from shared.costs.budget import COMMITMENTS, Commitment
from shared.errors import Transient
from shared.flow import upload
from shared.in_words import dollars
from shared.messages import BUDGET_ALERTS, BudgetAlert, encode, to_fields
from shared.model import Recording
from shared.state import documents, ledger
from shared.sweep.each import each
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.costs.limits import Limit, Spending
    from shared.ports import Ports

ALERTS = "budget_alerts"
"""Collection of the published alerts, one document each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """The document of an alert."""

    told: bool
    """True once it has been published."""


DOUBTFUL = 600.0
"""Seconds in which a held commitment may be of a recording that is planned, see `budget.let_go`; so that is looked up."""

NOTHING = Commitment(usd=0.0, state="held", counts=False, changed=0.0)
"""In the place of a commitment that cannot be read."""

RENEWED = 30 * 86400.0
"""Seconds after which the commitment of a recording that is still held is written anew. Written once, it would be
forgotten after 90 days, and the recording with it."""

SHARES = (50, 80, 100)
"""Percentages of a budget at which an alert is published."""


def keep_budgets(ports: Ports) -> int:
    """Sum up what was spent, publish alerts, and release what fits; returns how many recordings were released."""
    found = limits.limits_of(ports.settings)
    release = _Release(ports)
    if found:
        _ = release.sums
    try:
        parts = {"held": release.waiting} | ({"held-alone": release.alone} if found else {})
        each(parts, release.one, "the release of a recording", ports)
    finally:
        # Alerts are due also where a release fails.
        for limit in found:
            _alert(limit, release.sums, release.smallest, ports)
    return release.released


class _Release:
    """One look at the held recordings, of which each one that goes on leaves less for the others."""

    def __init__(self, ports: Ports) -> None:
        self.released = 0
        """How many went on."""
        self._ports = ports
        self._committed: float | None = None
        self._still_held: list[float] = []
        self._seen: set[str] = set()

    @cached_property
    def sums(self) -> Spending:
        """What was spent. Without a budget it is needed all the same where recordings are held, to say why they wait."""
        return budget.sum_up(self._ports)

    @property
    def smallest(self) -> float:
        """The smallest estimate that did not fit, US dollars; 0 if there is none."""
        return min(self._still_held, default=0.0)

    def waiting(self, after: str) -> Iterator[tuple[str, Commitment]]:
        """The commitments that are held; where one cannot be read, its recording goes on, and commits anew."""
        for key, fields in self._ports.records.query(COMMITMENTS, {"state": "held"}, after=after):
            found = dict(documents.readable(COMMITMENTS, [(key, fields)], Commitment))
            self._seen.add(key)
            yield key, found.get(key, NOTHING)

    def alone(self, after: str) -> Iterator[tuple[str, Commitment]]:
        """The recordings that are held without a commitment, because it is damaged or gone: the same."""
        records, where = self._ports.records, {"state": "ACCEPTED", "is_held": True}
        if records.count(documents.RECORDINGS, where) <= len(self._seen):
            return
        for key, _ in documents.every(documents.RECORDINGS, Recording, records, where, after=after):
            if documents.mark(COMMITMENTS, key, Commitment, records) is None:
                yield key, NOTHING

    def one(self, key: str, commitment: Commitment) -> bool:
        """Let a recording go on if it fits; returns whether that was tried."""
        ports, usd = self._ports, commitment.usd
        if self._committed is None:
            self._committed = budget.committed(ports)
        now = ports.clock.now()
        fits = limits.admit(usd, self.sums, self._committed, now, ports.settings).action != "hold"
        if not fits and now - commitment.changed > DOUBTFUL:
            self._still_held.append(usd)
            if now - commitment.changed > RENEWED:
                documents.put(COMMITMENTS, key, replace(commitment, changed=now), ports)
            return False
        recording = documents.get_recording(ports.records, key)
        if recording is not None and recording.state == "PLANNED":
            # The process that was about to hold it died after another delivery had planned it.
            budget.let_go(key, ports)
            self._committed = None
            return False
        if recording is None or recording.ended:
            budget.ended(key, ports, life=commitment.life)
            return False
        if not fits:
            self._still_held.append(usd)
        if not fits or ports.out_of_reach(recording):
            return False
        self._committed = None
        log.info("release %s: %s fit into the budget now", key, dollars(usd))
        try:
            # It is probed and routed again: what was true when it was held may have changed.
            went_on = upload.take(recording.source, recording.options, ports).state != "ACCEPTED"
        except Transient as error:
            log.warning("%s cannot go on yet: %s", key, error)
            return True
        if not went_on:
            self._still_held.append(usd)
        self.released += went_on
        return True


def _alert(limit: Limit, sums: Spending, waits_usd: float, ports: Ports) -> None:
    """Publish alerts for the shares reached; `waits_usd` is the smallest held estimate, 0 if nothing is held."""
    now = ports.clock.now()
    committed = budget.committed(ports)
    spent = sums.of(limit.period, now)
    # What is committed may be in the rows already, so it alone causes no alert. But if something is held, the
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
        found = documents.mark(ALERTS, key, Alert, ports.records, damaged=Alert(told=False))
        if found is None or found.told:
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
