from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import pytest

from deployment import smoke
from shared.errors import ConfigurationError
from shared.messages import to_fields
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents
from tests.deployment.google import TARGET, Answer, digest
from tests.deployment.rollout.conftest import NEW


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


PAGE = replace(TARGET, variables={"console_members": ["group:editors@example.com"]})
IMAGES = replace(NEW, console=digest("console", 5))


def look(google, *statuses):
    """Look at the page, whose address answers a stranger so."""
    asked, said, left = [], [], list(statuses)

    def ask(address):
        asked.append(address)
        return left.pop(0) if len(left) > 1 else left[0]

    google.target = PAGE
    smoke.check_console(PAGE, google.api(), said.append, ask)
    return asked, said


def test_a_page_that_started_and_asks_strangers_to_sign_in_is_well(google):
    google.lay(IMAGES, "")
    asked, said = look(google, 503, 302)
    assert asked == ["https://dropscribe-console.run.app/health"] * 2
    assert said == ["Asking https://dropscribe-console.run.app/health as a stranger …"]


def test_a_page_that_answers_strangers_is_an_error(google):
    google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match="answers strangers: Identity-Aware Proxy does not stand"):
        look(google, 200)


def test_a_page_without_its_proxy_is_waited_for_and_then_told(google):
    google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match="does not ask strangers"):
        look(google, 0)


def test_a_page_that_does_not_start_says_where_its_log_is(google):
    google.broken_images.add(IMAGES.console)
    with contextlib.suppress(ConfigurationError):
        google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match=r"does not answer /health.*gcloud run services logs read"):
        look(google, 302)


def test_where_there_is_a_page_it_is_looked_at(google, world, monkeypatch):
    seen = []
    monkeypatch.setattr(smoke, "check_console", lambda *given: seen.append(given[0]))
    one = Deployed(google, world)
    smoke.run(PAGE, one.api, world.ports, print, time.time)
    assert seen == [PAGE]
