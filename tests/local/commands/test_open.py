"""`dropscribe open`: the page in a browser, at a recording if one is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.commands import open as command
from local.runtime.page_address import page_address, running, way_in
from tests.ports import free_port
from tests.test_architecture import ROOT


@pytest.fixture
def browsers(monkeypatch):
    """Addresses that a browser was started with."""
    started = []
    monkeypatch.setattr(command.webbrowser, "open", lambda address: started.append(address) or True)
    monkeypatch.setenv("DISPLAY", ":0")
    return started


@pytest.fixture
def page(deployment):
    with ExitStack() as stack:
        yield page_address(replace(deployment.settings, console_port=free_port()), stack)


def test_the_page_that_is_served_opens_at_a_recording(deployment, ask, browsers, page):
    recording = deployment.upload("talk.wav")
    result = ask("open", "talk.wav")
    assert (result.exit_code, result.stderr) == (0, "")
    address = page.at(f"/recordings/{recording.id}")
    assert result.stdout == f"{address}\n"
    [started] = browsers
    # The command line of a browser can be read by all accounts.
    assert page.token not in started
    assert address in Path(started.removeprefix("file://")).read_text("utf-8")
    assert ask("open").stdout == f"{page.address}\n"


def test_without_a_display_only_the_address_is_printed(deployment, ask, browsers, page, monkeypatch):
    assert ask("open", "--no-browser").stdout == f"{page.address}\n"
    for name in command.DISPLAYS:
        monkeypatch.delenv(name, raising=False)
    assert ask("open").stdout == f"{page.address}\n"
    assert browsers == []


def test_where_no_browser_starts_the_person_is_told(ask, page, browsers, monkeypatch):
    monkeypatch.setattr(command.webbrowser, "open", lambda _: False)
    result = ask("open")
    assert result.exit_code == 0
    assert "open the address yourself" in result.stderr


def test_a_recording_that_is_not_there_opens_nothing(deployment, ask, browsers, page):
    result = ask("open", "nonsense.wav")
    assert (result.exit_code, result.stdout, browsers) == (66, "", [])
    assert "There is no recording nonsense.wav." in result.stderr


def test_where_nothing_serves_the_page_it_does_and_a_browser_gets_in_by_the_file(deployment, browser):
    recording = deployment.done("talk.wav")
    environment = os.environ | {
        "DROPSCRIBE_CONSOLE_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
        "DROPSCRIBE_STATE_DIR": str(deployment.settings.state_dir),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "local.cli", "open", "talk.wav", "--no-browser"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = process.stdout.readline().strip()
        served = running(deployment.settings)
        assert served is not None
        assert address == served.at(f"/recordings/{recording.id}")
        path = way_in(address, deployment.settings)
        with browser.new_context() as context:
            shown = context.new_page()
            shown.goto(path.as_uri())
            expect(shown.get_by_role("heading", name="talk.wav")).to_be_visible(timeout=60_000)
            assert "token" not in shown.url
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert running(deployment.settings) is None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
