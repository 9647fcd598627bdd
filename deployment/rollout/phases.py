"""What is done in each phase of a rollout. Each can be repeated from its beginning after a crash anywhere in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployment.rollout.guard import Guard
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployment.rollout.figures import Watch
    from deployment.rollout.services import CloudRun, Service
    from deployment.rollout.state import Images, Phase, Rollout
    from shared.ports import Ports


class Phases(Guard):
    """Moves one rollout by one step at a time.

    `apply` has Terraform deploy images, the last of them for the next release's job; repeats change nothing.
    """

    def __init__(
        self,
        cloud: CloudRun,
        apply: Callable[[Images, str], None],
        watch: Watch,
        ports: Ports,
    ) -> None:
        super().__init__(cloud, watch, ports)
        self._services, self._apply = cloud.services, apply

    def _phases(self) -> dict[Phase, Callable[[Rollout], Rollout]]:
        return {
            "pinning": self._pin,
            "laying": self._stand,
            **super()._phases(),
            "finishing": self._finish,
            "restoring": self._restore,
        }

    def _pin(self, rollout: Rollout) -> Rollout:
        """Bind all traffic to what runs now: otherwise the next revisions would get it as soon as they stand."""
        self._cloud.bind({name: {one: 100} for name, one in rollout.old_revisions.items()})
        return self._to(rollout, "laying", "all traffic is bound to the present revisions")

    def _stand(self, rollout: Rollout) -> Rollout:
        """Deploy the new functions without traffic, and the new workers beside the old ones."""
        mixed = replace(rollout.new, gpu=rollout.old.gpu, cpu=rollout.old.cpu, console=rollout.old.console)
        failed: ConfigurationError | None = None
        try:
            self._apply(mixed, rollout.new.gpu)
        except ConfigurationError as error:
            # Terraform fails as well where a revision does not start; anything else is for a person to fix.
            failed = error
        services = self._services()
        if problem := next(filter(None, map(unready, services.values())), ""):
            return self.back(rollout, problem)
        if failed is not None:
            raise failed
        if problem := next(filter(None, (_other(one, rollout.new) for one in services.values())), ""):
            return self.back(rollout, problem)
        now = self._ports.clock.now()
        revisions = {name: one.created for name, one in services.items()}
        told = "the new revisions stand, without traffic"
        return self._to(rollout, "shifting", told, new_revisions=revisions, step=0, since=now, bad_since={})

    def _finish(self, rollout: Rollout) -> Rollout:
        """All workers and the page get the new images; then the lane of its own is closed, and traffic follows new revisions again."""
        self._apply(rollout.new, rollout.new.gpu)
        self._lane(0.0)
        self._cloud.bind({name: {"": 100} for name in rollout.new_revisions})
        self._empty_lane()
        return self._to(rollout, "done", "the new release has taken over")

    def _restore(self, rollout: Rollout) -> Rollout:
        """Deploy the old images, so that jobs and the next deployment have them too."""
        self._apply(rollout.old, rollout.old.gpu)
        services = self._services()
        ready = {name for name, one in services.items() if not unready(one) and not _other(one, rollout.old)}
        # A revision that does not start gets no traffic: the old one keeps it.
        self._cloud.bind({name: {"": 100} for name in ready})
        self._lane(0.0)
        self._empty_lane()
        return self._to(rollout, "back", "the old release is deployed again")


def unready(service: Service) -> str:
    """Why the newest revision of a service cannot be used; empty if it can."""
    if service.created != service.ready:
        return f"the revision {service.created} of {service.name} does not start; its log says why"
    return ""


def _other(service: Service, images: Images) -> str:
    """Why a service does not stand with the image of a release; empty if it does."""
    if service.image != images.functions:
        return f"{service.name} has the image {service.image} and not {images.functions}"
    return ""
