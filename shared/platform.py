"""Which column of ports this process uses: the one place that knows both."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from shared.settings import Settings
from shared.telemetry import show_logs

if TYPE_CHECKING:
    from shared.ports import Ports


@cache
def connect() -> Ports:
    """The ports of this process, built on first use from the environment.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    # Cloud Run sets K_SERVICE for services and CLOUD_RUN_JOB for jobs; their logs are collected as JSON.
    show_logs(as_json=bool({"K_SERVICE", "CLOUD_RUN_JOB"} & set(os.environ)))
    settings = Settings.from_environment()
    # Imported on first use: a function that never calls Google does not load its clients.
    if settings.platform == "google":
        from shared.adapters.platform import open_ports as open_google  # noqa: PLC0415, TID251 - chosen here

        return open_google(settings)
    from local.platform import open_ports as open_local  # noqa: PLC0415, TID251 - chosen here

    return open_local(settings)
