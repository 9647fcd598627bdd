from __future__ import annotations

import time
from dataclasses import replace

import pytest

from deployment import smoke
from shared.errors import ConfigurationError
from shared.messages import to_fields
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents
from tests.deployment.google import TARGET, Answer


class Deployed:
    """A deployment that ends the sample after some looks."""

    def __init__(self, google, world, state="DONE"):
        self.google, self.world, self.state, self.looks, self.recording = google, world, state, 0, None
        google.post_upload = self.upload
        self.api = google.api()
        self.api.sleep = self.sleep

    def upload(self, bucket, body, params, _):
        assert (bucket, params["ifGenerationMatch"], len(body)) == (
            "my-project-audio",
            "0",
            smoke.SAMPLE.stat().st_size,
        )
        source = StoredObject(bucket=bucket, name=params["name"], generation=7, size=len(body))
        self.key = recording_id(source, Options())
        self.recording = Recording(
            id=self.key, source=source, options=Options(), state="ACCEPTED", created=1.0
        )
        return Answer({"generation": "7"})

    def sleep(self, _):
        self.looks += self.recording is not None
        if self.looks == 2 and self.state:
            ended = replace(self.recording, state=self.state, reason="no engine is left")
            self.world.ports.records.create(documents.RECORDINGS, self.key, to_fields(ended))

    def run(self):
        return smoke.run(TARGET, self.api, self.world.ports, print, time.time)


def test_the_gpu_is_checked_and_a_sample_becomes_a_transcript(google, world):
    found = Deployed(google, world).run()
    assert (found.recording.state, found.checked) == ("DONE", ("dropscribe-gpu-0",))
    (execution,) = google.executions.values()
    assert execution["overrides"] == {
        "taskCount": 1,
        "containerOverrides": [{"args": ["-m", "gpu_job", "--check"]}],
    }


def test_a_check_that_fails_says_where_its_log_is_and_nothing_is_uploaded(google, world):
    google.failing_checks = True
    with pytest.raises(ConfigurationError, match=r"gcloud logging read .*dropscribe-gpu-0"):
        Deployed(google, world).run()
    assert google.objects == {}


def test_a_gpu_that_cannot_be_had_is_said(google, world):
    google.get_execution = lambda *_: Answer({})
    with pytest.raises(ConfigurationError, match="No GPU was to be had within 15 minutes"):
        Deployed(google, world).run()


def test_a_sample_that_fails_gives_its_reason(google, world):
    with pytest.raises(ConfigurationError, match="not transcribed: no engine is left"):
        Deployed(google, world, state="FAILED").run()


def test_a_sample_that_stays_away_says_what_to_look_at(google, world):
    with pytest.raises(ConfigurationError, match="no transcript after 15 minutes"):
        Deployed(google, world, state="").run()
