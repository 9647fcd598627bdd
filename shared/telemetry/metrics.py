"""Everything that is measured, in one table, and `measure`, which gives a value to the sinks of the process.

    written by   how it gets to Cloud Monitoring                            why
    log          a JSON line, from which a log-based metric is made         a function's CPU sleeps after its answer
    worker       OpenTelemetry, every METRICS_EXPORT_INTERVAL seconds       many values a second, and gauges

`make generated` writes `terraform/log_metrics.json` and the table of `docs/monitoring.md` from this one; tests compare
all three, and every dashboard and alert with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Sink = Callable[["Metric", float, Mapping[str, str]], None]

PREFIX = "dropscribe_"
"""Before every name, wherever it is written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One thing that is measured."""

    name: str
    """Without the prefix; ends with its unit, as Prometheus wants it."""
    kind: Literal["counter", "distribution", "gauge"]
    """`counter`: values are added up; `distribution`: each value counts; `gauge`: the last one counts."""
    by: Literal["log", "worker"]
    """How it gets to Cloud Monitoring, as in the table above."""
    about: str
    """What it is, in one sentence."""
    labels: tuple[str, ...] = ()
    """Names of its labels; every value is one of few, never free text."""
    bounds: tuple[float, ...] = ()
    """Upper bounds of the buckets of a distribution, rising."""

    @property
    def full_name(self) -> str:
        """The name in logs and Prometheus."""
        return f"{PREFIX}{self.name}"

    @property
    def type(self) -> str:
        """The type of the metric in Cloud Monitoring."""
        if self.by == "log":
            return f"logging.googleapis.com/user/{self.full_name}"
        # https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics
        kind = {"counter": "counter", "distribution": "histogram", "gauge": "gauge"}[self.kind]
        return f"prometheus.googleapis.com/{self.full_name}/{kind}"


SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
DOLLARS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
RATIOS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 30.0)
COUNTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0, 10_000.0)
AGES = (60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0, 604_800.0)

_logged = partial(Metric, by="log")
_of_worker = partial(Metric, by="worker")

_TABLE = (
    _logged(name="uploads_total", kind="counter", about="Recordings that were accepted."),
    _logged(
        name="recordings_ended_total",
        kind="counter",
        labels=("state",),
        about="Recordings that ended as DONE, FAILED or CANCELLED.",
    ),
    _logged(
        name="steps_total",
        kind="counter",
        labels=("where", "outcome"),
        about="Messages that a function or an engine has dealt with: `ok`; `refused`, if the file or the request is at "
        "fault; or `failed`.",
    ),
    _logged(
        name="webhooks_total",
        kind="counter",
        labels=("outcome",),
        about="Calls of the webhook URL: `delivered` or `failed`; and events that were "
        "`given_up` after a day.",
    ),
    _logged(
        name="chunks_total",
        kind="counter",
        labels=("engine",),
        about="Chunks that got their result.",
    ),
    _logged(
        name="handed_on_total",
        kind="counter",
        labels=("engine", "to"),
        about="Chunks that their engine gave up, and that another engine got.",
    ),
    _logged(
        name="dead_letters_total",
        kind="counter",
        labels=("where",),
        about="Messages that were given up and kept, by their subscription.",
    ),
    _logged(
        name="releases_back_total",
        kind="counter",
        about="Releases that the guard of a rollout sent back.",
    ),
    _logged(
        name="hosted_call_seconds",
        kind="distribution",
        labels=("engine", "outcome"),
        bounds=SECONDS,
        about="Duration of a call of a hosted engine, with its outcome: `ok`, or the code of its error; `rate` is 429.",
    ),
    _logged(
        name="processing_ratio",
        kind="distribution",
        bounds=RATIOS,
        about="Time from an upload to its transcript, divided by the time that its plan expected.",
    ),
    _logged(
        name="recording_usd",
        kind="distribution",
        bounds=DOLLARS,
        about="What a recording with a transcript cost, US dollars.",
    ),
    _logged(
        name="forecast_usd",
        kind="distribution",
        bounds=DOLLARS,
        about="What the plan of the same recording said that it would cost, US dollars.",
    ),
    _logged(
        name="usd_per_audio_hour",
        kind="distribution",
        bounds=DOLLARS,
        about="What a recording with a transcript cost for each hour of its audio, US dollars.",
    ),
    _logged(
        name="open_recordings",
        kind="gauge",
        labels=("state",),
        bounds=COUNTS,
        about="Recordings in progress: `accepted`, `planned`, or `held` for a budget.",
    ),
    _logged(
        name="waiting_audio_seconds",
        kind="gauge",
        labels=("who",),
        bounds=AGES,
        about="Audio whose chunks have no result yet, by the engine or the workers that it waits for.",
    ),
    _logged(
        name="transcript_age_seconds",
        kind="gauge",
        bounds=AGES,
        about="Time since the last transcript, at most 30 days.",
    ),
    _logged(
        name="rollout_unguarded_seconds",
        kind="gauge",
        bounds=AGES,
        about="Time since the guard last looked at the rollout under way, and was refused nothing, or since its step began; 0 if there is none.",
    ),
    _logged(
        name="spend_today_usd",
        kind="gauge",
        bounds=DOLLARS,
        about="The ledger's sum of today (UTC), idle workers included, US dollars.",
    ),
    _of_worker(
        name="worker_audio_seconds_total",
        kind="counter",
        about="Audio recognised, overlap included. Divided by the busy time it is the speed.",
    ),
    _of_worker(
        name="worker_padded_seconds_total",
        kind="counter",
        about="The same as computed, padding included.",
    ),
    _of_worker(name="worker_busy_seconds_total", kind="counter", about="Wall time inside the engine."),
    _of_worker(
        name="worker_idle_seconds_total",
        kind="counter",
        about="Wall time that the engine waited, since it was loaded.",
    ),
    _of_worker(name="worker_batches_total", kind="counter", about="Calls of the engine that succeeded."),
    _of_worker(
        name="worker_decode_seconds",
        kind="distribution",
        bounds=SECONDS,
        about="Wall time of fetching and decoding a chunk.",
    ),
    _of_worker(
        name="worker_listen_seconds",
        kind="distribution",
        bounds=SECONDS,
        about="Wall time of finding the voices of a chunk, where speakers are asked for.",
    ),
    _of_worker(
        name="worker_start_seconds",
        kind="gauge",
        labels=("step",),
        about="Duration of each step of a worker's start: `process`, `library`, `weights`, `warm_up`.",
    ),
    _of_worker(
        name="worker_peak_bytes",
        kind="gauge",
        labels=("memory",),
        about="Peak memory use: of the `GPU`, or `main`.",
    ),
)

METRICS = {one.name: one for one in _TABLE}
"""The metrics by name."""

_sinks: list[Sink] = []


def add_sink(sink: Sink) -> None:
    """Give all measurements of this process there too; a sink must not wait, and must not raise."""
    _sinks.append(sink)


def has_sinks() -> bool:
    """Whether there is a sink, for what has to be read to be measured."""
    return bool(_sinks)


def measure(name: str, value: float = 1.0, /, **labels: str) -> None:
    """Give a value of a metric, with all of its labels, to all sinks; nothing happens without them."""
    if not _sinks:
        return
    metric = METRICS[name]
    for sink in _sinks:
        sink(metric, value, labels)
