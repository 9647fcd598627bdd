"""The adapters of this process, chosen by its settings: the only module that knows every platform."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from shared import concurrency
from shared.costs import prices_file
from shared.errors import ConfigurationError
from shared.settings import CLOUD_RUN, Settings, unknown
from shared.telemetry import log, logs, metrics, show_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.ports import Ports
    from shared.webhooks.deliver import Send

PLATFORMS = {"google": "shared.adapters.google_ports", "local": "local.backend.embedded_ports"}
"""The module with `open_ports(settings)` of each platform. Imported on first use: a function that never calls
Google loads none of its clients, and an image for Google needs no `local/`."""

TELEMETRY = {"google": "shared.adapters.cloud_telemetry", "local": "local.runtime.prometheus"}
"""The module with `start(settings)` of each platform, which sends what is measured."""

_starting = concurrency.Lock()


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
    _start_telemetry(settings)
    ports: Ports = importlib.import_module(PLATFORMS[settings.platform]).open_ports(settings)
    return ports


def webhook_sender(settings: Settings) -> Send:
    """What calls the webhook URL. In a project it goes to the internet only."""
    send: Send = importlib.import_module("shared.adapters.web.webhook_call").Sender(
        public_only=settings.platform != "local"
    )
    return send


def settings_here(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings from the environment, or from what stands for it, with a check of the price file.

    Raises:
        ConfigurationError: names the variable that is wrong.
    """
    settings = Settings.from_environment(environ)
    prices_file.table(settings)
    return settings


def check_settings() -> None:
    """Exit with 2 and one line if a setting is wrong (a command exits with 78): now, not at the first event."""
    try:
        settings_here()
    except ConfigurationError as error:
        _show_logs()
        log.error("the function cannot start: %s", error)
        sys.exit(2)


def _start_telemetry(settings: Settings) -> None:
    logs.hide(*settings.api_keys.values(), *settings.webhook_secrets, settings.webhook_url)
    # The first two messages of a function may connect at one time; what is measured must not count twice.
    with _starting:
        if metrics.has_sinks():
            return
        # On one machine only `dropscribe up --metrics-port` asks for it, with this variable.
        wanted = settings.platform != "local" or "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if wanted and settings.performance_metrics:
            importlib.import_module(TELEMETRY[settings.platform]).start(settings)
        if _is_collected():
            metrics.add_sink(logs.log_measurement)


def _show_logs() -> None:
    show_logs(as_json=_is_collected())


def _is_collected() -> bool:
    """Whether a collector reads the log, as JSON: Cloud Run sets these variables for services and for jobs."""
    return bool({*CLOUD_RUN} & set(os.environ))
