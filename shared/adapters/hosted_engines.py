"""Which engine of others a deployment has; its library is loaded with the first call."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shared.errors import EngineRefused

if TYPE_CHECKING:
    from shared.adapters.deepgram import DeepgramEngine
    from shared.ports import Hosted, HostedJob
    from shared.results import Heard
    from shared.settings import Settings


def open_hosted(settings: Settings) -> Hosted | None:
    """Deepgram where there is a key for it, else None."""
    return OnFirstCall(settings) if settings.deepgram_api_key else None


class OnFirstCall:
    """Deepgram, for processes that may never call it: its SDK takes 0.3 s and some 600 modules.

    Args:
        settings: key, address, and calls that may be open at one time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._engine: DeepgramEngine | None = None

    def transcribe(self, job: HostedJob) -> Heard:
        """See the port. Raises EngineRefused, code `absent`, where the SDK is not installed."""
        with self._lock:
            if self._engine is None:
                self._engine = _load(self._settings)
        return self._engine.transcribe(job)


def _load(settings: Settings) -> DeepgramEngine:
    try:
        from shared.adapters.deepgram import DeepgramEngine  # noqa: PLC0415 - see OnFirstCall
    except ModuleNotFoundError as error:
        raise EngineRefused(
            "absent", f"Deepgram's library is missing ({error}): pip install 'dropscribe[deepgram]'."
        ) from error
    return DeepgramEngine(settings)
