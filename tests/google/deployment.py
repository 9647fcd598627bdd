"""A whole deployment on this machine, as Terraform creates it, with Google's own clients over the wire to emulators.

    object uploaded with the real client ─▶ Cloud Storage emulator ─notification─▶ Pub/Sub emulator
    Pub/Sub emulator ─push over HTTP─▶ functions (functions-framework, one process each)
    Pub/Sub emulator ◀─pull── worker (`python -m gpu_job --stay`) ─▶ Firestore emulator
    browser ─header that a made-up Identity-Aware Proxy signs─▶ console (`python -m console`), where a test wants it

`python -m tests.google.deployment FILES…` shows it to a person (`make demo-gcp-emulators`). Topics, subscriptions,
buckets and what each process is told come from `terraform/tests/processors.json` alone: what Terraform creates for a
deployment without a GPU. Added are the addresses of the emulators, and a tiny model in the place of the images' weights.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import httpx
from google.cloud import storage
from google.pubsub_v1 import SubscriberClient

from local.commands.audio import inputs
from shared.adapters.google_ports import open_ports
from shared.adapters.pubsub import client_of
from shared.errors import BadRequest
from shared.flow import record
from shared.ports import Ports
from shared.settings import Settings
from shared.state import documents
from tests.emulators import firestore_emulator, gcs_server, pubsub_emulator
from tests.faults import proc
from tests.ports import free_port
from tests.pubsub_topology import create
from tests.terraform.check import FILES
from tests.terraform.deployed import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.model import Recording
    from tests.terraform.deployed import Process

ROOT = Path(__file__).resolve().parent.parent.parent
LAID = Deployed.of_project(FILES["processors"], f"dropscribe-{os.environ.get('PYTEST_XDIST_WORKER', 'test')}")
PROJECT = LAID.project
WEIGHTS = {"nvidia/parakeet-tdt-0.6b-v3": "tiny"}
"""What stands here for the weights in the images: a deployment that names others finds none."""
OURS = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")
"""Variables of this process that the others get as well."""
MINUTE = 60.0
"""Seconds between two ticks."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A running deployment."""

    ports: Ports
    """Its ports, from this process."""
    environment: dict[str, str]
    """Settings of its processes, emulators included."""
    log: Path
    """What its processes said."""
    clocked: tuple[str, ...]
    """Addresses of the functions that a clock feeds."""
    processes: Processes
    """Those of its functions and jobs."""
    console: str = ""
    """Address of the page, without a slash at its end; empty: it was not wanted."""

    def upload(self, name: str, path: Path, metadata: dict[str, str] | None = None) -> int:
        """Upload with the real client; gives the generation."""
        blob = storage.Client(project=PROJECT).bucket(self.ports.settings.audio_bucket).blob(name)
        blob.metadata = metadata
        blob.upload_from_filename(path, if_generation_match=0)
        return int(blob.generation)

    def tick(self) -> None:
        """What Cloud Scheduler does every minute."""
        for address in self.clocked:
            request = urllib.request.Request(address, data=b"", method="POST")
            with urllib.request.urlopen(request, timeout=60.0):
                pass

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


def _empty(project: str, firestore: str) -> None:
    """Take away what an earlier deployment left in emulators that go on running: subscriptions and documents.

    Subscriptions push to where that one served, and stay as they are if they are created again.
    """
    with client_of(SubscriberClient) as subscribing:
        for one in subscribing.list_subscriptions(project=f"projects/{project}"):
            subscribing.delete_subscription(subscription=one.name)
    path = f"/emulator/v1/projects/{project}/databases/(default)/documents"
    httpx.delete(f"http://{firestore}{path}", timeout=30.0).raise_for_status()


