from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout.drive import begin, run
from deployment.rollout.figures import Watch
from deployment.rollout.judge import Limits
from deployment.rollout.phases import Phases
from deployment.rollout.services import CloudRun
from deployment.rollout.state import Images
from shared.settings import Settings
from tests.deployment.google import TARGET, Google, digest
from tests.world import IN_A_PROJECT, World

OLD = Images(functions=digest("functions", 1), gpu=digest("gpu", 2))
NEW = Images(functions=digest("functions", 3), gpu=digest("gpu", 4))


class KilledRecords:
    """Records whose writes may be the last that a process does."""

    def __init__(self, records, killer):
        self._records, self._killer = records, killer

    def __getattr__(self, name):
        return getattr(self._records, name)

    def create(self, *arguments):
        return self._killer.effect(lambda: self._records.create(*arguments))

    def update(self, *arguments):
        return self._killer.effect(lambda: self._records.update(*arguments))


class Deployment:
    """A project with the old release in it, and processes of the command that may be killed."""

    def __init__(self, tmp_path, limits=None):
        self.world = World(tmp_path)
        self.google = Google()
        self.limits = limits or Limits(least=0, holds=(60.0, 60.0))
        self.google.lay(OLD, OLD.gpu)
        self.said = []
        self.fresh()

    def fresh(self):
        """Another process: nothing is remembered."""
        settings = Settings(**IN_A_PROJECT, engines="parakeet-gpu")
        settings = replace(settings, state_dir=self.world.settings.state_dir)
        records = KilledRecords(self.world.ports.records, self.google.killer)
        self.ports = replace(self.world.ports, records=records, settings=settings)
        self.cloud = CloudRun(TARGET, self.google.api())
        watch = Watch(self.ports, TARGET.project, self.google.api())
        self.phases = Phases(self.cloud, self.google.lay, watch, self.ports)

    def sleep(self, seconds):
        self.world.clock.time += seconds

    def rollout(self, new=NEW):
        return self.go(begin(new, self.cloud, self.ports, self.limits))

    def go(self, rollout):
        return run(rollout, self.phases, self.ports, say=self.said.append, sleep=self.sleep)

    def stand(self):
        """What stands: images, traffic by image, and the lane's share."""
        by_service = {
            name: (one["image"], one["traffic"] if "" not in one["traffic"] else "latest")
            for name, one in self.google.services.items()
        }
        flags = self.world.ports.records.get("config", "flags") or {}
        return by_service, dict(self.google.jobs), flags.get("DROPSCRIBE_GPU_CANARY_PERCENT", 0.0)


@pytest.fixture
def deployment(tmp_path):
    found = Deployment(tmp_path)
    yield found
    found.world.close()
