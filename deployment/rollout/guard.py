"""The watched phases: shares grow while the release does well, and return at once if it does not.

None of it needs Terraform, so the project's own guard (`functions/guard`) does it while no command runs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from deployment.rollout import judge, state
from deployment.rollout.state import GUARD, Phase, Rollout
from shared.engines import PARAKEET_GPU
from shared.errors import Transient
from shared.routing import flags
from shared.settings import variable
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployment.rollout.figures import Watch
    from deployment.rollout.services import Traffic
    from shared.ports import Ports

UNDER_WATCH = frozenset({"shifting", "returning"})
"""Phases that need a guard: whatever fails is tried again. In others an operator has to fix it first."""

EVERY = 20.0
"""Seconds between two looks: a release goes back within a minute of the look that says so."""

ONE_TICK = 45.0
"""Seconds after which the guard begins no other look: it is called every minute."""

LEASE = 60.0
"""Seconds for which a message of the next release's lane is held while it is published again."""

AT_A_TIME = 100
"""Messages that are moved at one time."""


class Guard:
    """Watches one rollout, and moves traffic and lane."""

    def __init__(self, cloud: Traffic, watch: Watch, ports: Ports) -> None:
        self._cloud, self._watch, self._ports = cloud, watch, ports

    def act(self, rollout: Rollout) -> Rollout:
        """Do what its phase asks for; returns how it stands afterwards, and the same if it stays.

        Raises:
            Transient: something did not answer; act again.
        """
        how = self._phases().get(rollout.phase)
        return rollout if how is None else how(rollout)

    def _phases(self) -> dict[Phase, Callable[[Rollout], Rollout]]:
        return {"shifting": self._shift, "returning": self._return}

    def back(self, rollout: Rollout, reason: str) -> Rollout:
        """Note that it goes back, before anything moves."""
        now = self._ports.clock.now()
        return self._to(rollout, "returning", f"it goes back: {reason}", since=now, reason=reason)

    def _shift(self, rollout: Rollout) -> Rollout:
        share = rollout.limits.shares[rollout.step]
        self._share(rollout, share)
        if overtaken := self._overtaken(rollout):
            return overtaken
        now = self._ports.clock.now()
        verdict = judge.judge(
            self._watch.look(rollout),
            rollout.step,
            rollout.since,
            now,
            rollout.limits,
            rollout.bad_since,
        )
        if verdict.action == "back":
            return self.back(rollout, verdict.reason)
        if verdict.action == "stay":
            return state.move(
                rollout,
                lambda one: replace(one, bad_since=dict(verdict.bad_since), reason=verdict.reason),
                self._ports,
            )
        if rollout.step + 1 == len(rollout.limits.shares):
            return self._to(rollout, "finishing", verdict.reason, reason="")
        after = rollout.limits.shares[rollout.step + 1]
        told = f"{verdict.reason}: {share:g} % → {after:g} %"
        return self._to(rollout, "shifting", told, step=rollout.step + 1, since=now, bad_since={}, reason="")

    def _share(self, rollout: Rollout, percent: float) -> None:
        """Give the new release its share of the traffic and of the recordings."""
        shares: dict[str, Mapping[str, int]] = {}
        for name, old in _others(rollout):
            new = rollout.new_revisions[name]
            shares[name] = {old: 100} if new == old else {new: round(percent), old: 100 - round(percent)}
        self._cloud.bind(shares)
        self._lane(percent if rollout.new.gpu != rollout.old.gpu else 0.0)

    def _return(self, rollout: Rollout) -> Rollout:
        """Within a minute: nothing new goes to the new release. Its workers are ended, and what they held goes back."""
        self._to_old(rollout)
        if overtaken := self._overtaken(rollout):
            return overtaken
        if rollout.new.gpu:
            self._cloud.stop_canary()
            self._empty_lane()
        return self._to(rollout, "restoring", "all traffic is with the old revisions again")

    def _to_old(self, rollout: Rollout) -> None:
        self._lane(0.0)
        self._cloud.bind({name: {one: 100} for name, one in _others(rollout)})

    def _overtaken(self, seen: Rollout) -> Rollout | None:
        """How a rollout stands that another process moved while traffic was moved for it as it was seen; None if none did.

        The other process stores its move first, and moves traffic after that. So it moves again what was moved here
        before this look, and what was moved here after its traffic is put right here.
        """
        stored = state.read(self._ports)
        if stored is None or state.is_as(stored, seen):
            return None
        if stored.phase == "done":
            self._lane(0.0)
            self._cloud.bind({name: {"": 100} for name, _ in _others(stored)})
        elif stored.phase in {"returning", "restoring", "back"}:
            self._to_old(stored)
        return stored

    def _lane(self, percent: float) -> None:
        name = variable("canary_percent")
        if flags.read(self._ports).values.get(name, 0.0) != percent:
            flags.change({name: f"{percent:g}"}, self._ports)

    def _empty_lane(self) -> int:
        """Publish what waits in the next release's lane to the workers of all others. Twice is harmless."""
        moved, queue = 0, self._ports.queue
        while waiting := queue.pull(PARAKEET_GPU.canary_subscription, AT_A_TIME, LEASE):
            queue.publish_many(PARAKEET_GPU.topic, [(one.data, one.attributes) for one in waiting])
            for one in waiting:
                moved += queue.ack(PARAKEET_GPU.canary_subscription, one.lease)
        return moved

    def _to(self, rollout: Rollout, phase: Phase, told: str, **changes: object) -> Rollout:
        now = self._ports.clock.now()

        def moved(stored: Rollout) -> Rollout:
            return replace(stored, phase=phase, **changes).told(told, now)  # type: ignore[arg-type]  # fields of Rollout

        return state.move(rollout, moved, self._ports)


def _others(rollout: Rollout) -> list[tuple[str, str]]:
    """Services and their old revisions, but for the guard's own: a broken release must not break who watches it."""
    return [(name, one) for name, one in rollout.old_revisions.items() if name != GUARD]


def tick(guard_of: Callable[[], Guard], ports: Ports, sleep: Callable[[float], None] = time.sleep) -> str:
    """Guard the rollout that is under way for most of a minute; returns its phase, empty if there is none to guard.

    `guard_of` gives who looks and moves; it is called if there is a rollout to guard.

    Raises:
        Transient: the last look failed, after all others were tried; the next tick goes on.
    """
    until = ports.clock.now() + ONE_TICK
    while True:
        rollout = state.read(ports)
        if rollout is None or rollout.phase not in UNDER_WATCH:
            return ""
        before = rollout
        last = ports.clock.now() + EVERY > until
        try:
            # Noted afterwards: a guard that is refused something does not count as one.
            rollout = state.guarded(guard_of().act(rollout), ports)
        except Transient as error:
            if last:
                raise
            log.warning("the rollout stays as it is, and is tried again: %s", error)
        if moved := (rollout.phase, rollout.step) != (before.phase, before.step):
            _tell(rollout)
        if last or rollout.phase not in UNDER_WATCH:
            return rollout.phase
        if not moved:
            sleep(EVERY)


def _tell(rollout: Rollout) -> None:
    log.warning("rollout: %s", rollout.history[-1].what)
    if rollout.phase == "restoring":
        measure("releases_back_total")
        log.error(
            "rollout: the release went back (%s). All traffic is with the old one again; run `make rollback` to deploy "
            "its images",
            rollout.reason,
        )
    elif rollout.phase == "finishing":
        log.warning(
            "rollout: all functions have the new release; run `make rollout` to deploy the rest of its images"
        )
