"""The same flow on Google's clients gives the same transcript bytes and the same cost as on one machine."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from unittest import mock

import pytest
from google.cloud import storage

import dropscribe
from dropscribe.progress import Told
from gpu_job.speech.onnx import onnx_engine
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import one_shot, submission
from shared.adapters.cloud_telemetry import COLLECTOR
from shared.flow import erase
from shared.flow.forget import forget
from shared.messages import CHUNKS_DONE, TRANSCRIBE_REQUESTS
from shared.model import Options
from shared.settings import Settings
from shared.state import documents
from shared.telemetry.context import parse
from shared.telemetry.metrics import METRICS
from tests.collector import collector
from tests.deepgram_server import KEY, deepgram_server
from tests.emulators import or_skip
from tests.google import recorded
from tests.google.deployment import LAID, PROJECT, deployed

pytestmark = pytest.mark.long

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"


@pytest.fixture(scope="module")
def deepgram():
    with deepgram_server() as running:
        yield running


@pytest.fixture(scope="module")
def collected():
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, deepgram, collected, pubsub_address, firestore_address):
    running = {"PUBSUB_EMULATOR_HOST": pubsub_address, "FIRESTORE_EMULATOR_HOST": firestore_address}
    given = {"secrets": {"deepgram-api-key": KEY}, "DROPSCRIBE_DEEPGRAM_URL": deepgram.url}
    given |= {COLLECTOR: collected.url, "METRICS_EXPORT_INTERVAL": "5"}
    folder = tmp_path_factory.mktemp("google")
    with (
        mock.patch.dict(os.environ, running),
        or_skip(deployed(folder, record=folder, **given)) as deployment,
    ):
        yield deployment


@pytest.fixture(scope="module")
def ticked(deployment):
    """The same after a minute has passed. A second one would ask Cloud Run, which has no emulator."""
    deployment.tick()
    return deployment


def embedded(path, state, deepgram, options=None):
    """Outputs by file name, and the ledger, of the same file on one machine."""
    settings = Settings(
        state_dir=state, model="tiny", api_keys={"deepgram": KEY}, addresses={"deepgram": deepgram.url}
    )
    ports = open_ports(settings)
    try:
        found = submission.look(inputs.collect([path]).files, options or Options(), ports)
        submission.submit(found, ports)
        [(_, recording)] = one_shot.follow(found, ports, onnx_engine.load, progress=Told(None))
        return outputs(recording, ports), ledger(recording, ports)
    finally:
        ports.close()


def outputs(recording, ports):
    bucket = ports.settings.transcripts_bucket
    files = {name.rsplit("/", 1)[-1]: ports.store.load(bucket, name) for name in recording.outputs}
    document = json.loads(files["transcript.json"])
    del document["source"], document["recording"]
    return files | {"transcript.json": document}


def ledger(recording, ports):
    rows = [fields for _, fields in ports.records.query(documents.LEDGER, {"recording": recording.id})]
    # What is left is the same: time of one's own machine is free here, Cloud Run's is not.
    return [
        (row["chunk"], row["engine"], row["audio_seconds"], _usd(row, ports), row["prices"]) for row in rows
    ]


def _usd(row, ports):
    """What a row would cost anywhere: time of one's own machine is free, and so is its network."""
    in_cloud = ports.settings.platform == "google"
    if row["engine"] == "deepgram":
        sent = row.get("egress_usd", 0.0)
        # Sound leaves Google's network as FLAC, which is less than its samples.
        assert 0 < sent < row["audio_seconds"] * 32_000 / 2**30 * 0.12 if in_cloud else sent == 0
        return round(row["usd"] - sent, 9)
    return round(row["usd"] - row["busy_seconds"] * (0.000088 if in_cloud else 0.0), 9)


@pytest.mark.parametrize(
    "name",
    [
        "voice-note.opus",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("status-meeting.mp3", "warehouse-tour.mp4")),
    ],
)
def test_an_uploaded_object_gives_the_bytes_and_the_cost_of_the_embedded_default(
    deployment, deepgram, tmp_path, name
):
    deployment.upload(name, SAMPLES / name)
    recording = deployment.wait(name)
    assert recording.state == "DONE"
    there = outputs(recording, deployment.ports), ledger(recording, deployment.ports)
    assert there == embedded(SAMPLES / name, tmp_path, deepgram)


