"""The page and OpenAI's endpoint of a project, as Terraform creates them, on Google's adapters and emulators."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest import mock

import httpx
import openai
import pytest
from playwright.sync_api import expect

from shared.flow import record
from shared.state import audit, documents
from tests.console.page.conftest import new_page
from tests.console.page.test_recording import NOW, until
from tests.deepgram_server import KEY, deepgram_server
from tests.emulators import or_skip
from tests.google import recorded
from tests.google.deployment import LAID, deployed
from tests.google.proxy import proxy

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
TEXT = "my brother lost the ticket in seattle last night"
"""How the sample begins."""
ANN = "ann@example.com"
WORK_MS = 90_000
"""For a transcript, on a busy machine."""


@pytest.fixture(scope="module")
def signing():
    with proxy() as one:
        yield one


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, signing, pubsub_address, firestore_address):
    running = {"PUBSUB_EMULATOR_HOST": pubsub_address, "FIRESTORE_EMULATOR_HOST": firestore_address}
    folder = tmp_path_factory.mktemp("console")
    with deepgram_server() as deepgram:
        given = {"secrets": {"deepgram-api-key": KEY}, "DROPSCRIBE_DEEPGRAM_URL": deepgram.url}
        with (
            mock.patch.dict(os.environ, running),
            or_skip(deployed(folder, record=folder, keys=signing.address, **given)) as deployment,
        ):
            yield deployment
            calls = recorded.calls(folder, "console")
            assert recorded.unstated(calls, "console", LAID) == set(), "calls that its account may not make"


@pytest.fixture(scope="module")
def header(signing):
    """What the proxy adds to Ann's requests."""
    return signing.header(LAID.console.environment["DROPSCRIBE_IAP_AUDIENCE"], ANN)


@pytest.fixture
def page(browser, deployment, header):
    """Ann's browser, behind the proxy."""
    page, watch = new_page(browser, deployment.console)
    page.route(
        f"{deployment.console}/**",
        lambda route: route.continue_(headers={**route.request.headers, **header}),
    )
    yield page
    # Whatever it still loads would be asked for without the proxy.
    page.goto("about:blank")
    page.unroute_all(behavior="ignoreErrors")
    page.context.close()
    storage = deployment.environment["STORAGE_EMULATOR_HOST"]
    assert [one for one in watch.wrong if f"asked for {storage}/upload/" not in one] == []


def upload(page, path, label="sales"):
    page.goto("/")
    page.locator("#chooser").set_input_files(path)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Options considered")).to_be_visible()
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def transcribed(deployment):
    """A recording with its transcript, that did not come through the page."""
    deployment.upload("calls/monday.opus", SAMPLES / "voice-note.opus", {"dropscribe-label": "calls"})
    return deployment.wait("calls/monday.opus")


def test_without_the_signature_of_the_proxy_only_health_is_answered(browser, deployment, signing):
    page, _ = new_page(browser, deployment.console)
    assert page.goto("/health").json()["status"] == "ok"
    assert page.goto("/").status == 401
    wrong = signing.header("/projects/8/locations/x/services/y", ANN)
    assert page.request.get("/api/v1/recordings", headers=wrong).status == 401
    page.context.close()


def test_a_file_that_is_dropped_becomes_a_transcript_while_one_looks(page, deployment):
    upload(page, SAMPLES / "voice-note.opus")
    row = page.get_by_role("link", name="voice-note.opus")
    expect(row).to_be_visible(timeout=WORK_MS)
    row.click()
    expect(page.locator(".facts")).to_contain_text("Done", timeout=WORK_MS)
    expect(page.locator(".paragraph > p").first).to_contain_text(TEXT)
    recording = deployment.wait("voice-note.opus")
    assert (recording.options.label, recording.source.content_type) == ("sales", "audio/ogg")


def test_the_quote_weighs_the_engine_whose_key_only_the_functions_have(page):
    page.goto("/")
    page.locator("#chooser").set_input_files(SAMPLES / "status-meeting.mp3")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Options considered").click()
    expect(dialog.locator("details", has_text="Options considered")).to_contain_text(
        "deepgram", ignore_case=True
    )
    expect(dialog).not_to_contain_text("DEEPGRAM_API_KEY")


def test_it_is_heard_corrected_and_downloaded(page, transcribed, header):
    page.goto(f"/recordings/{transcribed.id}#t=2")
    expect(page.locator(".paragraph > p").first).to_contain_text(TEXT)
    until(page, lambda page: page.evaluate(NOW), 2)
    page.get_by_role("button", name="Play").click()
    until(page, lambda page: page.evaluate(NOW) > 2, True)
    page.get_by_role("button", name="Pause").click()
    page.locator(".paragraph").first.hover()
    page.get_by_role("button", name="Edit the paragraph").first.click()
    page.get_by_label("Text of the paragraph").fill("my sister found the ticket")
    page.keyboard.press("Enter")
    expect(page.locator(".paragraph > p").first).to_have_text("my sister found the ticket")
    # A download asks past `page.route`, and so without the proxy.
    link = page.locator(".downloads a[href*='/outputs/transcript.txt?revision=1']")
    assert "my sister found the ticket" in page.request.get(link.get_attribute("href"), headers=header).text()


