"""The hosted engines for which a deployment has a key; the library of each is loaded on its first call."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from typing import TYPE_CHECKING

from shared.engines import EngineSpec, HostedSpec, hosted_specs
from shared.errors import EngineRefused

if TYPE_CHECKING:
    from shared.model import Engine
    from shared.ports import HostedEngine, HostedJob
    from shared.results import Heard
    from shared.settings import Settings


def open_hosted(settings: Settings) -> dict[Engine, HostedEngine]:
    """The hosted engines that have a key."""
    return {one.name: OnFirstCall(one, settings) for one in hosted_specs() if settings.api_keys.get(one.name)}


def has_library(hosted: HostedSpec) -> bool:
    """Whether the library of a hosted engine is installed; nothing is loaded."""
    return importlib.util.find_spec(hosted.library) is not None


class OnFirstCall:
    """A hosted engine that is loaded on its first call: an SDK may take 0.3 s and about 600 modules."""

    def __init__(self, spec: EngineSpec, settings: Settings) -> None:
        self._spec = spec
        self._settings = settings
        self._lock = threading.Lock()
        self._engine: HostedEngine | None = None

    def transcribe(self, job: HostedJob) -> Heard:
        """See the port. Raises EngineRefused, code `absent`, if the library is not installed."""
        with self._lock:
            if self._engine is None:
                self._engine = self._load()
        return self._engine.transcribe(job)

    def _load(self) -> HostedEngine:
        hosted, name = self._spec.hosted, self._spec.in_sentences
        assert hosted is not None, "only hosted engines are opened"
        try:
            adapter = importlib.import_module(hosted.adapter)
        except ModuleNotFoundError as error:
            raise EngineRefused(
                "absent", f"{name}'s library is missing ({error}): pip install 'dropscribe[{hosted.extra}]'."
            ) from error
        engine: HostedEngine = adapter.open_engine(self._settings, self._settings.api_keys[self._spec.name])
        return engine