@contextmanager
def deployed(
    folder: Path,
    laid: Deployed = LAID,
    *,
    secrets: Mapping[str, str] | None = None,
    record: Path | None = None,
    keys: str = "",
    **settings: str,
) -> Iterator[Deployment]:
    """Start everything, wait until it serves, stop everything.

    Args:
        folder: for the log.
        laid: what Terraform creates.
        secrets: values of the secrets, by their names; the variables of one without a value are not set.
        keys: address of the keys with which requests to the console are signed; empty: there is no console.
        record: a folder in which the calls of each process are written to a file of its name.
        settings: more of them for every process, like Terraform's variable `settings`.
    """
    with ExitStack() as stack:
        emulators = {
            "PUBSUB_EMULATOR_HOST": stack.enter_context(pubsub_emulator()),
            "FIRESTORE_EMULATOR_HOST": stack.enter_context(firestore_emulator()),
        }
        endpoints = {key: f"http://127.0.0.1:{free_port()}/" for key in laid.functions}
        # The emulator of Cloud Storage, too, finds that of Pub/Sub by its variable.
        stack.enter_context(mock.patch.dict(os.environ, emulators))
        _empty(laid.project, emulators["FIRESTORE_EMULATOR_HOST"])
        create(laid.project, laid.topics, laid.subscriptions(endpoints))
        bucket, topic = laid.notification
        notify = [
            "-event.pubsub-project-id",
            laid.project,
            "-event.pubsub-topic",
            topic,
            "-event.bucket",
            bucket,
        ]
        emulators["STORAGE_EMULATOR_HOST"] = "http://" + stack.enter_context(gcs_server(*notify))

        def environment(process: Process) -> dict[str, str]:
            """What a process is told."""
            told = process.environment | emulators | settings
            for variable, secret in process.secrets.items():
                if secret in (secrets or {}):
                    told[variable] = (secrets or {})[secret]
            model = told.get("PARAKEET_MODEL_NAME", "")
            return told | {"PARAKEET_MODEL_NAME": WEIGHTS.get(model, model)}

        # This process asks as the router does.
        own = environment(laid.functions["router"])
        stack.enter_context(mock.patch.dict(os.environ, own))
        client = storage.Client(project=laid.project)
        for name in laid.buckets.values():
            client.create_bucket(name)

        def python(key: str, module: str, *arguments: str) -> list[str]:
            recorder = ["tests.google.recorded", str(record / key)] if record else []
            return [sys.executable, "-m", *recorder, module, *arguments]

        commands = {
            key: (python(key, "functions_framework"), _serving(one, endpoints[key]) | environment(one))
            for key, one in laid.functions.items()
        }
        for key, one in laid.jobs.items():
            option, module, *arguments = one.arguments
            assert option == "-m", f"{one.name} runs no module"
            commands[key] = (
                python(key, module, *arguments, "--stay"),
                {"CLOUD_RUN_JOB": one.name} | environment(one),
            )
        console = f"http://127.0.0.1:{free_port()}" if keys else ""
        if console:
            command = python("console", "tests.google.proxy", keys, "console")
            commands["console"] = (command, _serving(laid.console, console) | environment(laid.console))
        log = folder / "deployment.log"
        serving = endpoints | ({"console": console} if console else {})
        processes = stack.enter_context(_processes(commands, serving, log))
        ports = open_ports(Settings.from_environment())
        stack.callback(ports.close)
        running = Deployment(
            ports=ports,
            environment=own,
            log=log,
            clocked=tuple(endpoints[key] for key in laid.clocked),
            processes=processes,
            console=console,
        )
        stack.enter_context(_clock(running))
        yield running


def _serving(process: Process, endpoint: str) -> dict[str, str]:
    """What Cloud Run itself tells a service."""
    port = endpoint.rstrip("/").rsplit(":", 1)[1]
    return {"HOST": "127.0.0.1", "PORT": port, "K_SERVICE": process.name}


class Processes:
    """The processes of the functions and jobs, each by its key.

    Args:
        commands: how each is started, and its environment.
        endpoints: addresses of those that serve.
        log: gets what they say.
    """

    def __init__(
        self, commands: dict[str, tuple[list[str], dict[str, str]]], endpoints: dict[str, str], log: Path
    ) -> None:
        self.jobs = sorted(commands.keys() - endpoints.keys())
        self.functions = sorted(endpoints)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._base = {name: os.environ[name] for name in OURS if name in os.environ}
        self._commands, self._endpoints, self._log = commands, endpoints, log

    def start(self, key: str) -> None:
        """Start one; the platform does so when there is work and none is there."""
        command, told = self._commands[key]
        with self._log.open("ab") as out:
            self.running[key] = subprocess.Popen(
                [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid()), *command],
                cwd=ROOT, env=self._base | told, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    def serves(self, key: str) -> None:
        """Wait until one answers, if it is a function."""
        if key in self._endpoints:
            _wait_for(self._endpoints[key])

    def kill(self, key: str) -> None:
        """End one at once, with all that descends from it."""
        proc.kill(proc.tree(self.running[key].pid))
        self.running[key].wait()

    def stop(self) -> None:
        """End all as the platform does."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(30)


@contextmanager
def _processes(
    commands: dict[str, tuple[list[str], dict[str, str]]], endpoints: dict[str, str], log: Path
) -> Iterator[Processes]:
    processes = Processes(commands, endpoints, log)
    try:
        for key in commands:
            processes.start(key)
        for key in endpoints:
            processes.serves(key)
        yield processes
    finally:
        processes.stop()


@contextmanager
def _clock(deployment: Deployment) -> Iterator[None]:
    """Cloud Scheduler."""
    stop = threading.Event()

    def ticks() -> None:
        while not stop.wait(MINUTE):
            with suppress(OSError):  # the next minute tries again
                deployment.tick()

    thread = threading.Thread(target=ticks, name="clock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(MINUTE)


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
            "starting Cloud Storage, Pub/Sub and Firestore emulators, seven functions and a worker …",
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
