"""After a power loss the disk has what was flushed, and the same command makes the same transcripts of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from bench.flow import Instant
from dropscribe.progress import Told
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import export, one_shot, submission
from shared.model import Options
from shared.settings import Settings
from shared.state import documents
from tests.speech import talk, write_wav

CHECKPOINT = 4_000_000
"""Bytes of a log from which SQLite moves it into the file by itself, which `Disk` does not see."""


class Disk:
    """What of a folder outlives a power loss: the worst that flushes allow.

    Args:
        root: the folder. What is in it now is on the disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.states: list[tuple[dict, dict]] = []
        self._databases = {path.name: path.read_bytes() for path in root.glob("*.sqlite")}
        self._files: dict[str | int, bytes] = {}  # by inode, logs of databases by name
        self._folders: dict[int, dict[str, int]] = {}
        self._lock = threading.Lock()

    def flush(self, handle: int) -> None:
        """In place of `os.fsync`."""
        found, path = os.fstat(handle), Path(f"/proc/self/fd/{handle}")
        with self._lock:
            self.states.append((dict(self._files), dict(self._folders)))
            if stat.S_ISDIR(found.st_mode):
                self._folders[found.st_ino] = {one.name: one.inode() for one in os.scandir(handle)}
                return
            name = path.readlink().name
            data = path.read_bytes()
            assert len(data) < CHECKPOINT
            self._files[name if name.endswith("-wal") else found.st_ino] = data

    def after_power_loss(self, number: int, to: Path) -> None:
        """Make a folder as the disk has it if the power fails before a flush, by its number."""
        files, folders = self.states[number]
        known = {path.name: path.stat().st_ino for path in self.root.iterdir() if path.is_dir()}
        _copy(self.root, to, known, files, folders)
        logs = {name: data for name, data in files.items() if isinstance(name, str)}
        for name, data in (self._databases | logs).items():
            (to / name).write_bytes(data)


def _copy(folder: Path, to: Path, known, files, folders) -> None:
    to.mkdir()
    for name, inode in known.items():
        if (folder / name).is_dir():
            _copy(folder / name, to / name, folders.get(inode, {}), files, folders)
        else:
            (to / name).write_bytes(files.get(inode, b""))


def transcribed(paths, state, out):
    """What became of some files, by their names: their recordings, and the bytes of the copies."""
    ports = open_ports(Settings(state_dir=state, engines="parakeet-cpu", model="instant"))
    try:
        found = submission.look(inputs.collect(paths).files, Options(), ports)
        submission.submit(found, ports)
        ended = {}
        for one, recording in one_shot.follow(found, ports, lambda _: Instant(), progress=Told(None)):
            folder = out / one.file.path.name
            export.export(recording, folder, ["transcript.json", "transcript.srt"], ports, durable=False)
            copies = {path.name: path.read_bytes() for path in folder.iterdir()}
            ended[one.file.path.name] = (recording.state, recording.files, copies)
        assert len(list(documents.recordings(ports.records))) == len(paths)
    finally:
        ports.close()
    return ended


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="it reads what is flushed through /proc")
def test_the_same_command_makes_the_same_transcripts_wherever_the_power_failed(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        write_wav(path, talk(2.0, seed=number)[0])
    state = tmp_path / "state"
    open_ports(Settings(state_dir=state)).close()  # with its tables
    disk = Disk(root=state)
    monkeypatch.setattr(os, "fsync", disk.flush)
    undisturbed = transcribed(paths, state, tmp_path / "out")
    monkeypatch.undo()
    assert {one[0] for one in undisturbed.values()} == {"DONE"}
    count = len(disk.states)
    for number in sorted({count * part // 8 for part in range(8)} | {count - 1}):
        there = tmp_path / f"state-{number}"
        disk.after_power_loss(number, there)
        # Another start of the machine: nobody holds a lease.
        with sqlite3.connect(there / "dropscribe.sqlite") as database:
            database.execute("UPDATE machine SET boot = 'before the power loss'")
        database.close()
        for path in (tmp_path / "out").rglob("*.srt"):
            path.write_bytes(b"")  # copies are not flushed
        assert transcribed(paths, there, tmp_path / "out") == undisturbed, f"before flush {number} of {count}"
