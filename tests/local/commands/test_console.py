"""`dropscribe console`, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.ports import free_port
from tests.test_architecture import ROOT

PATIENCE = 60


@pytest.fixture
def served(tmp_path):
    environment = os.environ | {"DROPSCRIBE_CONSOLE_PORT": str(free_port()), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "local.cli", "console", "--state-dir", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_it_prints_an_address_that_opens_the_page_and_ends_when_it_is_told_to(served):
    address = next(found[0] for line in served.stderr if (found := re.search(r"http://\S+", line)))
    with httpx.Client(follow_redirects=True) as client:
        for _ in range(PATIENCE * 5):
            try:
                answer = client.get(address)
                break
            except httpx.ConnectError:
                time.sleep(0.2)
        assert answer.status_code in {200, 404}
        base = address.partition("/?")[0]
        assert client.get(f"{base}/api/v1/recordings").json() == {"recordings": [], "next": None}
    assert httpx.get(f"{base}/api/v1/recordings").status_code == 401
    served.send_signal(signal.SIGTERM)
    served.wait(PATIENCE)
