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
    assert Deployed(google, world).run().state == "DONE"
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
    with pytest.raises(ConfigurationError, match="No GPU was available within 15 minutes"):
        Deployed(google, world).run()


def test_a_sample_that_fails_gives_its_reason(google, world):
    with pytest.raises(ConfigurationError, match="not transcribed: no engine is left"):
        Deployed(google, world, state="FAILED").run()


def test_a_sample_that_stays_away_says_what_to_look_at(google, world):
    with pytest.raises(ConfigurationError, match="no transcript after 15 minutes"):
        Deployed(google, world, state="").run()


PAGE = replace(TARGET, variables={"console_members": ["group:editors@example.com"]})
IMAGES = replace(NEW, console=digest("console", 5))


def look(google, *statuses, page=PAGE, signed=200):
    """Look at the page, whose address answers a stranger so, and who is signed in with another status."""
    asked, said, left = [], [], list(statuses)

    def ask(address, token):
        asked.append((address, token))
        if token:
            return signed(address) if callable(signed) else signed
        return left.pop(0) if len(left) > 1 else left[0]

    google.target = page
    smoke.check_console(page, google.api(), said.append, ask, lambda: 1000.0)
    return asked, said


UNASKED = "The page was not checked as a member: no service account is in console_members. Open it yourself: "
ADDRESS = "https://dropscribe-console.run.app"
ROBOT = "deployer@my-project.iam.gserviceaccount.com"
WITH_ROBOT = replace(
    TARGET, variables={"console_members": ["group:editors@example.com", f"serviceAccount:{ROBOT}"]}
)


def test_a_page_that_started_and_requires_sign_in_is_well(google):
    google.lay(IMAGES, "")
    asked, said = look(google, 503, 302)
    assert asked == [(f"{ADDRESS}/health", "")] * 2
    assert said == [
        f"Requesting {ADDRESS}/health without signing in …",
        UNASKED + ADDRESS,
    ]


def test_a_service_account_that_may_open_the_page_asks_it_signed_in(google):
    google.lay(IMAGES, "")
    asked, said = look(google, 302, page=WITH_ROBOT)
    token = f"{ROBOT} for {ADDRESS}/* until 4600"
    assert asked[1:] == [(f"{ADDRESS}/health", token), (f"{ADDRESS}/", token)]
    assert said[-1] == f"Asking {ADDRESS}/health, and the page itself, as {ROBOT} …"


def test_who_may_not_sign_for_it_is_told_how_and_nothing_fails(google):
    google.lay(IMAGES, "")
    google.denied.add("iam.serviceAccounts.signJwt")
    _, said = look(google, 302, page=WITH_ROBOT)
    assert f"you may not sign as {ROBOT}" in said[-1]
    assert f"add-iam-policy-binding {ROBOT}" in said[-1]


@pytest.mark.parametrize(
    ("where", "status", "meaning"),
    [("/health", 403, "turns away who is in console_members"), ("/", 401, "the proxy's signature")],
)
def test_a_member_who_is_turned_away_is_an_error_that_says_by_whom(google, where, status, meaning):
    google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match=f"{ADDRESS}{where} answers {status} to {ROBOT}.*{meaning}"):
        look(google, 302, page=WITH_ROBOT, signed=lambda one: status if one == f"{ADDRESS}{where}" else 200)


def test_a_page_that_responds_without_sign_in_is_an_error(google):
    google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match="responds without sign-in: Identity-Aware Proxy is not"):
        look(google, 200)


def test_a_page_without_its_proxy_is_waited_for_and_then_told(google):
    google.lay(IMAGES, "")
    with pytest.raises(ConfigurationError, match="does not require sign-in"):
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
