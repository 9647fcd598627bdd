"""Measurements and spans on their way to Google, over HTTP to a collector of this test."""

from __future__ import annotations

import threading

import pytest

from shared.adapters import cloud_telemetry
from shared.settings import Settings
from shared.telemetry import about, flush, measure, metrics, span, spans
from shared.telemetry.context import of_recording, parse
from tests.collector import collector

SETTINGS = Settings(platform="google", project="my-project", metrics_interval=3600.0, release="1.2.3")


@pytest.fixture(name="collector")
def _collector(monkeypatch):
    with collector() as running:
        monkeypatch.setenv(cloud_telemetry.COLLECTOR, running.url)
        yield running
        metrics._sinks.clear()
        spans._sinks.clear()


def test_each_task_of_a_worker_sends_a_series_of_its_own(collector, monkeypatch):
    monkeypatch.setenv("CLOUD_RUN_JOB", "dropscribe-gpu")
    monkeypatch.setenv("CLOUD_RUN_EXECUTION", "dropscribe-gpu-x7k2p")
    monkeypatch.setenv("CLOUD_RUN_TASK_INDEX", "2")
    cloud_telemetry.start(SETTINGS)
    for seconds in (1.0, 2.0):
        measure("worker_busy_seconds_total", seconds)
    measure("worker_decode_seconds", 0.3)
    measure("worker_start_seconds", 7.0, step="weights")
    measure("uploads_total")  # goes by the log
    flush(5.0)
    [message] = collector.metrics()
    [resource] = message.resource_metrics
    about_it = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert about_it["service.instance.id"] == "dropscribe-gpu-x7k2p.2"
    assert (about_it["service.name"], about_it["service.version"]) == ("dropscribe-gpu", "1.2.3")
    assert (about_it["gcp.project_id"], about_it["cloud.region"]) == ("my-project", "us-central1")
    found = {one.name: one for one in resource.scope_metrics[0].metrics}
    assert set(found) == {
        "dropscribe_worker_busy_seconds_total",
        "dropscribe_worker_decode_seconds",
        "dropscribe_worker_start_seconds",
    }
    assert found["dropscribe_worker_busy_seconds_total"].sum.data_points[0].as_double == 3.0
    histogram = found["dropscribe_worker_decode_seconds"].histogram.data_points[0]
    assert tuple(histogram.explicit_bounds) == metrics.SECONDS
    [gauge] = found["dropscribe_worker_start_seconds"].gauge.data_points
    assert (gauge.as_double, gauge.attributes[0].key, gauge.attributes[0].value.string_value) == (
        7.0,
        "step",
        "weights",
    )


def test_a_span_is_sent_with_its_own_ids_when_a_function_is_about_to_answer(collector):
    cloud_telemetry.start(SETTINGS)
    parent = of_recording("abc")
    with pytest.raises(ValueError, match="no"), about("abc", 1, parent), span("merger", attempt=2):
        raise ValueError("no")
    flush(5.0)
    [one] = collector.spans()
    assert (one.trace_id.hex(), one.parent_span_id.hex()) == parse(parent)
    assert (one.name, one.status.message) == ("merger", "ValueError")
    assert {two.key for two in one.attributes} == {"dropscribe.recording", "dropscribe.chunk", "attempt"}


def test_a_collector_that_does_not_answer_costs_no_more_than_the_time_given(collector):
    collector.answer.clear()
    cloud_telemetry.start(SETTINGS)
    with about("abc", traceparent=of_recording("abc")), span("merger"):
        pass
    done = threading.Event()
    thread = threading.Thread(target=lambda: (flush(0.05), done.set()))
    thread.start()
    assert done.wait(2.0)
    thread.join()


def test_a_function_that_measures_nothing_has_no_thread_that_sends(collector):
    cloud_telemetry.start(SETTINGS)
    measure("uploads_total")
    flush(1.0)
    assert collector.got == []


def test_beside_emulators_nothing_is_sent_to_google(monkeypatch):
    monkeypatch.delenv(cloud_telemetry.COLLECTOR, raising=False)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "localhost:1")
    cloud_telemetry.start(SETTINGS)
    assert not metrics.has_sinks()


def test_to_google_goes_what_is_signed_with_the_accounts_credentials(monkeypatch):
    sessions = []
    monkeypatch.delenv(cloud_telemetry.COLLECTOR, raising=False)
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(cloud_telemetry.credentials, "default", lambda: "c")
    monkeypatch.setattr(cloud_telemetry, "AuthorizedSession", lambda credentials: f"session of {credentials}")

    def exporter(*, endpoint, timeout, session):
        sessions.append((endpoint, session))

    monkeypatch.setattr(cloud_telemetry, "OTLPSpanExporter", exporter)
    monkeypatch.setattr(cloud_telemetry, "BatchSpanProcessor", lambda _exporter: None)
    cloud_telemetry.start(SETTINGS)
    metrics._sinks.clear()
    spans._sinks.clear()
    assert sessions == [("https://telemetry.googleapis.com/v1/traces", "session of c")]
