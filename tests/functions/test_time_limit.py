"""A function that does not return ends its process; the next message finds another one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time

import httpx

from shared.messages import ChunkDone, encode
from tests.functions.conftest import TOKEN
from tests.ports import free_port
from tests.test_architecture import ROOT

HANGS = """
import time
from functions import time_limit
from shared.flow import record
def on_chunk_done(done, _ports):
    # The first message also starts what the others find, which may take a second.
    time_limit.PUSH = 1.0
    if done.index == 7:
        time.sleep(600)
record.on_chunk_done = on_chunk_done
from functions_framework._cli import _cli
_cli()
"""


CALLER = {"authorization": f"Bearer {TOKEN}"}


def body(index):
    data = base64.b64encode(encode(ChunkDone(recording="r", index=index))).decode()
    return json.dumps({"message": {"data": data, "messageId": str(index)}})


def posted(url, index, seconds=60.0):
    """The status of the answer; None if there is none."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return httpx.post(
                url, content=body(index), headers=CALLER, timeout=30.0, trust_env=False
            ).status_code
        except httpx.ConnectError:
            time.sleep(0.1)
        except httpx.HTTPError:
            return None
    raise AssertionError("it does not listen")


def test_a_message_that_is_not_answered_ends_the_process_and_the_next_finds_another(tmp_path):
    port = free_port()
    served = ["--source", "functions/merger/main.py", "--target", "on_chunk_done", "--host", "127.0.0.1"]
    environment = {
        "DROPSCRIBE_STATE_DIR": str(tmp_path),
        "PARAKEET_MODEL_NAME": "tiny",
        "DROPSCRIBE_PLATFORM": "local",
        "DROPSCRIBE_FUNCTION_TOKEN": TOKEN,
    }
    command = [sys.executable, "-c", HANGS, *served, "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}/"
            assert posted(url, 0) == 200
            assert posted(url, 7) is None
            assert posted(url, 1) == 200
        finally:
            server.terminate()
            _, said = server.communicate(timeout=30)
    assert (
        "the function ends: a message of merger has not returned within 1 s. It is delivered again." in said
    )
