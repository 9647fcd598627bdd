"""The loop of `make rollout` and `make rollback`: one step after the other, until a person has to act."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from deployment.rollout import state
from deployment.rollout.guard import EVERY, UNDER_WATCH
from deployment.rollout.judge import Limits
from deployment.rollout.state import Images, Rollout
from shared.errors import BadRequest, ConfigurationError, Transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployment.rollout.phases import Phases
    from deployment.rollout.services import CloudRun
    from shared.ports import Ports

GUARDED = "The project's guard (dropscribe-guard) watches: shares move whether this command runs or not."
UNGUARDED = "The project's guard (dropscribe-guard) does not look, or is refused something: its log says why. This command watches: keep it running."

DIGITS = re.compile(r"\d[\d.,]*")
SAID_EVERY = 900.0
"""Seconds until what stays the same is said again."""

AWAY = 180.0
"""Seconds without a look of the project's guard, which is called every minute, after which it is not relied on."""


def begin(new: Images, cloud: CloudRun, ports: Ports, limits: Limits | None = None) -> Rollout:
    """A rollout of some images: a new one, or the one that is under way with them.

    Raises:
        BadRequest: they run already, or another release or a deployment is under way; says what to do.
        ConfigurationError: nothing is deployed.
    """
    if (stored := under_way(new, cloud, ports)) is not None:
        return stored
    old, services = cloud.images(), cloud.services()
    if unready := [one.name for one in services.values() if not one.serving]:
        raise ConfigurationError(
            f"{', '.join(unready)} has no revision that is ready: run `make deploy` first."
        )
    now = ports.clock.now()
    fresh = Rollout(
        old=old,
        new=new,
        phase="pinning",
        began=now,
        limits=limits or Limits(),
        old_revisions={name: one.serving for name, one in services.items()},
    ).told(f"{_short(old)} → {_short(new)}", now)
    begun = _same(state.begin(fresh, ports), new)
    if begun != fresh:
        return begun  # another operator's, who has looked and may be deploying its images
    try:
        # A deployment that looks now finds this rollout; of one that looked before the lock shows, or its turn is waited for.
        cloud.check_idle()
    except BadRequest:
        state.abandon("a deployment began at the same time", ports)
        raise
    return begun


def under_way(new: Images | None, cloud: CloudRun, ports: Ports) -> Rollout | None:
    """The rollout of some images that is under way; None if one can begin.

    Images that are not built yet (None) can have none.

    Raises:
        BadRequest: they run already, or another release or a deployment is under way; says what to do.
    """
    stored = state.read(ports)
    if stored is not None and not stored.ended:
        return _same(stored, new or Images(functions=""))
    cloud.check_idle()
    if new is not None and cloud.images() == new:
        raise BadRequest("These images run already: there is nothing to roll out.")
    return None


def rollback(phases: Phases, cloud: CloudRun, ports: Ports) -> Rollout:
    """The last rollout, on its way back.

    Raises:
        BadRequest: there is nothing to go back to, or a deployment is under way.
    """
    stored = state.read(ports)
    if stored is None:
        raise BadRequest("Nothing to roll back: no rollout has run in this deployment.")
    if stored.phase == "back":
        raise BadRequest("The last rollout has already been rolled back.")
    if stored.phase in {"returning", "restoring"}:
        return stored
    if stored.phase == "done":
        cloud.check_idle()
        if cloud.images() != stored.new:
            raise BadRequest(
                "Another release was deployed since the last rollout: check out the one you want, and run "
                "`make rollout`."
            )
    return phases.back(stored, "a person asked for it")


def run(
    rollout: Rollout,
    phases: Phases,
    ports: Ports,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Rollout:
    """Go on until the rollout has ended, and say what happens.

    What does not answer is tried again: the stored record says where to go on. Another process may move it meanwhile:
    while shares grow that is the project's guard, and this process looks itself only where the guard does not.
    """
    told = _Told(rollout, ports, say)
    while not rollout.ended:
        before = rollout.phase
        try:
            rollout = _act(rollout, phases, ports, told.again)
        except Transient as error:
            if isinstance(error, ConfigurationError) and rollout.phase not in UNDER_WATCH:
                raise
            told.again(f"It stays as it is, and is tried again: {error}")
        told.changes(rollout)
        if rollout.phase != before:
            continue
        if rollout.phase == "shifting":
            told.again(_line(rollout.reason))
        sleep(EVERY)
        rollout = state.read(ports) or rollout
        told.changes(rollout)
    return rollout


class _Told:
    """What a person was told of a rollout. The last change is told at once."""

    def __init__(self, rollout: Rollout, ports: Ports, say: Callable[[str], None]) -> None:
        self._ports, self._say = ports, say
        self._said: dict[str, float] = {}
        self._changes = set(rollout.history[:-1])
        self.changes(rollout)

    def changes(self, rollout: Rollout) -> None:
        """Say what happened, also what another process did."""
        for change in rollout.history:
            if change not in self._changes:
                self._changes.add(change)
                self._say(_line(change.what))

    def again(self, line: str) -> None:
        """Say how it stands. What differs in its numbers only, such as the time that is left, is said now and then."""
        kind, now = DIGITS.sub("", line), self._ports.clock.now()
        if line and now - self._said.get(kind, -math.inf) >= SAID_EVERY:
            self._said[kind] = now
            self._say(line)


def _act(rollout: Rollout, phases: Phases, ports: Ports, tell: Callable[[str], None]) -> Rollout:
    if rollout.phase != "shifting":
        return phases.act(rollout)
    if is_guarded(rollout, ports):
        tell(GUARDED)
        return rollout
    # It is called every minute, so at first it cannot have looked.
    if ports.clock.now() - rollout.since > AWAY:
        tell(UNGUARDED)
    return phases.act(rollout)


def is_guarded(rollout: Rollout, ports: Ports) -> bool:
    """Whether the project's guard looks after a rollout."""
    return ports.clock.now() - rollout.guarded < AWAY


def _same(stored: Rollout, new: Images) -> Rollout:
    if stored.new != new and stored.phase not in {"returning", "restoring"}:
        raise BadRequest(
            f"A rollout of {_short(stored.new)} is under way ({stored.phase}). Check that release out and run "
            "`make rollout` to resume it, or run `make rollback`."
        )
    return stored


def _short(images: Images) -> str:
    return " ".join(f"{name} {state.release_of(image)}" for name, image in images.named.items())


def _line(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") or not text else ".")
