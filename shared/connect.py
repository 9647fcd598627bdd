"""The adapters of this process, chosen by its settings: the only module that knows every platform."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from shared.costs import prices_file
from shared.errors import ConfigurationError
from shared.settings import Settings, unknown
from shared.telemetry import log, show_logs

if TYPE_CHECKING:
    from shared.ports import Ports

PLATFORMS = {"google": "shared.adapters.google_ports", "local": "local.backend.embedded_ports"}
"""The module with `open_ports(settings)` of each platform. Imported on first use: a function that never calls
Google loads none of its clients, and an image for Google needs no `local/`."""


@cache
def connect() -> Ports:
    """The ports of this process, built on first use from the environment.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    _show_logs()
    settings = settings_here()
    for name in unknown(os.environ):
        log.warning("%s is not a setting of Dropscribe, and is ignored: check its spelling", name)
    ports: Ports = importlib.import_module(PLATFORMS[settings.platform]).open_ports(settings)
    return ports


def settings_here() -> Settings:
    """The settings from the environment, with a check of the price file.

    Raises:
        ConfigurationError: names the variable that is wrong.
    """
    settings = Settings.from_environment()
    prices_file.table(settings)
    return settings


def check_settings() -> None:
    """End this process with one line and exit code 2 if a setting is wrong: now, not at its first event."""
    try:
        settings_here()
    except ConfigurationError as error:
        _show_logs()
        log.error("the function cannot start: %s", error)
        sys.exit(2)


def _show_logs() -> None:
    # Cloud Run sets K_SERVICE for services and CLOUD_RUN_JOB for jobs; their logs are collected as JSON.
    show_logs(as_json=bool({"K_SERVICE", "CLOUD_RUN_JOB"} & set(os.environ)))
