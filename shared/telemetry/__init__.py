"""What a process reports about its work: its log, its metrics, and the spans of one trace for each recording.

Read metrics first, then context and logs.

context   which recording and chunk a thread works on, and its place in the trace
logs      the log, as text for people or as JSON with the context
metrics   the table of everything that is measured, and `measure`
spans     steps with their durations

Nothing here sends anything. An entrypoint adds sinks (`shared/connect.py`): JSON lines in Google's functions and
workers, OpenTelemetry (`shared/adapters/cloud_telemetry.py`), or Prometheus (`local/runtime/prometheus.py`). Without
sinks a measurement or a span costs a look at an empty list.
"""

from __future__ import annotations

from shared.telemetry.context import about, about_message, attributes
from shared.telemetry.logs import log, show_logs
from shared.telemetry.metrics import measure
from shared.telemetry.spans import flush, span

__all__ = ["about", "about_message", "attributes", "flush", "log", "measure", "show_logs", "span"]
