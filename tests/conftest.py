"""Settings of all tests, and one emulator of each kind for the whole run."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import importlib
import logging
import os
import pickle
import shutil
import ssl
import sys
from collections import defaultdict
from pathlib import Path
from unittest import mock

import certifi
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from local.backend import embedded_ports
from shared.audio import pool
from shared.audio.sandbox.parent import Sandbox
from shared.engines import ENGINES
from shared.telemetry import log
from tests import decoders, emulators, kept
from tests.index_rules import IndexedRecords
from tests.world import World

# A key of the person who runs the tests would have them call, and pay, the real Deepgram.
os.environ.pop("DEEPGRAM_API_KEY", None)

# Hundreds of processes are started, and each would compile the modules of this repository again: a second of each worker.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Each of hundreds of clients would read the same certificates, which takes longer than most tests.
CERTIFICATES = {certifi.where(), os.environ.get("SSL_CERT_FILE")}
_create = ssl.create_default_context
_certified = functools.cache(_create)
ssl.create_default_context = lambda *args, **named: (
    _certified if not args and [*named] == ["cafile"] and named["cafile"] in CERTIFICATES else _create
)(*args, **named)

# No command, function or page is tested with a query that Firestore would refuse.
embedded_ports.SqliteRecords = IndexedRecords

# One test already keeps its core busy: torch's threads would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MEMORY, ENOUGH = "/dev/shm", 4_000_000_000
# Half of the time of tests with a queue or records is waiting for a disk, and none of them outlives a loss of power.
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)

# Properties are about behaviour, not time: a busy computer must not fail them. Every run tries the same examples, so
# that a change is told of what it broke itself; `make explore` tries new ones.
BUSY = [HealthCheck.too_slow]
settings.register_profile("same", deadline=None, suppress_health_check=BUSY, derandomize=True)
settings.register_profile("new", deadline=None, suppress_health_check=BUSY, print_blob=True)
settings.load_profile("same")

_constants_of_modules = providers._get_local_constants


def _constants():
    """Numbers and words of the modules that happen to be imported make other examples: only `make explore` takes them."""
    same = settings.get_current_profile_name() == "same"
    return providers._local_constants if same else _constants_of_modules()


providers._get_local_constants = _constants


def pytest_configure(config):
    """Only a run of everything leaves out what is slow: a folder or file that is named runs with all its tests."""
    named = [Path(one.partition("::")[0]).resolve() for one in config.args]
    if all(Path(__file__).parent in path.parents for path in named):
        config.option.markexpr = config.option.markexpr.removesuffix(" and not slow")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Two more than there are cores, because tests wait for a third of their time; each takes about 1 GB of memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(10, cores + 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):
    """Each process compiles its share of the tests first, so that all find most of them compiled.

    What is imported and collected stays: to look through it for garbage again and again would take a tenth of the time.
    """
    gc.disable()
    share, count = (os.environ.get(f"PYTEST_XDIST_WORKER{end}", "") for end in ("", "_COUNT"))
    if share and list(session.config.args) == session.config.getini("testpaths"):
        root = Path(__file__).parent
        for path in sorted(root.rglob("test_*.py"))[int(share.removeprefix("gw")) :: int(count)]:
            with contextlib.suppress(Exception):  # pytest tells of it when it imports the module itself
                importlib.import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let each process begin with some of what takes longest (of all that is selected), so that nobody waits for it."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long, rest = defaultdict(list), []
    for item in items:
        (long[item.path] if item.get_closest_marker("long") else rest).append(item)
    # Each process gets an equal part of the list, the first of them the first one.
    size = len(items) // count
    items[:] = []
    for number in range(count):
        part = [item for several in list(long.values())[number::count] for item in several]
        wanted = size - len(part) if number < count - 1 else len(rest)
        items += part + rest[: max(0, wanted)]
        rest = rest[max(0, wanted) :]


def pytest_collection_finish():
    """Modules and tests stay to the end: nobody looks through them for garbage again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def root_of_run(tmp_path_factory):
    """A folder of all processes that run the tests, as long as they do."""
    root = tmp_path_factory.getbasetemp()
    return root.parent if "PYTEST_XDIST_WORKER" in os.environ else root


@pytest.fixture(scope="session", autouse=True)
def _kept(root_of_run):
    """Recordings are made once."""
    kept.folder = root_of_run / "kept"
    kept.folder.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def once(root_of_run):
    """Gives `once(name, make)`: what `make(folder)` gives, called in one of the processes that run the tests."""
    root = root_of_run

    def made_once(name, make):
        folder, made = root / name, root / f"{name}.pickle"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                folder.mkdir(exist_ok=True)
                made.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(made.read_bytes())

    return made_once


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium."""
    # Most processes need none.
    from tests import chromium  # noqa: PLC0415

    with chromium.or_skip() as found:
        yield found


@pytest.fixture(scope="session")
def gcs_address(root_of_run):
    """`host:port` of a Cloud Storage emulator."""
    with emulators.or_skip(emulators.shared(emulators.gcs_server, root_of_run)) as address:
        yield address


@pytest.fixture(scope="session")
def pubsub_address(root_of_run):
    """`host:port` of the Pub/Sub emulator."""
    with emulators.or_skip(emulators.shared(emulators.pubsub_emulator, root_of_run)) as address:
        yield address


@pytest.fixture(scope="session")
def firestore_address(root_of_run):
    """`host:port` of the Firestore emulator."""
    with emulators.or_skip(emulators.shared(emulators.firestore_emulator, root_of_run)) as address:
        yield address


@pytest.fixture(scope="session", autouse=True)
def _kept_decoders():
    """Tests use the same decoding processes, one after another."""
    with decoders.kept():
        yield


@pytest.fixture(scope="session", autouse=True)
def _kept_sessions():
    """Tests use the same networks of the bundled weights."""
    # It imports ONNX Runtime, and this file is imported by a process that runs no test.
    from tests import sessions  # noqa: PLC0415

    with sessions.kept():
        yield


@pytest.fixture
def three_engines(monkeypatch):
    """A table of the engines that the test speaks of, whichever else there are."""
    for name in ENGINES.keys() - {"parakeet-gpu", "parakeet-cpu", "deepgram"}:
        monkeypatch.delitem(ENGINES, name)


@pytest.fixture
def own_decoders(monkeypatch):
    """Decoding processes that this test starts and ends itself."""
    monkeypatch.setattr(pool, "Sandbox", Sandbox)


@pytest.fixture(autouse=True)
def _environment_of_a_new_process():
    """Commands tell the processes that they start by variables of their own: what one test is told, no other is."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def _log_of_a_new_process():
    """Whatever showed the log to a person before, each test finds it where it can look at it."""
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True


@pytest.fixture
def world(tmp_path):
    """Everything around the flow, in memory or on disk, with recordings in several chunks."""
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    yield world
    world.close()
