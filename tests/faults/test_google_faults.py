"""The same over Google's clients: events that are published twice, emulators that cannot be reached for a while, and a
Firestore that is restarted meanwhile."""

from __future__ import annotations

import json
import os
import time
from unittest import mock

import pytest
from google.cloud import storage

from shared.messages import AUDIO_FINALIZED
from shared.state import documents
from tests.emulators import or_skip, pubsub_emulator, restarting_firestore
from tests.faults import assertions, scenarios
from tests.faults.cut import line_to
from tests.faults.media import CHUNKS
from tests.faults.media import NAMES as ALL
from tests.google.deployment import PROJECT, deployed

pytestmark = [pytest.mark.timeout(900), pytest.mark.long, pytest.mark.slow]

NAMES = ALL[:2]
"""Emulators are slow, and the container of a recording is nothing to them."""
CUT = 8.0
"""Seconds without a connection."""


@pytest.fixture(scope="module")
def firestore(tmp_path_factory):
    with or_skip(restarting_firestore(tmp_path_factory.mktemp("firestore"))) as one:
        yield one


@pytest.fixture(scope="module")
def lines(recordings, firestore):  # made on one machine first, before the environment is that of a project
    # Emulators of its own: the subscriptions of a deployment before it would push to functions that have ended.
    with or_skip(pubsub_emulator()) as queue, line_to(queue) as first, line_to(firestore.address) as second:
        yield first, second


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, lines):
    addresses = {"PUBSUB_EMULATOR_HOST": lines[0].address, "FIRESTORE_EMULATOR_HOST": lines[1].address}
    folder = tmp_path_factory.mktemp("google")
    settings = {"CHUNK_DURATION_MINUTES": "0.5", "ENABLE_FALLBACK": "false"}
    with mock.patch.dict(os.environ, addresses), or_skip(deployed(folder, **settings)) as deployment:
        yield deployment


def test_events_published_twice_and_a_firestore_that_restarts_give_one_transcript_each(
    deployment, lines, firestore, recordings
):
    ports = deployment.ports
    folder, expected = recordings
    bucket = storage.Client(project=PROJECT).bucket(ports.settings.audio_bucket)
    for name in NAMES:
        deployment.upload(name, folder / name)
        event = json.dumps(bucket.get_blob(name)._properties).encode()
        for _ in range(2):
            ports.queue.publish(AUDIO_FINALIZED, event, {"eventType": "OBJECT_FINALIZE"})
    deadline = time.monotonic() + 120
    while ports.records.count(documents.CHUNKS) < 1:
        assert time.monotonic() < deadline, deployment.log.read_text()[-6000:]
        time.sleep(0.05)
    for line in lines:
        line.cut()
    firestore.restart(PROJECT)
    time.sleep(CUT)
    for line in lines:
        line.mend()
    assert any(line.refused for line in lines)
    for name in NAMES:
        done = deployment.wait(name)
        assert done.state == "DONE"
        [subtitles] = [one for one in done.outputs if one.endswith("/transcript.srt")]
        assert ports.store.load(ports.settings.transcripts_bucket, subtitles) == scenarios.subtitles(
            expected, name
        )
    before = list(documents.recordings(ports.records)), len(assertions.rows(ports))
    for name in NAMES:
        event = json.dumps(bucket.get_blob(name)._properties).encode()
        ports.queue.publish(AUDIO_FINALIZED, event, {"eventType": "OBJECT_FINALIZE"})
    time.sleep(5)
    assert before == (list(documents.recordings(ports.records)), len(assertions.rows(ports)))
    assert len(before[0]) == len(NAMES)
    assertions.one_end_each(ports, {})
    assertions.one_bill(ports, most_repeats=len(NAMES) * CHUNKS)