def test_deepgram_gives_the_bytes_and_the_cost_that_it_gives_on_one_machine(deployment, deepgram, tmp_path):
    name = "by-deepgram.opus"
    deployment.upload(name, SAMPLES / "voice-note.opus", {"dropscribe-method": "deepgram"})
    recording = deployment.wait(name)
    assert (recording.state, recording.decision.method) == ("DONE", "deepgram")
    there = outputs(recording, deployment.ports), ledger(recording, deployment.ports)
    assert b"Word0 Word1" in there[0]["transcript.txt"]
    assert there == embedded(SAMPLES / "voice-note.opus", tmp_path, deepgram, Options(method="deepgram"))
    assert KEY not in deployment.log.read_text()


@pytest.mark.slow
def test_a_program_gets_its_transcript_with_the_python_client(deployment, tmp_path):
    path = tmp_path / "by-client.opus"
    path.write_bytes((SAMPLES / "voice-note.opus").read_bytes())
    with dropscribe.Client.of_project(PROJECT) as client:
        job = client.submit(path, label="python", metadata={"order": "17"})
        found = client.wait(job, timeout=120)
        assert found.text.startswith("my brother lost the ticket")
        assert found.outputs["transcript.srt"].startswith("gs://")
        assert client.download(job, "transcript.txt").decode().strip() == found.text
        assert found.usd > 0
        again = client.wait(client.submit(path, label="python"), timeout=120)
    assert again == found


def test_every_message_twice_changes_neither_the_transcript_nor_the_cost(deployment):
    name = "twice.opus"
    deployment.upload(name, SAMPLES / "voice-note.opus")
    before = deployment.wait(name)
    blob = storage.Client(project=PROJECT).bucket(deployment.ports.settings.audio_bucket).get_blob(name)
    deployment.ports.queue.publish(
        "audio-finalized", json.dumps(blob._properties).encode(), {"eventType": "OBJECT_FINALIZE"}
    )
    again = json.dumps({"recording": before.id, "index": 0}).encode()
    deployment.ports.queue.publish(CHUNKS_DONE, again, {})
    deployment.upload("after-it.opus", SAMPLES / "voice-note.opus")
    deployment.wait("after-it.opus")
    assert deployment.wait(name) == before
    assert len(ledger(before, deployment.ports)) == len(before.chunks)


@pytest.mark.slow
def test_what_is_forgotten_is_gone_and_no_late_message_revives_it(deployment):
    name, ports = "forgotten.opus", deployment.ports
    deployment.upload(name, SAMPLES / "voice-note.opus", {"dropscribe-label": "secret project"})
    before = deployment.wait(name)
    blob = storage.Client(project=PROJECT).bucket(ports.settings.audio_bucket).get_blob(name)
    event = json.dumps(blob._properties).encode()
    assert forget(before.id, ports, audio=True).state == "DELETED"
    ports.queue.publish("audio-finalized", event, {"eventType": "OBJECT_FINALIZE"})
    ports.queue.publish(CHUNKS_DONE, json.dumps({"recording": before.id, "index": 0}).encode(), {})
    deployment.upload("after-that.opus", SAMPLES / "voice-note.opus")
    deployment.wait("after-that.opus")
    time.sleep(1.0)  # what came late is handled beside that
    after = documents.get_recording(ports.records, before.id)
    assert after.state == "DELETED"
    folder = before.outputs[0].rpartition("/")[0]
    for bucket, prefix in (
        (ports.settings.transcripts_bucket, folder),
        (ports.settings.work_bucket, f"chunks/{before.id}/"),
        (ports.settings.work_bucket, f"transcripts/{before.id}/"),
        (ports.settings.audio_bucket, name),
    ):
        assert list(ports.store.list(bucket, prefix)) == [], (bucket, prefix)
    rows = [one for _, one in ports.records.query(documents.LEDGER, {"recording": before.id})]
    assert len(rows) == len(before.chunks)
    assert not any(row["label"] for row in rows)
    erase.erase(after, ports, last=True)  # as the sweeper does after an hour
    last = documents.get_recording(ports.records, before.id)
    assert (last.state, last.source.name, last.outputs, last.words) == ("DELETED", "", (), None)


@pytest.mark.slow
def test_a_bad_object_ends_as_failed_with_its_reason(deployment, tmp_path):
    path = tmp_path / "text.mp3"
    path.write_text("This is not sound. " * 100)
    deployment.upload("text.mp3", path)
    recording = deployment.wait("text.mp3")
    assert (recording.state, recording.code) == ("FAILED", "not-media")


