"""What is done in each phase of a rollout. Each may be done again from its beginning after a death anywhere in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployment.rollout import judge, state
from shared.engines import PARAKEET_GPU
from shared.errors import ConfigurationError
from shared.routing import flags
from shared.settings import variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployment.rollout.figures import Watch
    from deployment.rollout.services import CloudRun, Service
    from deployment.rollout.state import Images, Phase, Rollout
    from shared.ports import Ports

LEASE = 60.0
"""Seconds for which a message of the next release's lane is held while it is published again."""

AT_A_TIME = 100
"""Messages that are moved at one time."""


class Steps:
    """Moves one rollout by one step at a time.

    Args:
        cloud: the functions and jobs.
        lay: has Terraform lay images, the last of them for the next release's job; repeats change nothing.
        watch: looks at what the releases do.
        ports: the deployment's records and queue.
    """

    def __init__(
        self,
        cloud: CloudRun,
        lay: Callable[[Images, str], None],
        watch: Watch,
        ports: Ports,
    ) -> None:
        self._cloud, self._lay, self._watch, self._ports = cloud, lay, watch, ports

    def act(self, rollout: Rollout) -> Rollout:
        """Do what its phase asks for; returns how it stands afterwards, and the same if it stays.

        Raises:
            Transient: something did not answer; act again.
        """
        return {
            "pinning": self._pin,
            "laying": self._stand,
            "shifting": self._shift,
            "finishing": self._finish,
            "returning": self._return,
            "restoring": self._restore,
        }[rollout.phase](rollout)

    def back(self, rollout: Rollout, reason: str) -> Rollout:
        """Note that it goes back, before anything moves."""
        return self._to(rollout, "returning", f"it goes back: {reason}", reason=reason)

    def _pin(self, rollout: Rollout) -> Rollout:
        """Bind all traffic to what runs now: otherwise the next revisions would get it as soon as they stand."""
        self._cloud.bind({name: {one: 100} for name, one in rollout.old_revisions.items()})
        return self._to(rollout, "laying", "all traffic is bound to the present revisions")

    def _stand(self, rollout: Rollout) -> Rollout:
        """Lay the new functions without traffic, and the new workers beside the old ones."""
        mixed = replace(rollout.new, gpu=rollout.old.gpu, cpu=rollout.old.cpu, console=rollout.old.console)
        failed: ConfigurationError | None = None
        try:
            self._lay(mixed, rollout.new.gpu)
        except ConfigurationError as error:
            # Terraform fails as well where a revision does not start; anything else is for a person to mend.
            failed = error
        services = self._cloud.services()
        if problem := next(filter(None, map(_unready, services.values())), ""):
            return self.back(rollout, problem)
        if failed is not None:
            raise failed
        if problem := next(filter(None, (_other(one, rollout.new) for one in services.values())), ""):
            return self.back(rollout, problem)
        now = self._ports.clock.now()
        revisions = {name: one.created for name, one in services.items()}
        told = "the new revisions stand, without traffic"
        return self._to(rollout, "shifting", told, new_revisions=revisions, step=0, since=now, bad_since={})

    def _shift(self, rollout: Rollout) -> Rollout:
        share = rollout.limits.shares[rollout.step]
        self._share(rollout, share)
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
        for name, old in rollout.old_revisions.items():
            new = rollout.new_revisions[name]
            shares[name] = {old: 100} if new == old else {new: round(percent), old: 100 - round(percent)}
        self._cloud.bind(shares)
        self._lane(percent if rollout.new.gpu != rollout.old.gpu else 0.0)

    def _finish(self, rollout: Rollout) -> Rollout:
        """All workers and the page get the new images; then the lane of its own is closed, and traffic follows new revisions again."""
        self._lay(rollout.new, rollout.new.gpu)
        self._lane(0.0)
        self._cloud.bind({name: {"": 100} for name in rollout.new_revisions})
        self._empty_lane()
        return self._to(rollout, "done", "the new release has taken over")

    def _return(self, rollout: Rollout) -> Rollout:
        """Within a minute: nothing new goes to the new release. Its workers are ended, and what they held goes back."""
        self._lane(0.0)
        self._cloud.bind({name: {one: 100} for name, one in rollout.old_revisions.items()})
        self._cloud.stop_canary()
        self._empty_lane()
        return self._to(rollout, "restoring", "all traffic is with the old revisions again")

    def _restore(self, rollout: Rollout) -> Rollout:
        """Lay the old images, so that jobs and the next deployment have them too."""
        self._lay(rollout.old, rollout.old.gpu)
        services = self._cloud.services()
        ready = {name for name, one in services.items() if not _unready(one) and not _other(one, rollout.old)}
        # A revision that does not start gets no traffic: the old one keeps it.
        self._cloud.bind({name: {"": 100} for name in ready})
        self._empty_lane()
        return self._to(rollout, "back", "the old release is laid again")

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


def _unready(service: Service) -> str:
    """Why the newest revision of a service cannot be used; empty if it can."""
    if service.created != service.ready:
        return f"the revision {service.created} of {service.name} does not start; its log says why"
    return ""


def _other(service: Service, images: Images) -> str:
    """Why a service does not stand with the image of a release; empty if it does."""
    if service.image != images.functions:
        return f"{service.name} has the image {service.image} and not {images.functions}"
    return ""
