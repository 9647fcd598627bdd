"""Which column of ports this process uses: the one place that knows both."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError
from shared.settings import Settings, unknown
from shared.telemetry import log, show_logs

if TYPE_CHECKING:
    from shared.ports import Ports


@cache
def connect() -> Ports:
    """The ports of this process, built on first use from the environment.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    _show_logs()
    settings = Settings.from_environment()
    for name in unknown(os.environ):
        log.warning("%s is no setting of Dropscribe, and is ignored: check its spelling", name)
    # Imported on first use: a function that never calls Google does not load its clients.
    if settings.platform == "google":
        from shared.adapters.google_ports import open_ports as open_google  # noqa: PLC0415, TID251 - chosen here

        return open_google(settings)
    from local.backend.embedded_ports import open_ports as open_local  # noqa: PLC0415, TID251 - chosen here

    return open_local(settings)


def check_settings() -> None:
    """End this process with one line and exit code 2 where a setting is wrong: now, not at its first event."""
    try:
        Settings.from_environment()
    except ConfigurationError as error:
        _show_logs()
        log.error("the function cannot start: %s", error)
        sys.exit(2)


def _show_logs() -> None:
    # Cloud Run sets K_SERVICE for services and CLOUD_RUN_JOB for jobs; their logs are collected as JSON.
    show_logs(as_json=bool({"K_SERVICE", "CLOUD_RUN_JOB"} & set(os.environ)))
