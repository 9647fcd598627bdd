"""Against a real project: upload, wait, compare, and clean up. `make system-test PROJECT=my-project`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import storage
from test_utils.prefixer import Prefixer

from shared.adapters.google_ports import open_ports
from shared.client import submit, wait
from shared.model import recording_id
from shared.settings import Settings
from shared.state import documents
from tests.speech import word_errors

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
NAMES = Prefixer("dropscribe", "tests/google")
PATIENCE = 900.0
"""Seconds: a GPU execution has to start."""


pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def ports():
    try:
        google.auth.default()
    except DefaultCredentialsError:
        pytest.skip("no credentials: gcloud auth application-default login")
    settings = Settings.from_environment({**os.environ, "DROPSCRIBE_PLATFORM": "google"})
    ports = open_ports(settings)
    yield ports
    ports.media.close()


@pytest.fixture
def uploaded(ports):
    """One sample under a name of its own; it and all that came of it are deleted afterwards."""
    client = storage.Client(project=ports.settings.project)
    name = f"{NAMES.create_prefix()}/voice-note.opus"
    blob = client.bucket(ports.settings.audio_bucket).blob(name)
    blob.upload_from_filename(SAMPLES / "voice-note.opus", if_generation_match=0)
    yield ports.store.stat(ports.settings.audio_bucket, name)
    folder = f"{ports.settings.audio_bucket}/{name}/"
    outputs = client.list_blobs(ports.settings.transcripts_bucket, prefix=folder)
    for one in [blob, *outputs]:
        one.delete()


def test_an_upload_becomes_a_transcript_with_its_cost(ports, uploaded):
    answer = wait(submit(uploaded.uri, ports=ports), ports=ports, timeout=PATIENCE)
    assert answer.state == "DONE", answer.reason
    assert answer.usd >= 0
    key = recording_id(uploaded, documents.get_recording(ports.records, answer.recording).options)
    assert key == answer.recording
    name = next(uri for uri in answer.outputs if uri.endswith("transcript.json"))
    bucket, _, path = name.removeprefix("gs://").partition("/")
    document = json.loads(ports.store.load(bucket, path))
    truth = (SAMPLES / "truth" / "voice-note.opus.txt").read_text("utf-8")
    errors, words = word_errors(" ".join(truth.split()), document["text"].lower())
    # The demo model gets this sample right; the real weights write numbers and casing their own way.
    assert errors / words < 0.5
