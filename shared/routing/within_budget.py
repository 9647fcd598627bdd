"""Step 3, within the budgets: the router's choice if it fits, else a cheaper one, or the recording is held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared import engines
from shared.costs import budget
from shared.engines import AUTO
from shared.routing import route, speakers
from shared.routing.case import Case, Choice, Known
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """A choice within the budgets."""

    choice: Choice
    """The decision and its plan."""
    held: str = ""
    """Why the recording has to wait, for its owner; empty if it goes on."""


def choose(case: Case, ports: Ports) -> Admitted:
    """Choose the method, and commit its expected cost.

    Raises:
        BadRequest: the requested method cannot run in this deployment, or none can.
    """
    known = route.known(ports)
    choice = route.choose(case, known)
    admission = budget.commit(case.key, _usd(choice), ports, life=case.life)
    if admission.action == "hold":
        return Admitted(choice=choice, held=admission.lasting)
    if admission.action == "cheaper":
        choice = cheapest(case, known, choice, admission.reason)
        budget.commit(case.key, _usd(choice), ports, life=case.life)
    return Admitted(choice=choice)


def cheapest(case: Case, known: Known, choice: Choice, why: str) -> Choice:
    """The cheapest of the considered methods; `choice` itself if the caller asked for it. Pure."""
    if case.options.method != AUTO:
        log.warning("%s: %s, but %s was asked for", case.key, why, case.options.method)
        return choice
    out = speakers.left_out(case, known.settings, engines.methods()) if case.options.diarize else {}
    able = [one for one in choice.decision.considered if one.usd is not None and one.method not in out]
    best = min(able, key=lambda one: one.usd or 0.0)
    if best.method == choice.decision.method:
        return choice
    cheaper = route.choose(replace(case, options=replace(case.options, method=best.method)), known)
    reason = f"{why}: {best.method} is the cheapest method"
    return replace(cheaper, decision=replace(cheaper.decision, reason=reason))


def _usd(choice: Choice) -> float:
    # The chosen method is the first of the considered ones.
    return choice.decision.considered[0].usd or 0.0