@pytest.mark.slow
def test_options_can_come_with_the_upload(deployment):
    deployment.upload("wrong.opus", SAMPLES / "voice-note.opus", {"dropscribe-track": "7"})
    recording = deployment.wait("wrong.opus")
    assert (recording.state, recording.code) == ("FAILED", "no-track")


@pytest.mark.slow
def test_another_service_may_ask_for_a_transcript(deployment):
    blob = _bucket("elsewhere").blob("talk.opus")
    blob.upload_from_filename(SAMPLES / "voice-note.opus")
    request = {"uri": "gs://elsewhere/talk.opus", "request_id": "call-1", "options": {"language": "en"}}
    deployment.ports.queue.publish(TRANSCRIBE_REQUESTS, json.dumps(request).encode(), {})
    recording = deployment.wait("talk.opus")
    assert recording.state == "DONE"
    assert recording.options.language == "en"


@pytest.fixture(scope="module")
def worked(ticked, tmp_path_factory):
    """The same after one recording of each kind, of its own: other tests may run in other processes."""
    blob = (storage.Client(project=PROJECT).lookup_bucket("elsewhere") or _bucket("elsewhere")).blob(
        "asked.opus"
    )
    blob.upload_from_filename(SAMPLES / "voice-note.opus")
    request = {"uri": "gs://elsewhere/asked.opus", "request_id": "call-2"}
    ticked.ports.queue.publish(TRANSCRIBE_REQUESTS, json.dumps(request).encode(), {})
    bad = tmp_path_factory.mktemp("worked") / "bad.mp3"
    bad.write_text("This is not sound. " * 100)
    ticked.upload("bad.mp3", bad)
    ticked.upload("traced.opus", SAMPLES / "voice-note.opus", {"dropscribe-method": "parakeet"})
    ticked.upload("heard-by-deepgram.opus", SAMPLES / "voice-note.opus", {"dropscribe-method": "deepgram"})
    for name in ("asked.opus", "bad.mp3", "traced.opus", "heard-by-deepgram.opus"):
        assert ticked.wait(name).state == ("FAILED" if name == "bad.mp3" else "DONE")
    return ticked


def _bucket(name):
    return storage.Client(project=PROJECT).create_bucket(name)


def measured(deployment, collected):
    """The names of all that was measured: in the log, and by the collector."""
    lines = [line for line in deployment.log.read_text().splitlines() if line.startswith("{")]
    logged = {json.loads(line).get("metric", "") for line in lines}
    sent = {
        metric.name
        for message in collected.metrics()
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    return logged | sent


ELSEWHERE = {
    "releases_back_total": "tests/deployment/rollout/test_guard.py: here no rollout is under way",
    "webhooks_total": "tests/webhooks/: here no address of webhooks is set",
    "worker_listen_seconds": "tests/gpu_job/pipeline/test_diarization.py: here nobody asks a worker for speakers",
    "handed_on_total": "tests/telemetry/test_one_trace.py: here no engine gives a chunk up that another may have",
}
"""Metrics that are not emitted here, with the test where they are."""


@pytest.mark.slow
def test_every_metric_that_a_dashboard_or_an_alert_asks_for_is_emitted(worked, collected):
    worked.ports.queue.publish(CHUNKS_DONE, b"nobody can read this", {})
    wanted = {one.full_name for one in METRICS.values() if one.name not in ELSEWHERE}
    until = time.monotonic() + 30.0
    while wanted - measured(worked, collected) and time.monotonic() < until:
        time.sleep(0.2)
    assert wanted - measured(worked, collected) == set()


@pytest.mark.slow
def test_one_trace_leads_from_an_upload_to_its_transcript_through_all_processes(worked, collected):
    recording = worked.wait("traced.opus")
    trace, root = parse(recording.traceparent)
    until, wanted = (
        time.monotonic() + 30.0,
        {"plan", "decode", "recognise", "commit", "merger", "merge", "recording"},
    )
    names = {}
    while wanted - set(names) and time.monotonic() < until:
        names = {one.name: one for one in collected.spans() if one.trace_id.hex() == trace}
        time.sleep(0.2)
    assert wanted <= set(names)
    assert names["recording"].span_id.hex() == names["plan"].parent_span_id.hex() == root


@pytest.mark.slow
def test_no_process_makes_a_call_that_its_account_may_not(worked):
    """Neither for its own recordings, nor for those of the tests that ran before it in this process."""
    for process in (*LAID.functions, *LAID.jobs):
        calls = recorded.calls(worked.log.parent, process)
        assert recorded.unstated(calls, process, LAID) == set()
        assert calls or process == "dead-letters", f"nothing was recorded of {process}"
