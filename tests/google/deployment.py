"""A whole deployment on this machine, with Google's own clients over the wire to emulators.

    object uploaded with the real client ─▶ Cloud Storage emulator ─notification─▶ Pub/Sub emulator
    Pub/Sub emulator ─push over HTTP─▶ functions (functions-framework, one process each)
    Pub/Sub emulator ◀─pull── worker (`python -m gpu_job --stay`) ─▶ Firestore emulator

`python -m tests.google.deployment FILES…` shows it to a person (`make demo-gcp-emulators`). The settings it
gives to its processes are those of a real project, plus the addresses of the emulators.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from google.cloud import storage

from local.commands import inputs
from shared.adapters.google_ports import open_ports
from shared.adapters.pubsub_setup import ensure
from shared.errors import BadRequest
from shared.flow import record
from shared.ports import Ports
from shared.settings import Settings
from shared.state import documents
from shared.topology import topology
from tests.emulators import firestore_emulator, gcs_server, pubsub_emulator
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model import Recording

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = "dropscribe-test"
FUNCTIONS = {
    "router": ("functions/router/main.py", "on_upload"),
    "requests": ("functions/router/main.py", "on_request"),
    "merger": ("functions/merger/main.py", "on_chunk_done"),
    "dead-letters": ("functions/sweeper/main.py", "on_dead_letter"),
    "deepgram": ("functions/hosted/main.py", "on_chunk"),
}
"""Which function each push subscription delivers to."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A running deployment."""

    ports: Ports
    """Its ports, from this process."""
    environment: dict[str, str]
    """Settings of its processes, emulators included."""
    log: Path
    """What its processes said."""

    def upload(self, name: str, path: Path, metadata: dict[str, str] | None = None) -> int:
        """Upload with the real client; gives the generation."""
        blob = storage.Client(project=PROJECT).bucket(self.ports.settings.audio_bucket).blob(name)
        blob.metadata = metadata
        blob.upload_from_filename(path, if_generation_match=0)
        return int(blob.generation)

    def wait(self, name: str, seconds: float = 120.0) -> Recording:
        """The recording of an object, once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for one in documents.recordings(self.ports.records):
                if one.source.name == name and one.ended and one.announced:
                    return one
            time.sleep(0.2)
        raise TimeoutError(
            f"{name} has not ended after {seconds} s; the processes said:\n{self.log.read_text()}"
        )


@contextmanager
def deployed(folder: Path, **settings: str) -> Iterator[Deployment]:
    """Start everything, wait until it serves, stop everything."""
    with ExitStack() as stack:
        pubsub = stack.enter_context(pubsub_emulator())
        environment = {
            "DROPSCRIBE_PLATFORM": "google",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "PARAKEET_MODEL_NAME": "tiny",
            "DROPSCRIBE_CPU_JOB": "dropscribe-cpu",
            "PUBSUB_EMULATOR_HOST": pubsub,
            "FIRESTORE_EMULATOR_HOST": stack.enter_context(firestore_emulator()),
            **settings,
        }
        endpoints = {name: f"http://127.0.0.1:{free_port()}/" for name in FUNCTIONS}
        stack.enter_context(mock.patch.dict(os.environ, environment))
        _create_topics(endpoints)
        notify = [
            "-event.pubsub-project-id",
            PROJECT,
            "-event.pubsub-topic",
            "audio-finalized",
            "-event.bucket",
            Settings.from_environment().audio_bucket,
        ]
        storage_host = "http://" + stack.enter_context(gcs_server(*notify))
        environment["STORAGE_EMULATOR_HOST"] = storage_host
        stack.enter_context(mock.patch.dict(os.environ, {"STORAGE_EMULATOR_HOST": storage_host}))
        _create_buckets()
        log = folder / "deployment.log"
        stack.enter_context(_processes(endpoints, log))
        ports = open_ports(Settings.from_environment())
        stack.callback(ports.close)
        yield Deployment(ports=ports, environment=environment, log=log)


def _create_topics(endpoints: dict[str, str]) -> None:
    ensure(PROJECT, topology(), push=endpoints)


def _create_buckets() -> None:
    client, settings = storage.Client(project=PROJECT), Settings.from_environment()
    for name in (settings.audio_bucket, settings.transcripts_bucket, settings.work_bucket):
        client.create_bucket(name)


@contextmanager
def _processes(endpoints: dict[str, str], log: Path) -> Iterator[None]:
    commands = [[sys.executable, "-m", "gpu_job", "--stay"]]
    for name, (source, target) in FUNCTIONS.items():
        port = endpoints[name].rstrip("/").rsplit(":", 1)[1]
        serve = ["--source", str(ROOT / source), "--target", target, "--host", "127.0.0.1", "--port", port]
        commands.append([sys.executable, "-m", "functions_framework", *serve])
    with log.open("ab") as out:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid()), *command],
                cwd=ROOT, stdout=out, stderr=out, start_new_session=True,
            )
            for command in commands
        ]  # fmt: skip
    try:
        for url in endpoints.values():
            _wait_for(url)
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def _wait_for(url: str, seconds: float = 60.0) -> None:
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens at {url}")


def main() -> int:
    """Show it: upload files, wait, and print what came out."""
    given = [Path(one) for one in sys.argv[1:]] or [ROOT / "samples"]
    try:
        files = {one.output.as_posix(): one.path for one in inputs.collect(given).files}
    except BadRequest as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        print(
            "starting Cloud Storage, Pub/Sub and Firestore emulators, five functions and a worker …",
            flush=True,
        )
        with deployed(Path(folder)) as deployment:
            settings = deployment.ports.settings
            for name, path in files.items():
                deployment.upload(name, path)
                print(f"uploaded gs://{settings.audio_bucket}/{name}", flush=True)
            states = {_show(deployment, name).state for name in files}
    return 0 if states == {"DONE"} else 1


def _show(deployment: Deployment, name: str) -> Recording:
    """Wait for the end of an object's recording, and print what came of it."""
    ports, ended = deployment.ports, deployment.wait(name)
    told = ended.reason
    if ended.state == "DONE":
        usd = record.cost(ended.id, ports)
        told = f"{ended.words} words of {ended.duration} s, {ended.decision.method}, ${usd:g}"
    print(f"{ended.state:6} {ended.source.uri}: {told}", flush=True)
    for output in ended.outputs:
        print(f"       gs://{ports.settings.transcripts_bucket}/{output}")
        if output.endswith("transcript.txt"):
            text = ports.store.load(ports.settings.transcripts_bucket, output).decode()
            print(f"       {text[:100].partition(chr(10))[0]} …" if text else "       (nothing is said)")
    return ended


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
