"""In a project the browser sends files straight to Cloud Storage: here to its emulator, with the real page and server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from shared.messages import options_from_metadata
from tests.contract import cloud_storage
from tests.world import IN_A_PROJECT

STEP = 256 * 1024
DATA = bytes(range(256)) * 3000
SENT = "**/upload/storage/v1/b/**"


@pytest.fixture
def stored(request):
    """Cloud Storage with buckets of its own, and what begins their names."""
    opened, _ = cloud_storage.column(request, None)
    with opened() as store:
        yield store, opened.args[1]


@pytest.fixture
def page(open_real, world, stored, gcs_address, monkeypatch):
    """The page of a deployment whose objects are in Cloud Storage."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{gcs_address}")
    store, _ = stored
    ports = replace(world.ports, store=store, settings=replace(world.settings, **IN_A_PROJECT))
    return open_real(ports, f"asked for http://{gcs_address}/upload/", "net::ERR_CONNECTION_RESET")


def drop(page, data=DATA, name="talk ü.mp3"):
    page.locator("#chooser").set_input_files([{"name": name, "mimeType": "audio/mpeg", "buffer": data}])
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill("sales")
    dialog.get_by_label("Language").fill("de")
    dialog.get_by_role("button", name="Upload 1 file").click()


def uploaded(store, name="talk ü.mp3"):
    found = store.stat("audio", name)
    options = options_from_metadata(found.metadata)
    return store.load("audio", name), found.content_type, options.label, options.language


def test_a_file_goes_straight_to_the_bucket_with_its_options(page, stored):
    through_the_server = []
    page.on("request", lambda one: through_the_server.append(one.url) if "/uploads/" in one.url else None)
    drop(page)
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert uploaded(stored[0]) == (DATA, "audio/mpeg", "sales", "de")
    assert through_the_server == []


def test_it_goes_on_where_the_connection_broke(page, stored):
    """The emulator answers the question how much is there by ending the upload, so the page is answered here instead."""
    spans = []
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Range"}

    def broken_once(route):
        span = route.request.headers.get("content-range", "")
        spans.append(span)
        if len(spans) == 1:
            half = f"bytes 0-{STEP - 1}/{len(DATA)}"
            first = route.fetch(
                post_data=DATA[:STEP], headers={**route.request.headers, "content-range": half}
            )
            assert first.status == 308
            route.abort("connectionreset")
        elif span.startswith("bytes */"):
            route.fulfill(status=308, headers={**allowed, "Range": f"bytes=0-{STEP - 1}"})
        else:
            route.continue_()

    page.route(SENT, broken_once)
    drop(page)
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    size = len(DATA)
    assert spans == ["", f"bytes */{size}", f"bytes {STEP}-{size - 1}/{size}"]
    assert uploaded(stored[0])[0] == DATA


def test_a_file_of_that_name_that_came_first_is_told_and_the_next_try_gets_another_name(page, stored):
    refused = '{"error": {"code": 412, "message": "At least one of the pre-conditions did not hold."}}'
    stored[0].create("audio", "talk ü.mp3", b"theirs", "audio/mpeg")
    page.route(
        SENT,
        lambda route: route.fulfill(status=412, body=refused, headers={"Access-Control-Allow-Origin": "*"}),
        times=1,
    )
    drop(page)
    panel = page.get_by_role("region", name="Uploads")
    expect(panel).to_contain_text(
        "Another file with this name was uploaded first. Try again: yours gets another name."
    )
    panel.get_by_role("button", name="Upload talk ü.mp3 again").click()
    expect(panel.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert stored[0].load("audio", "talk ü.mp3") == b"theirs"
    assert uploaded(stored[0], "talk ü (3).mp3")[0] == DATA
