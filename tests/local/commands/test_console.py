"""`dropscribe console`, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from tests.ports import free_port
from tests.test_architecture import ROOT

PATIENCE = 90


@pytest.fixture
def more(request):
    """More of the environment."""
    return getattr(request, "param", {})


@pytest.fixture
def served(tmp_path, more):
    environment = os.environ | {"DROPSCRIBE_CONSOLE_PORT": str(free_port()), "PYTHONPATH": str(ROOT)} | more
    command = [sys.executable, "-m", "local.cli", "console", "--state-dir", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda one: one.name)
def test_it_prints_an_address_that_opens_the_page_until_it_ends_in_whatever_way(served, until, number):
    address = next(found[0] for line in served.stderr if (found := re.search(r"http://\S+", line)))
    base = address.partition("/?")[0]
    until(lambda: answers(base), PATIENCE)
    with httpx.Client(follow_redirects=True) as client:
        assert client.get(address).status_code in {200, 404}
        assert client.get(f"{base}/api/v1/recordings").json() == {"recordings": [], "next": None}
    assert httpx.get(f"{base}/api/v1/recordings").status_code == 401
    served.send_signal(number)
    served.wait(PATIENCE)
    until(lambda: not answers(base), PATIENCE)


@pytest.mark.parametrize(
    "more",
    [{"DROPSCRIBE_CONSOLE_HOST": "0.0.0.0", "DROPSCRIBE_CONSOLE_TOKEN": "0123456789abcdef0123456789abcdef"}],
    indirect=True,
)
def test_it_can_listen_to_other_machines(served, until):
    address = next(found[0] for line in served.stderr if (found := re.search(r"http://\S+", line)))
    base = address.partition("/?")[0]
    until(lambda: answers(base) or served.poll() is not None, PATIENCE)
    assert served.poll() is None
    # Every address of 127.0.0.0/8 is this machine, but only 127.0.0.1 would answer without the setting.
    assert answers(base.replace("127.0.0.1", "127.0.0.2"))


@pytest.mark.parametrize(
    "more",
    [
        {
            "DROPSCRIBE_CONSOLE_HOST": "127.0.0.2",
            "DROPSCRIBE_CONSOLE_TOKEN": "0123456789abcdef0123456789abcdef",
        }
    ],
    indirect=True,
)
def test_at_one_address_that_one_is_printed_and_opens_the_page(served):
    address = next(found[0] for line in served.stderr if (found := re.search(r"http://\S+", line)))
    assert address.startswith("http://127.0.0.2:")
    # It is printed once it opens.
    assert httpx.get(address).status_code == 303


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"DROPSCRIBE_CONSOLE_TOKEN": "short"}, "can be guessed"),
        (
            {
                "DROPSCRIBE_CONSOLE_HOST": "192.0.2.1",
                "DROPSCRIBE_CONSOLE_TOKEN": "0123456789abcdef0123456789abcdef",
            },
            "Set DROPSCRIBE_CONSOLE_HOST to an address that this machine has.",
        ),
    ],
    indirect=["more"],
)
def test_a_wrong_setting_ends_it_with_the_code_of_one_and_no_address(served, said):
    assert served.wait(PATIENCE) == 78
    told = served.stderr.read()
    assert said in told
    assert "http://" not in told


def answers(base):
    try:
        return httpx.get(f"{base}/health").is_success
    except httpx.TransportError:
        return False