def test_what_was_said_is_found_in_all_transcripts(page, transcribed):
    page.goto("/search?q=ticket")
    hit = page.locator(f"main a[href*='/recordings/{transcribed.id}#t=']").first
    expect(hit).to_be_visible()
    hit.click()
    expect(page).to_have_url(re.compile(f"/recordings/{transcribed.id}.*#t="))


def test_the_costs_are_those_of_the_ledger(page, deployment, transcribed):
    page.goto("/costs?by=label")
    usd = record.cost(transcribed.id, deployment.ports)
    assert usd > 0
    row = page.get_by_role("row", name=re.compile("^calls"))
    expect(row).to_be_visible()
    shown = re.search(r"\$(\d+\.(\d+))", row.inner_text())
    # A recording so short costs less than two of the last digit that is shown.
    assert float(shown[1]) == pytest.approx(usd, abs=0.51 * 10 ** -len(shown[2]))


def test_a_failure_is_among_the_trouble_with_its_reason_and_can_be_deleted(page, deployment, tmp_path):
    path = tmp_path / "text.mp3"
    path.write_text("This is not sound. " * 100)
    upload(page, path)
    failed = deployment.wait("text.mp3")
    assert failed.state == "FAILED"
    page.goto("/trouble")
    row = page.get_by_role("row", name=re.compile("text.mp3"))
    expect(row).to_contain_text(failed.reason[:40])
    page.goto(f"/recordings/{failed.id}")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    assert documents.get_recording(deployment.ports.records, failed.id).state == "DELETED"
    notes = [one for _, one in deployment.ports.records.query(audit.AUDIT) if one["action"] == "forget"]
    assert [(one["who"], one["about"]) for one in notes] == [(ANN, [failed.id])]


def test_what_is_deleted_leaves_nothing_in_the_buckets(page, deployment, header):
    deployment.upload("calls/private.opus", SAMPLES / "voice-note.opus")
    one = deployment.wait("calls/private.opus")
    answer = page.request.delete(f"/api/v1/recordings/{one.id}?audio=1", headers=header)
    assert (answer.status, answer.json()["state"]) == (200, "DELETED")
    buckets = deployment.ports.settings
    for bucket in (buckets.audio_bucket, buckets.transcripts_bucket):
        assert list(deployment.ports.store.list(bucket, "calls/private")) == []
    assert list(deployment.ports.store.list(buckets.work_bucket, f"chunks/{one.id}")) == []


@pytest.fixture
def client(deployment, header):
    """OpenAI's own client, behind the proxy."""
    with openai.OpenAI(
        base_url=f"{deployment.console}/v1", api_key="any", max_retries=0, default_headers=header
    ) as one:
        yield one


def test_openais_client_gets_the_transcript_that_the_bucket_gets(client, deployment):
    with (SAMPLES / "voice-note.opus").open("rb") as file:
        got = client.audio.transcriptions.create(
            model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word"]
        )
    assert got.text.startswith(TEXT)
    [made] = [
        one for one in documents.recordings(deployment.ports.records) if one.source.name.startswith("openai/")
    ]
    assert (made.state, len(got.words)) == ("DONE", made.words)
    text = next(one for one in made.outputs if one.endswith("transcript.txt"))
    stored = deployment.ports.store.load(deployment.ports.settings.transcripts_bucket, text).decode()
    assert got.text.split() == stored.split()


def test_the_same_file_again_is_paid_once_and_streams_its_words(client, deployment):
    with (SAMPLES / "voice-note.opus").open("rb") as file:
        events = list(client.audio.transcriptions.create(model="whisper-1", file=file, stream=True))
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text.startswith(TEXT)
    made = [
        one for one in documents.recordings(deployment.ports.records) if one.source.name.startswith("openai/")
    ]
    assert len(made) == 1


def test_each_kind_of_call_that_its_account_may_make_is_made(deployment, header, client):
    """All of them here: other tests may run in other processes, each with a deployment of its own."""
    with (SAMPLES / "voice-note.opus").open("rb") as file:
        assert client.audio.transcriptions.create(model="whisper-1", file=file).text.startswith(TEXT)
    [made] = [
        one for one in documents.recordings(deployment.ports.records) if one.source.name.startswith("openai/")
    ]
    path = f"/api/v1/recordings/{made.id}"
    correction = {"based_on": 0, "edits": [{"from": 0, "to": 1, "text": "Your"}]}
    with httpx.Client(base_url=deployment.console, headers=header, timeout=WORK_MS / 1000) as api:
        answers = [
            api.post("/api/v1/uploads", json={"name": "new.opus", "size": 5}),
            api.get(f"{path}/audio"),
            api.post(f"{path}/revisions", json=correction),
            api.delete(path),
        ]
    assert [one.status_code for one in answers] == [200, 200, 201, 200]
    calls = recorded.calls(deployment.log.parent, "console")
    wanted = (
        "store.upload_url",
        "store.create_from",
        "store.read",
        "store.create",
        "store.delete",
        "queue.publish",
    )
    assert [one for one in wanted if not any(call.startswith(f"{one} ") for call in calls)] == []
