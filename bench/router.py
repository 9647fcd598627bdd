"""The router as a process: cold start, first event, peak memory, on folders and on Google's clients.

    python -m bench router

Cold start is from the start of the interpreter to the answer to the first upload event, clients and decoding
process included. `event to chunk` is the same for an event that finds everything warm: from the POST to the
moment the first chunk message can be pulled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

import httpx
from google.cloud import storage

from bench import command_line
from gpu_job.peak_memory import peak_memory
from local.runtime.events import identified, object_resource
from shared.connect import connect
from shared.messages import FINALIZED_EVENT
from shared.topology import topology
from tests.emulators import firestore_emulator, gcs_server, pubsub_emulator
from tests.ports import free_port
from tests.pubsub_topology import ensure

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "samples" / "voice-note.opus"
PROJECT = "dropscribe-bench"
TOKEN = "a-token-of-the-benchmark"
WARM = 5
"""Events that find everything warm."""


def _tree_peak(process: int) -> float:
    """Peak resident sets of a process and its descendants, summed, MB: an upper bound of their peak."""
    listed = subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True)
    parents = dict(map(int, row.split()) for row in listed.splitlines())
    wanted = {process}
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return sum(map(peak_memory, wanted)) / 1e6


def _event(source) -> tuple[dict[str, str], bytes]:
    headers = {"ce-type": FINALIZED_EVENT, "ce-id": str(source.generation)} | identified(TOKEN)
    return headers, object_resource(source)


def _measure(name: str, upload, ports) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "functions_framework",
        "--source",
        str(ROOT / "functions/router/main.py"),
    ]
    command += ["--target", "on_upload", "--host", "127.0.0.1", "--port", str(port)]
    headers, body = _event(upload("first.opus"))
    started = time.perf_counter()
    environment = os.environ | {"DROPSCRIBE_FUNCTION_TOKEN": TOKEN}
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                answer = httpx.post(f"http://127.0.0.1:{port}/", headers=headers, content=body, timeout=60)
                break
            except httpx.ConnectError:
                time.sleep(0.01)
        cold = time.perf_counter() - started
        answer.raise_for_status()
        while ports.queue.pull("cpu-worker", 10, 60.0):
            pass
        took = []
        for number in range(WARM):
            headers, body = _event(upload(f"{number}.opus"))
            posted = time.perf_counter()
            httpx.post(
                f"http://127.0.0.1:{port}/", headers=headers, content=body, timeout=60
            ).raise_for_status()
            while not ports.queue.pull("cpu-worker", 10, 60.0):
                pass
            took.append(time.perf_counter() - posted)
        print(
            f"{name:28}cold start to first answer {cold:.2f} s, event to first chunk {sorted(took)[WARM // 2]:.3f} s, "
            f"peak {_tree_peak(server.pid):.0f} MB in all its processes",
            flush=True,
        )
    finally:
        server.terminate()
        server.wait()


def _embedded(folder: Path) -> None:
    environment = {"DROPSCRIBE_STATE_DIR": str(folder), "DROPSCRIBE_PLATFORM": "local"}
    with mock.patch.dict(os.environ, environment):
        connect.cache_clear()
        ports = connect()

        def upload(name):
            path = ports.store.path_of("audio", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE, path)
            return ports.store.stat("audio", name)

        _measure("folders and SQLite", upload, ports)
        ports.close()


def _google() -> None:
    with ExitStack() as stack:
        environment = {
            "DROPSCRIBE_PLATFORM": "google",
            "DROPSCRIBE_CPU_JOB": "dropscribe-cpu",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "PUBSUB_EMULATOR_HOST": stack.enter_context(pubsub_emulator()),
            "FIRESTORE_EMULATOR_HOST": stack.enter_context(firestore_emulator()),
            "STORAGE_EMULATOR_HOST": "http://" + stack.enter_context(gcs_server()),
        }
        stack.enter_context(mock.patch.dict(os.environ, environment))
        connect.cache_clear()
        ensure(PROJECT, topology())
        client, ports = storage.Client(project=PROJECT), connect()
        bucket = ports.settings.audio_bucket
        for name in (bucket, ports.settings.transcripts_bucket, ports.settings.work_bucket):
            client.create_bucket(name)

        def upload(name):
            client.bucket(bucket).blob(name).upload_from_filename(SAMPLE)
            return replace(ports.store.stat(bucket, name), metadata={})

        _measure("Google's clients, emulators", upload, ports)
        ports.media.close()


def main() -> int:
    """Measure both columns, and print a line for each."""
    command_line("router", __doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _embedded(Path(folder))
    _google()
    return 0


if __name__ == "__main__":
    sys.exit(main())
