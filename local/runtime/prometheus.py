"""`dropscribe up --metrics-port`: what all processes of one machine measure, for Prometheus.

Each process writes its numbers into files of a folder, and `up` adds them up when it is asked: prometheus_client's
multiprocess mode (https://prometheus.github.io/client_python/multiprocess/). What a process has counted stays when it
dies. Without the option nothing of this is imported.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared import concurrency
from shared.errors import ConfigurationError
from shared.telemetry import log, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    from shared.settings import Settings
    from shared.telemetry.metrics import Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable, which it reads when it is imported."""

HOST = "127.0.0.1"


@contextmanager
def served(port: int | None, state_dir: Path) -> Iterator[None]:
    """Serve the metrics of all processes that are started inside, at `http://127.0.0.1:PORT/metrics`.

    Args:
        port: to listen at; None: nothing is measured, and this does nothing.
        state_dir: of the deployment; the folder of the numbers is in it, and begins empty.

    Raises:
        ConfigurationError: the library is missing, or the port is taken.
    """
    if port is None:
        yield
        return
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigurationError(
            "--metrics-port needs a library that is not installed. Run `pip install 'dropscribe[metrics]'`."
        )
    folder = state_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[FOLDER] = str(folder)
    from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: PLC0415 - it reads the variable
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - as above

    from functions.caller import web_page  # noqa: PLC0415 - most starts of `up` serve no metrics
    from local.runtime import serve  # noqa: PLC0415 - as above

    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]  # prometheus_client has none
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        del os.environ[FOLDER]
        raise ConfigurationError(
            f"Port {port} cannot be used for the metrics ({error.strerror}). Choose another --metrics-port."
        ) from None
    log.info("metrics are at   http://%s:%d/metrics", HOST, port)
    try:
        # prometheus_client's own server starts a thread for each connection, and `up` has other use for its files.
        with serve.serving(make_wsgi_app(registry), listener, web_page):
            yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def start(settings: Settings) -> None:  # noqa: ARG001 - as all platforms have it
    """Measure for Prometheus in this process."""
    metrics.add_sink(Measurements())


class Measurements:
    """The sink that keeps metrics for Prometheus.

    Args:
        registry: where they are; None: files in the folder that all processes share.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        import prometheus_client  # noqa: PLC0415 - see `served`

        self._library = prometheus_client
        self._registry = registry or prometheus_client.CollectorRegistry()
        self._lock = concurrency.Lock()
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def __call__(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """Take a measurement."""
        with self._lock:
            made = self._made.get(metric.name)
            if made is None:
                made = self._made[metric.name] = self._new(metric)
        one = made.labels(**labels) if labels else made
        if isinstance(one, self._library.Counter):
            one.inc(value)
        elif isinstance(one, self._library.Gauge):
            one.set(value)
        else:
            one.observe(value)

    def _new(self, metric: Metric) -> Counter | Gauge | Histogram:
        names = metric.full_name, metric.about, metric.labels
        if metric.kind == "counter":
            return self._library.Counter(*names, registry=self._registry)
        if metric.kind == "gauge":
            return self._library.Gauge(*names, registry=self._registry, multiprocess_mode="mostrecent")
        return self._library.Histogram(*names, registry=self._registry, buckets=metric.bounds)
