"""The logger, and how each kind of process writes its log.

A JSON line says which recording and chunk it is about, its trace, and the release. Possible secrets are removed from
every line, also of a library: an error may quote a signed URL, or a key.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from shared.in_words import printable, printable_json
from shared.telemetry import context

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.telemetry.metrics import Metric

log = logging.getLogger("dropscribe")

_SECRETS = re.compile(
    # The query of a web address, which is what signs it.
    r"(?P<address>https?://[^\s?\"'<>]+)\?[^\s\"'<>]*"
    # Credentials in an address, or in a header.
    r"|(?P<scheme>\b\w+://)[^\s/@\"'<>]+@"
    r"|(?P<header>(?i:\b(?:bearer|token|basic)\s+|authorization\W+|api[-_ ]?key\W+))[A-Za-z0-9+/_.=-]{16,}"
    # Private keys, and Google's tokens and keys.
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bya29\.[\w.-]+|\bAIza[\w-]{30,}|\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+",
    re.DOTALL,
)
_REMOVED = "…"

_keys: list[str] = []
"""The API keys of this process."""


def hide(*keys: str) -> None:
    """Take these keys out of every line from now on."""
    _keys.extend(key for key in keys if len(key) >= 8 and key not in _keys)


def without_secrets(text: str) -> str:
    """A text without keys, and without what makes an address work. Pure but for the keys of this process."""
    for key in _keys:
        text = text.replace(key, _REMOVED)
    if "://" in text or _may_hold_key(text):
        text = _SECRETS.sub(_shortened, text)
    return text


def _may_hold_key(text: str) -> bool:
    lower = text.lower()
    return any(
        one in lower for one in ("bearer", "token", "basic ", "authorization", "key", "ya29.", "aiza", "eyj")
    )


def _shortened(found: re.Match[str]) -> str:
    if found["address"]:
        return f"{found['address']}?{_REMOVED}"
    return f"{found['scheme'] or found['header'] or ''}{_REMOVED}{'@' if found['scheme'] else ''}"


class _Text(logging.Formatter):
    """One line for people, whatever names it quotes; a traceback has more."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line without a traceback."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """A traceback, without control characters of what it quotes."""
        return printable(super().formatException(ei), lines=True)


class JsonLines(logging.Formatter):
    """One JSON object per line, with the field names of Cloud Logging.

    `project` is for the full name of a trace; `release`, of the image, is on every line.
    https://cloud.google.com/logging/docs/structured-logging#special-payload-fields
    """

    def __init__(self, *, project: str = "", release: str = "") -> None:
        super().__init__()
        self._project = project
        self._release = {"release": release} if release else {}

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, object] = {
            "severity": record.levelname,
            "message": without_secrets(record.getMessage()),
            "logger": record.name,
            **self._release,
        }
        here = context.current()
        if here.recording:
            line["recording"] = here.recording
        if here.chunk is not None:
            line["chunk"] = here.chunk
        if here.trace:
            line["logging.googleapis.com/trace"] = (
                f"projects/{self._project}/traces/{here.trace}" if self._project else here.trace
            )
            line["logging.googleapis.com/spanId"] = here.span
            line["logging.googleapis.com/trace_sampled"] = True
        if measured := getattr(record, "measured", None):
            line |= measured
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return printable_json(json.dumps(line, ensure_ascii=False))


def show_logs(*, as_json: bool = False) -> None:
    """Send the log to standard error, as text for people or as JSON for a log collector; what went wrong only if asked."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines(project=os.environ.get("GOOGLE_CLOUD_PROJECT", ""), release=release(os.environ))
        if as_json
        else _Text("%(asctime)s %(message)s", "%H:%M:%S")
    )
    log.handlers[:] = [handler]
    quiet = os.environ.get("DROPSCRIBE_QUIET", "").lower() in {"1", "true"}
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False


def release(environ: Mapping[str, str]) -> str:
    """The release that runs here, else the name of Cloud Run's revision."""
    return environ.get("DROPSCRIBE_RELEASE", "") or environ.get("K_REVISION", "")


def log_measurement(metric: Metric, value: float, labels: Mapping[str, str]) -> None:
    """The sink that writes a measurement as a line, for those metrics that are made from the log."""
    if metric.by == "log":
        measured = {"metric": metric.full_name, "value": value, "labels": dict(labels)}
        log.info("%s %g", metric.full_name, value, extra={"measured": measured})
