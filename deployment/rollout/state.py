"""The stored record of a rollout: `state/release`. It is written before anything moves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from deployment.rollout.judge import Limits
from shared.errors import BadRequest, ConfigurationError
from shared.messages import from_fields
from shared.routing import flags
from shared.settings import variable
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.ports import Ports

STATE, KEY = "state", "release"
"""Collection and key of the record."""

GUARD = "dropscribe-guard"
"""Watches rollouts, with the old release until the new one has taken over."""

KEPT = 50
"""Changes that are kept."""

Phase = Literal["pinning", "laying", "shifting", "finishing", "done", "returning", "restoring", "back"]
"""The way of a release: pinning (all traffic is bound to the present revisions), laying (the new ones stand, without
traffic), shifting (they get more and more), finishing (all of it), done. Or returning (traffic is bound to the old
revisions again), restoring (the old images are deployed again), back."""

ENDED = frozenset({"done", "back"})
"""Phases after which nothing more happens automatically."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """The images of one release, as digests."""

    functions: str
    """Image of the functions."""
    gpu: str = ""
    """Image of the workers with a GPU; empty if there are none."""
    cpu: str = ""
    """Image of the workers without a GPU; empty if there are none."""
    console: str = ""
    """Image of the page's service; empty if there is none."""

    @property
    def named(self) -> dict[str, str]:
        """Those that there are, by their names in the registry."""
        return {name: image for name, image in asdict(self).items() if image}

    @property
    def releases(self) -> frozenset[str]:
        """The names that its processes write into records: twelve digits of each digest, see terraform/locals.tf."""
        return frozenset(release_of(image) for image in self.named.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that happened."""

    time: float
    """Seconds since 1970."""
    what: str
    """One sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One release on its way."""

    old: Images
    """What ran before."""
    new: Images
    """What takes over."""
    phase: Phase
    """Where it is."""
    began: float
    """When it began, seconds since 1970."""
    old_revisions: dict[str, str] = field(default_factory=dict)
    """Revision of each service that ran before, by the service."""
    new_revisions: dict[str, str] = field(default_factory=dict)
    """The same of the new release, once they stand."""
    limits: Limits = field(default_factory=Limits)
    """When it goes forward and when back, as the person who began it chose."""
    step: int = 0
    """Index of the present share."""
    since: float = 0.0
    """When the present step, or the way back, began, seconds since 1970."""
    bad_since: dict[str, float] = field(default_factory=dict)
    """Since when a trouble lasts, seconds since 1970."""
    guarded: float = 0.0
    """When the project's guard last looked and did what had to be done, seconds since 1970; 0: never."""
    reason: str = ""
    """Why it went back; empty if it did not."""
    history: tuple[Change, ...] = ()
    """What happened, oldest first."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens automatically."""
        return self.phase in ENDED

    def told(self, what: str, now: float) -> Rollout:
        """With another line of its history."""
        return replace(self, history=(*self.history, Change(time=now, what=what))[-KEPT:])


def release_of(image: str) -> str:
    """The name of a release, from the digest of its image."""
    return image.partition("@sha256:")[2][:12]


def read(ports: Ports) -> Rollout | None:
    """The last rollout, or None.

    Raises:
        ConfigurationError: it cannot be read; says what to do.
    """
    fields = ports.records.get(STATE, KEY)
    if fields is None:
        return None
    try:
        rollout = from_fields(fields, Rollout)
        _check(rollout)
    except BadRequest as error:
        raise ConfigurationError(
            f"The record of the rollout cannot be read: {error}. Delete the document {KEY} of the collection {STATE}, and "
            "run `make deploy`: all traffic goes to what it deploys."
        ) from error
    return rollout


def _check(rollout: Rollout) -> None:
    """Refuse a record that does not fit itself."""
    if rollout.phase != "shifting":
        return
    if not 0 <= rollout.step < len(rollout.limits.shares):
        raise BadRequest(f"there is no step {rollout.step}")
    if unknown := sorted(rollout.old_revisions.keys() - rollout.new_revisions.keys() - {GUARD}):
        raise BadRequest(f"the new revision of {unknown[0]} is not named")


def begin(rollout: Rollout, ports: Ports) -> Rollout:
    """Store a new rollout, unless another one is under way; returns the one that is."""

    def first(stored: Rollout) -> Rollout | None:
        return rollout if stored.ended or stored == rollout else None

    found = documents.change(STATE, KEY, Rollout, first, ports.records, first=rollout)
    assert found is not None, "it was written a moment ago"
    return found


def move(seen: Rollout, how: Callable[[Rollout], Rollout], ports: Ports) -> Rollout:
    """Change a rollout as it was seen; returns it as it stands, also if another process moved it in the meantime."""

    def unless_moved(stored: Rollout) -> Rollout | None:
        return how(stored) if is_as(stored, seen) else None

    found = documents.change(STATE, KEY, Rollout, unless_moved, ports.records)
    assert found is not None, "a rollout is never deleted"
    return found


def is_as(stored: Rollout, seen: Rollout) -> bool:
    """Whether a rollout is where it was seen: no other process moved it."""
    return (stored.began, stored.phase, stored.step) == (seen.began, seen.phase, seen.step)


def abandon(why: str, ports: Ports) -> bool:
    """End a rollout that can go neither forward nor back, because what it moves is gone; returns whether one was under way."""
    stored = read(ports)
    if stored is None or stored.ended:
        return False
    now = ports.clock.now()
    found = move(stored, lambda one: replace(one, phase="back", reason=why).told(why, now), ports)
    flags.change({variable("canary_percent"): "0"}, ports)
    return found.ended


def guarded(seen: Rollout, ports: Ports) -> Rollout:
    """Note that the guard has looked, and done what had to be done."""
    now = ports.clock.now()
    return move(seen, lambda stored: replace(stored, guarded=now), ports)
