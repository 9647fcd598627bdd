"""Metrics of workers and spans of every process, through OpenTelemetry to Google Cloud.

Google takes OpenTelemetry's own protocol at telemetry.googleapis.com, so its exporter is the only one needed:
https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/overview. Metrics arrive there as
`prometheus.googleapis.com/NAME/KIND` of the resource `prometheus_target`, whose instance is the task of the worker.
With `OTEL_EXPORTER_OTLP_ENDPOINT` everything goes to that collector instead, without credentials.

Nothing here fails a step: what cannot be sent is lost, and the exporter says so in the log.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from google.auth.transport.requests import AuthorizedSession
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from shared.adapters import credentials
from shared.telemetry import log, logs, metrics, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.settings import Settings
    from shared.telemetry.metrics import Metric
    from shared.telemetry.spans import Span

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variable for another collector."""

GOOGLE = "https://telemetry.googleapis.com/v1/"

CALL = 5.0
"""Seconds that one call of the exporter may take, with its tries."""


def start(settings: Settings) -> None:
    """Send the metrics and spans of this process, unless its clients talk to emulators and there is no collector.

    Raises:
        ConfigurationError: there are no credentials.
        StoreUnavailable: Google's servers for credentials did not answer in time.
    """
    collected = COLLECTOR in os.environ
    if not collected and "FIRESTORE_EMULATOR_HOST" in os.environ:
        return
    logging.getLogger("opentelemetry").handlers[:] = log.handlers
    logging.getLogger("opentelemetry").propagate = False
    session = None
    if not collected:
        session = AuthorizedSession(credentials.default())  # type: ignore[no-untyped-call]
    where = {} if collected else {"traces": f"{GOOGLE}traces", "metrics": f"{GOOGLE}metrics"}
    resource = resource_of(settings, os.environ)
    measured = Measurements(
        lambda: OTLPMetricExporter(endpoint=where.get("metrics"), timeout=CALL, session=session),
        resource,
        settings.metrics_interval,
    )
    metrics.add_sink(measured)
    spans.add_sink(measured)
    spans.add_sink(
        Traces(OTLPSpanExporter(endpoint=where.get("traces"), timeout=CALL, session=session), resource)
    )


def resource_of(settings: Settings, environ: Mapping[str, str]) -> Resource:
    """Where metrics come from: every task of a worker, and every instance of a function."""
    execution, task = environ.get("CLOUD_RUN_EXECUTION", ""), environ.get("CLOUD_RUN_TASK_INDEX", "0")
    instance = f"{execution}.{task}" if execution else f"{environ.get('K_REVISION', 'local')}.{os.getpid()}"
    return Resource(
        {
            "service.name": environ.get("CLOUD_RUN_JOB") or environ.get("K_SERVICE") or "dropscribe",
            "service.namespace": "dropscribe",
            "service.instance.id": instance,
            "service.version": settings.release or logs.release(environ),
            "cloud.platform": "gcp_cloud_run",
            "cloud.region": settings.region,
            "gcp.project_id": settings.project,
        }
    )


class Measurements:
    """The sink of a worker's metrics; sends them periodically, and on demand.

    Its provider, with a thread, is made with the first measurement: a function has none.
    """

    def __init__(self, exporter: Callable[[], MetricExporter], resource: Resource, interval: float) -> None:
        self._exporter = exporter
        self._resource = resource
        self._interval = interval
        self._lock = threading.Lock()
        self._provider: MeterProvider | None = None
        self._record: dict[str, Callable[[float, Mapping[str, str]], None]] = {}

    def __call__(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """Take a measurement."""
        if metric.by != "worker":
            return
        record = self._record.get(metric.name)
        if record is None:
            with self._lock:
                record = self._record.get(metric.name) or self._made(metric)
        record(value, labels)

    def _made(self, metric: Metric) -> Callable[[float, Mapping[str, str]], None]:
        if self._provider is None:
            reader = PeriodicExportingMetricReader(
                self._exporter(),
                export_interval_millis=self._interval * 1000,
                export_timeout_millis=CALL * 1000,
            )
            self._provider = MeterProvider([reader], self._resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("dropscribe")
        name, about = metric.full_name, metric.about
        match metric.kind:
            case "counter":
                record = meter.create_counter(name, description=about).add
            case "gauge":
                record = meter.create_gauge(name, description=about).set
            case "distribution":
                record = meter.create_histogram(
                    name, description=about, explicit_bucket_boundaries_advisory=metric.bounds
                ).record
        self._record[metric.name] = record
        return record

    def ended(self, span: Span) -> None:
        """A span is nothing to measure."""

    def flush(self, seconds: float) -> None:
        """Send what was measured."""
        if (provider := self._provider) is not None:
            _within(seconds, lambda: provider.force_flush(int(seconds * 1000)))


class Traces:
    """The sink of spans; sends them in batches, and when asked to."""

    def __init__(self, exporter: SpanExporter, resource: Resource) -> None:
        self._resource = resource
        self._processor = BatchSpanProcessor(exporter)
        self._waiting = threading.Event()

    def ended(self, span: Span) -> None:
        """Take a span."""
        self._processor.on_end(
            ReadableSpan(
                span.name,
                context=_context(span.trace, span.id),
                parent=_context(span.trace, span.parent) if span.parent else None,
                resource=self._resource,
                attributes=dict(span.attributes),
                start_time=int(span.start * 1e9),
                end_time=int(span.end * 1e9),
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
            )
        )
        self._waiting.set()

    def flush(self, seconds: float) -> None:
        """Send what was taken."""
        if self._waiting.is_set():
            self._waiting.clear()
            _within(seconds, lambda: self._processor.force_flush(int(seconds * 1000)))


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(
        int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _within(seconds: float, send: Callable[[], object]) -> None:
    """Wait for a call no longer than this: the time that an exporter is given bounds each of its tries only."""
    thread = threading.Thread(target=send, name="telemetry", daemon=True)
    thread.start()
    thread.join(seconds)
