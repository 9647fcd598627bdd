"""A collector of OpenTelemetry, over HTTP, that remembers what it was sent."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Collector(ThreadingHTTPServer):
    """What was sent; answers when `answer` is set, as it is at first."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, bytes]] = []
        self.answer = threading.Event()
        self.answer.set()

    @property
    def url(self) -> str:
        """Its address, for `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self.server_port}"

    def _sent(self, kind, path):
        return [kind.FromString(body) for where, body in list(self.got) if where == path]

    def metrics(self) -> list[ExportMetricsServiceRequest]:
        """The measurements."""
        return self._sent(ExportMetricsServiceRequest, "/v1/metrics")

    def spans(self) -> list:
        """All spans."""
        return [
            span
            for message in self._sent(ExportTraceServiceRequest, "/v1/traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, body))
        self.server.answer.wait(5.0)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        """Nothing to say."""


@contextmanager
def collector() -> Iterator[Collector]:
    """One that runs."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
