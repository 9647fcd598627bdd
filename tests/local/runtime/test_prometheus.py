"""What `dropscribe up --metrics-port` serves."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from local.runtime import prometheus
from shared.errors import ConfigurationError
from shared.telemetry.metrics import METRICS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]

PROCESS = """
from local.runtime import prometheus
from shared.telemetry import measure
prometheus.start(None)
measure("uploads_total")
measure("open_recordings", 3, state="planned")
measure("worker_decode_seconds", 0.2)
"""


def test_what_two_processes_measured_is_served_as_one_also_after_their_end(tmp_path):
    """Two real processes, because the library decides at its import how to keep numbers."""
    port = free_port()
    with prometheus.served(port, tmp_path):
        for _ in range(2):
            subprocess.run(
                [sys.executable, "-c", PROCESS],
                check=True,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    assert "dropscribe_uploads_total 2.0" in text
    assert 'dropscribe_open_recordings{state="planned"} 3.0' in text
    assert "dropscribe_worker_decode_seconds_count 2.0" in text
    assert 'dropscribe_worker_decode_seconds_bucket{le="0.25"} 2.0' in text
    assert prometheus.FOLDER not in os.environ
    assert not (tmp_path / "metrics").exists()


def test_every_metric_can_be_kept():
    registry = CollectorRegistry()
    sink = prometheus.Measurements(registry)
    for metric in METRICS.values():
        sink(metric, 1.0, dict.fromkeys(metric.labels, "x"))
    text = generate_latest(registry).decode()
    assert [one for one in METRICS.values() if f"\n# HELP {one.full_name}" not in f"\n{text}"] == []


def test_without_the_option_nothing_happens(tmp_path):
    with prometheus.served(None, tmp_path):
        assert prometheus.FOLDER not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_a_clear_error(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=rf"Port {port} .*--metrics-port"),
            prometheus.served(port, tmp_path),
        ):
            pytest.fail("it is taken")
    assert prometheus.FOLDER not in os.environ


def test_a_missing_library_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(prometheus.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="dropscribe\\[metrics\\]"), prometheus.served(1, tmp_path):
        pytest.fail("it is missing")


@pytest.fixture
def served(tmp_path):
    port = free_port()
    with prometheus.served(port, tmp_path):
        yield port


@pytest.mark.parametrize("headers", [{"Host": "rebind.evil.example"}, {"Origin": "https://evil.example"}])
def test_no_web_page_reads_measurements(served, headers):
    request = urllib.request.Request(f"http://127.0.0.1:{served}/metrics", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 403


def test_half_sent_requests_take_neither_its_threads_nor_its_files(served):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", served), timeout=20))
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127")
        with urllib.request.urlopen(f"http://127.0.0.1:{served}/metrics", timeout=20) as answer:
            assert answer.status == 200
        assert threading.active_count() < before + 10
