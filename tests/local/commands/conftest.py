"""A command line with a state of its own; and one on a deployment, with a few moves of the flow."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from local.runtime.events import object_resource, pushed
from local.runtime.subscriptions import in_process
from shared.errors import Permanent
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from shared.settings import Settings
from shared.state import documents
from tests.world import ScriptedMedia, heard


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    for name in ("DEEPGRAM_API_KEY", "ROLLOUT_PERCENT", "TRANSCRIPTION_METHOD", "DROPSCRIBE_ENGINES"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments, **environment):
        return CliRunner().invoke(cli.app, [*arguments], env=environment)

    return call


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path))
    yield ports
    ports.close()


class Deployment:
    """The state that the commands will open, and what router, worker and merger do with it."""

    def __init__(self, folder):
        self.settings = Settings(state_dir=folder, chunk_minutes=0.5, model="tiny")
        self.media = ScriptedMedia()
        self.ports = replace(open_ports(self.settings), media=self.media)
        self.ports.inbox.mkdir(parents=True)

    def upload(self, name):
        path = self.ports.store.path_of("audio", name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sound")
        return upload.on_upload(json.loads(object_resource(self.ports.store.stat("audio", name))), self.ports)

    def failed(self, name, error=None):
        """A recording of two parts that failed after the first one."""
        recording = self.upload(name)
        self.drain("cpu-worker")
        chunk.commit_result(*heard(recording, recording.chunks[0]), self.ports)
        return record.fail(recording.id, error or Permanent("no engine left"), self.ports)

    def done(self, name, text="one two three"):
        """A recording with a transcript."""
        return self.finish(self.upload(name), text)

    def finish(self, recording, text="one two three"):
        """What workers and merger do with one that is planned."""
        for one in recording.chunks:
            chunk.commit_result(*heard(recording, one, text=text), self.ports)
        return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), self.ports)

    def stored(self, recording):
        return documents.get_recording(self.ports.records, recording.id)

    def drain(self, subscription):
        """Take and acknowledge all messages that are due."""
        found = []
        while got := self.ports.queue.pull(subscription, 100, 60.0):
            for one in got:
                self.ports.queue.ack(subscription, one.lease)
            found += got
        return found

    def route(self):
        """What the router does with the requests that were published; gives how many there were."""
        subscription = self.ports.queue.topology.subscription("requests")
        requests = self.drain("requests")
        for one in requests:
            in_process(self.ports)["requests"](pushed(subscription, one))
        return len(requests)

    def close(self):
        self.ports.store.close()
        self.ports.records.close()
        self.ports.search.close()


@pytest.fixture
def deployment(tmp_path):
    deployment = Deployment(tmp_path / "state")
    yield deployment
    deployment.close()


@pytest.fixture
def ask(deployment, monkeypatch):
    """A command line on the deployment."""
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(deployment.settings.state_dir))
    monkeypatch.setenv("PARAKEET_MODEL_NAME", "tiny")
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(cli.app, [*map(str, arguments)])
