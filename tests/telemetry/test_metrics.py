from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.telemetry import metrics
from shared.telemetry.metrics import METRICS, PREFIX

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda one: one.name)
def test_a_name_is_one_that_prometheus_and_google_accept(metric):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.full_name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert all(re.fullmatch(r"[a-z_]+", label) for label in metric.labels)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda one: one.name)
def test_a_distribution_has_rising_bounds_and_so_has_a_gauge_that_the_log_can_only_count(metric):
    wanted = metric.kind == "distribution" or (metric.kind == "gauge" and metric.by == "log")
    assert bool(metric.bounds) == wanted
    assert list(metric.bounds) == sorted(set(metric.bounds))


def test_every_metric_is_measured_somewhere():
    text = "\n".join(
        path.read_text("utf-8")
        for folder in ("shared", "functions", "gpu_job", "local", "deployment")
        for path in (ROOT / folder).rglob("*.py")
    )
    found = set(re.findall(r"measure\(\s*\"(\w+)\"", text))
    assert found == set(METRICS)


def test_types_in_cloud_monitoring():
    assert METRICS["uploads_total"].type == f"logging.googleapis.com/user/{PREFIX}uploads_total"
    busy = METRICS["worker_busy_seconds_total"]
    assert busy.type == f"prometheus.googleapis.com/{PREFIX}worker_busy_seconds_total/counter"
    assert METRICS["worker_decode_seconds"].type.endswith("worker_decode_seconds/histogram")


def test_nobody_listens_unless_asked():
    assert not metrics.has_sinks()
