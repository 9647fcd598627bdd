"""The commands of an operator on a project: the same, through Google's clients on emulators."""

from __future__ import annotations

import json
import wave

import pytest
from google.cloud import storage
from test_utils.prefixer import Prefixer
from typer.testing import CliRunner

from local import cli
from shared.adapters.google_ports import open_ports
from shared.errors import Permanent
from shared.flow import record, request, upload
from shared.messages import to_fields
from shared.model import Options, Recording
from shared.settings import Settings
from shared.state import dead_letters, documents
from shared.topology import topology
from tests.pubsub_topology import PULL_DEADLINE, ensure

NAMES = Prefixer("dropscribe", "operation", separator="-")


@pytest.fixture
def ports(monkeypatch, firestore_address, pubsub_address, gcs_address):
    project = NAMES.create_prefix()
    for name, value in {
        "DROPSCRIBE_PLATFORM": "google",
        "GOOGLE_CLOUD_PROJECT": project,
        "DROPSCRIBE_CPU_JOB": "dropscribe-cpu",
        "PARAKEET_MODEL_NAME": "tiny",
        "FIRESTORE_EMULATOR_HOST": firestore_address,
        "PUBSUB_EMULATOR_HOST": pubsub_address,
        "STORAGE_EMULATOR_HOST": f"http://{gcs_address}",
        "COLUMNS": "160",
    }.items():
        monkeypatch.setenv(name, value)
    ensure(project, topology())
    settings = Settings.from_environment()
    with storage.Client(project=project) as client:
        for bucket in (settings.audio_bucket, settings.transcripts_bucket, settings.work_bucket):
            client.create_bucket(bucket)
    ports = open_ports(settings)
    yield ports
    ports.close()


@pytest.fixture
def put(ports, tmp_path):
    """Puts a second of silence into the audio bucket."""

    def put(name):
        path = tmp_path / "silence.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(32_000))
        ports.store.create(ports.settings.audio_bucket, name, path.read_bytes(), "audio/wav")
        return ports.store.stat(ports.settings.audio_bucket, name)

    return put


def call(*arguments):
    return CliRunner().invoke(cli.app, [*arguments])


def pulled(ports, subscription, count, until):
    """So many messages of a subscription, acknowledged."""
    found = []

    def enough():
        for one in ports.queue.pull(subscription, count, 60.0):
            ports.queue.ack(subscription, one.lease)
            found.append(one)
        return len(found) >= count

    # The answer to a pull may come too late on a busy machine: its message is delivered again after the deadline.
    until(enough, PULL_DEADLINE + 30.0)
    return found


def accepted(source, ports):
    recording = Recording(
        id=upload.recording_id(source, Options()), source=source, options=Options(), state="ACCEPTED",
        created=ports.clock.now(),
    )  # fmt: skip
    ports.records.create(documents.RECORDINGS, recording.id, to_fields(recording))
    return recording


def state(recording, ports):
    return documents.get_recording(ports.records, recording.id).state


def test_a_recording_is_cancelled_and_continued_by_the_router(ports, put, until, monkeypatch):
    recording = accepted(put("talk.wav"), ports)
    assert call("cancel", recording.id).exit_code == 0
    assert state(recording, ports) == "CANCELLED"
    result = call("retry", recording.id)
    assert result.exit_code == 0, result.stderr
    (asked,) = pulled(ports, "requests", 1, until)
    monkeypatch.setattr(dead_letters, "data_of", lambda message: message["data"])
    request.on_request({"messageId": "1", "data": asked.data, "attributes": {}}, ports)
    assert state(recording, ports) == "PLANNED"
    assert len(pulled(ports, "cpu-worker", 1, until)) == 1


def test_all_that_failed_are_asked_for(ports, put, until):
    for name in ("a.wav", "b.wav"):
        record.fail(accepted(put(name), ports).id, Permanent("x"), ports)
    assert call("retry", "--failed", "--yes").exit_code == 0
    assert len(pulled(ports, "requests", 2, until)) == 2


def test_a_backfill_asks_for_what_has_no_recording(ports, put, until):
    accepted(put("old/known.wav"), ports)
    put("old/new.wav")
    result = call("backfill", f"gs://{ports.settings.audio_bucket}/old/", "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["new"], told["with_recording"], told["asked"]) == (1, 1, 1)
    assert told["expected_seconds"] == pytest.approx(1.0)
    (asked,) = pulled(ports, "requests", 1, until)
    assert json.loads(asked.data)["uri"].endswith("/old/new.wav")


def test_dead_letters_are_listed_replayed_and_discarded(ports, until):
    for key, where in (("1", "merger"), ("2", "router")):
        message = {
            "messageId": key,
            "data": "e30=",
            "attributes": {"recording": "r", dead_letters.SOURCE: where},
        }
        dead_letters.keep(message, ports, "no")
    told = json.loads(call("dead-letters", "list", "--from", "chunks-done", "--json").stdout)
    assert [(one["key"], one["reason"], one["message"]) for one in told] == [("1", "no", "{}")]
    assert call("dead-letters", "replay", "1").exit_code == 0
    (one,) = pulled(ports, "merger", 1, until)
    assert (one.data, dict(one.attributes)) == (b"{}", {"recording": "r"})
    assert call("dead-letters", "replay", "1").exit_code == 1
    assert call("dead-letters", "discard", "--all", "--yes").exit_code == 0
    assert ports.records.count(dead_letters.DEAD_LETTERS) == 0
