"""The adapters of a process, by its settings."""

from __future__ import annotations

import importlib

import pytest

from shared import connect
from shared.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _as_a_new_process(monkeypatch, tmp_path):
    for name in ("DROPSCRIBE_PLATFORM", "K_SERVICE", "CLOUD_RUN_JOB", "DROPSCRIBE_PRICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    connect.connect.cache_clear()
    yield
    connect.connect.cache_clear()


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
