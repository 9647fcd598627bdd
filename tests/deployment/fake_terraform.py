"""A Terraform that creates what the real one creates, as far as the commands see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import ConfigurationError
from tests.deployment.google import TARGET, Google

ENVIRONMENT = {"DROPSCRIBE_PLATFORM": "google", "GOOGLE_CLOUD_PROJECT": "my-project"}


@dataclass
class FakeTerraform:
    google: Google
    laid: list[Any] = field(default_factory=list)
    foundation: bool = False
    shown: int = 0
    drafts: int = 0
    destroyed: bool = False
    missing: bool = False

    def check(self):
        if self.missing:
            raise ConfigurationError("There is no terraform on this computer.")

    def outputs(self):
        self._has_state()
        if not self.foundation:
            return {}
        page = "https://page.example" if self.google.target.console else None
        return {"environment": ENVIRONMENT, "buckets": TARGET.buckets, "console": page}

    def plan(self, images, canary=""):
        self._has_state()
        self.shown += 1
        gone = set(self.google.target.services) - self.google.services.keys()
        return images is not None and (bool(gone) or self.laid[-1:] != [(images, canary)])

    def plan_without_state(self):
        self.drafts += 1

    def apply(self, images, canary="", **more):
        self._has_state()
        self.google.killer.effect(lambda: setattr(self, "foundation", True))
        if images is not None:
            assert all(self.google.secrets.get(f"{one}-api-key") for one in self.google.target.hosted)
            assert not self.google.target.webhooks or self.google.secrets.get("webhook-secret")
            self.google.lay(images, canary)
        else:
            self.google.services, self.google.jobs = {}, {}
            self.lay_secrets(images)
        self.google.killer.effect(lambda: self.laid.append((images, canary, *sorted(more.items()))))

    def lay_secrets(self, images):
        names = {f"{one}-api-key" for one in self.google.target.hosted}
        names |= {"webhook-secret"} if self.google.target.webhooks else set()
        self.google.killer.effect(lambda: self.google.laid_secrets.update(names))

    def destroy(self, **more):
        assert self.laid[-1] == (None, "", *sorted(more.items()))
        self.destroyed = True

    def _has_state(self):
        assert "my-project-terraform" in self.google.buckets, "terraform init needs the bucket of its state"
