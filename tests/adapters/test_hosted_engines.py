"""Hosted engines are there where their keys are, and are loaded with their first call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.adapters.hosted_engines import open_hosted
from shared.errors import EngineRefused
from shared.settings import Settings
from tests.adapters.engines.test_deepgram import JOB
from tests.deepgram_server import KEY, deepgram_server


@pytest.fixture
def server():
    with deepgram_server() as running:
        yield running


def test_there_is_deepgram_exactly_where_there_is_a_key(server):
    assert open_hosted(Settings()) == {}
    hosted = open_hosted(Settings(api_keys={"deepgram": KEY}, addresses={"deepgram": server.url}))
    assert len(hosted["deepgram"].transcribe(JOB).words) == 6


def test_without_the_library_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "shared.adapters.engines.deepgram", None)
    hosted = open_hosted(Settings(api_keys={"deepgram": KEY}))
    with pytest.raises(EngineRefused, match=r"pip install 'dropscribe\[deepgram\]'"):
        hosted["deepgram"].transcribe(JOB)


def test_no_library_is_loaded_before_the_first_call():
    code = (
        "import sys; from shared.adapters.hosted_engines import open_hosted; from shared.settings import Settings\n"
        "assert open_hosted(Settings(api_keys={'deepgram': 'x'})) and 'deepgram' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
