"""The logger, and how each kind of process writes its log."""

from __future__ import annotations

import json
import logging
import sys

log = logging.getLogger("dropscribe")


class JsonLines(logging.Formatter):
    """One JSON object per line, with the field names of Cloud Logging."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def show_logs(level: int = logging.INFO, *, as_json: bool = False) -> None:
    """Send the log to standard error, as text for people or as JSON for a log collector."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
