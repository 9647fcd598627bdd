"""The adapters of a process, by its settings."""

from __future__ import annotations

import contextlib
import importlib
import threading

import pytest

from local.runtime import prometheus
from shared import connect
from shared.errors import ConfigurationError
from shared.telemetry import logs, metrics, spans
from shared.telemetry.logs import log_measurement


@pytest.fixture(autouse=True)
def _as_a_new_process(monkeypatch, tmp_path):
    for name in ("DROPSCRIBE_PLATFORM", "K_SERVICE", "CLOUD_RUN_JOB", "DROPSCRIBE_PRICES", prometheus.FOLDER):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    connect.connect.cache_clear()
    yield
    connect.connect.cache_clear()
    metrics._sinks.clear()
    spans._sinks.clear()


@pytest.mark.parametrize("module", connect.PLATFORMS.values())
def test_every_platform_has_a_module_that_opens_its_ports(module):
    assert callable(importlib.import_module(module).open_ports)


def test_ports_are_opened_once_for_a_process(tmp_path):
    ports = connect.connect()
    try:
        assert ports.settings.state_dir == tmp_path
        assert connect.connect() is ports
    finally:
        ports.close()


def test_a_misspelt_setting_is_told(monkeypatch, capfd):
    monkeypatch.setenv("DROPSCRIBE_SPEED", "high")
    connect.connect().close()
    assert "DROPSCRIBE_SPEED" in capfd.readouterr().err


def test_a_list_of_prices_that_cannot_be_read_is_a_wrong_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("DROPSCRIBE_PRICES", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        connect.settings_here()


def test_a_function_with_a_wrong_setting_ends_at_once_with_one_line(monkeypatch, capfd):
    connect.check_settings()
    monkeypatch.setenv("GPU_BATCH_SIZE", "none")
    with pytest.raises(SystemExit) as ended:
        connect.check_settings()
    assert ended.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "GPU_BATCH_SIZE" in line


def test_on_one_machine_nothing_is_measured_unless_somebody_asks(monkeypatch):
    started = []
    monkeypatch.setattr(prometheus, "start", started.append)
    connect.connect().close()
    assert not metrics.has_sinks()
    assert started == []
    connect.connect.cache_clear()
    monkeypatch.setenv(prometheus.FOLDER, "/nowhere")
    connect.connect().close()
    assert [one.platform for one in started] == ["local"]


def test_performance_metrics_can_be_switched_off_while_the_log_goes_on(monkeypatch, capfd):
    monkeypatch.setattr(prometheus, "start", lambda _settings: pytest.fail("it is switched off"))
    monkeypatch.setenv(prometheus.FOLDER, "/nowhere")
    monkeypatch.setenv("ENABLE_PERFORMANCE_METRICS", "false")
    monkeypatch.setenv("K_SERVICE", "router")
    connect.connect().close()
    assert metrics._sinks == [log_measurement]


@pytest.mark.parametrize("module", connect.TELEMETRY.values())
def test_every_platform_has_a_module_that_sends_what_is_measured(module):
    assert callable(importlib.import_module(module).start)


def test_the_keys_of_a_process_are_taken_out_of_its_log(monkeypatch):
    monkeypatch.setattr(logs, "_keys", [])
    monkeypatch.setenv("DEEPGRAM_API_KEY", "0123456789abcdef")
    connect.connect().close()
    assert logs.without_secrets("it said 0123456789abcdef") == "it said …"


def test_two_first_messages_at_one_time_are_not_measured_twice(monkeypatch):
    monkeypatch.setenv("K_SERVICE", "router")
    settings = connect.settings_here()
    barrier = threading.Barrier(2)
    add = metrics.add_sink

    def together(sink):
        # Both get here at one time unless the first one keeps the other out.
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(0.1)
        add(sink)

    monkeypatch.setattr(metrics, "add_sink", together)
    threads = [threading.Thread(target=connect._start_telemetry, args=(settings,)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert metrics._sinks == [log_measurement]
