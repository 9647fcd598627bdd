"""A whole deployment in a temporary folder, with a clock that is set by hand and media that are scripted."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from local.backend.embedded_ports import WorkerIsThere
from local.backend.files.store import FileStore
from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.search import SqliteSearch
from local.runtime.events import object_resource
from shared.audio import Pcm
from shared.messages import from_fields
from shared.model import AudioInfo
from shared.ports import Ports
from shared.results import ChunkResult, LedgerRow, Word
from shared.settings import Settings
from shared.state import documents
from tests.index_rules import IndexedRecords

if TYPE_CHECKING:
    from pathlib import Path


class SetClock:
    """Clocks that stand still until they are told to move.

    A later `time` lets time pass; an earlier one, and `step`, set the wall clock alone.
    """

    def __init__(self, now=1_800_000_000.0):
        self.time = self._seen = now
        self._uptime = 1000.0
        self._lock = threading.Lock()
        self.boot = "first"

    def now(self):
        return self.time

    def uptime(self):
        with self._lock:
            now = self.now()
            self._uptime += max(0.0, now - self._seen)
            self._seen = now
            return self._uptime

    def since_boot(self):
        return self.uptime()

    def step(self, seconds):
        """Somebody sets the wall clock."""
        self.uptime()
        self.time += seconds
        self._seen = self.time

    def reboot(self):
        """The machine is started again, and counts from its start."""
        self.uptime()
        self._uptime = 3.0
        self.boot += ", another"


@dataclass
class ScriptedMedia:
    """Says what it was told to say, and remembers what it was asked."""

    info: AudioInfo = field(
        default_factory=lambda: AudioInfo(
            format="wav",
            codec="pcm_s16le",
            sample_rate=16_000,
            channels=1,
            duration=60.0,
            exact=True,
            splittable_by="time",
        )
    )
    error: Exception | None = None
    probes: int = 0
    both: list[str] = field(default_factory=list)
    """What each decoding was asked to tell of both channels."""

    def probe(self, source, *, name, track, both="no"):
        self.probes += 1
        if self.error is not None:
            raise self.error
        return self.info

    def decode(self, source, audio, chunk, *, track, both="no"):
        self.both.append(both)
        if self.error is not None:
            raise self.error
        seconds = chunk.lead + (chunk.end - chunk.start)
        samples = np.zeros(int(seconds * 16_000), np.int16).tobytes()
        return Pcm(samples=samples, start=-chunk.lead, owned=chunk.end - chunk.start)


IN_A_PROJECT = {
    "platform": "google",
    "project": "my-project",
    "audio_bucket": "audio",
    "transcripts_bucket": "transcripts",
    "work_bucket": "work",
}
"""Settings of a world whose engines are hired."""


class World:
    """Ports over a folder, and the few moves that tests make in it."""

    def __init__(self, folder: Path, **settings):
        self.clock = SetClock()
        self.media = ScriptedMedia()
        self.database = Database(folder / "state.sqlite")
        self.settings = Settings(state_dir=folder, **settings)
        self.ports = Ports(
            store=FileStore({name: folder / name for name in ("audio", "transcripts", "work")}),
            records=IndexedRecords(self.database),
            queue=SqliteQueue(self.database, self.clock),
            media=self.media,
            gpu_jobs=WorkerIsThere(),
            clock=self.clock,
            settings=self.settings,
            engines=frozenset({"parakeet-cpu"}),
            search=SqliteSearch(folder / "search.sqlite"),
        )

    def close(self):
        self.ports.store.close()
        self.ports.search.close()
        self.database.close()

    def upload(self, name="talk.wav", data=b"sound", **metadata):
        """Put an object into the audio bucket; gives its finalized event."""
        assert self.ports.store.create("audio", name, data, "audio/wav")
        source = replace(self.ports.store.stat("audio", name), metadata=metadata)
        return json.loads(object_resource(source))

    def pull(self, subscription):
        """Take and acknowledge all messages that are due."""
        taken = []
        while got := self.ports.queue.pull(subscription, 100, 60.0):
            for one in got:
                self.ports.queue.ack(subscription, one.lease)
            taken += got
        return taken


def words(text, start=0.0, step=0.5):
    """Words that take half a second each."""
    return tuple(
        Word(text=one, start=start + i * step, end=start + (i + 0.8) * step, confidence=0.9)
        for i, one in enumerate(text.split())
    )


def ledger_rows(ports):
    """All rows of the ledger."""
    return [from_fields(fields, LedgerRow) for _, fields in ports.records.query(documents.LEDGER)]


def replace_unnoticed(path, data):
    """Another content with the time of change of the one before, as `cp -p` may leave it."""
    found = path.stat()
    path.unlink()
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def heard(recording, chunk, text="one two three", **changes):
    """What an engine may have heard in a chunk, and what it cost."""
    owned = chunk.end - chunk.start
    result = ChunkResult(
        recording=recording.id, index=chunk.index, engine="parakeet-cpu", attempt="m-1", model="tiny",
        revision="abc", words=words(text, start=1.0), lead=chunk.lead, owned=owned,
        decoded=chunk.lead + owned, language="en",
    )  # fmt: skip
    result = replace(result, **changes)
    row = LedgerRow(
        recording=recording.id, chunk=chunk.index, engine="parakeet-cpu", attempt=result.attempt,
        audio_seconds=result.decoded, busy_seconds=0.5, usd=0.001, prices="test",
        owned_seconds=owned,
    )  # fmt: skip
    return result, row
