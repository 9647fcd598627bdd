"""Files that are dropped or chosen: quotes first, then uploads that survive a broken connection."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.page.test_recording import until


def files(*sizes):
    return [
        {"name": f"talk {index}.mp3", "mimeType": "audio/mpeg", "buffer": b"x" * size}
        for index, size in enumerate(sizes)
    ]


def choose(page, chosen):
    page.locator("#chooser").set_input_files(chosen)


def test_files_dropped_anywhere_are_quoted_then_uploaded(open_page, fake):
    page = open_page("/costs")
    expect(page.get_by_role("heading", name="Costs")).to_be_visible()
    data = page.evaluate_handle(
        """() => { const data = new DataTransfer();
        data.items.add(new File(["abc"], "a.mp3", {type: "audio/mpeg"}));
        data.items.add(new File(["defg"], "b.opus", {type: "audio/ogg"})); return data; }"""
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": data})
    expect(page.get_by_text("Drop to transcribe")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": data})
    dialog = page.get_by_role("dialog", name="Transcribe 2 files")
    expect(dialog.get_by_text("Parakeet on this CPU")).to_have_count(2)
    expect(dialog.get_by_role("row", name="Total")).to_contain_text("$0.002 to $0.004")
    assert fake.stored == {}
    dialog.get_by_role("button", name="Upload 2 files").click()
    expect(page.get_by_role("region", name="Uploads").get_by_text("Uploaded", exact=True)).to_have_count(2)
    assert sorted(fake.stored.values()) == [b"abc", b"defg"]


def test_options_change_the_quote_and_go_with_the_upload(open_page, fake):
    page = open_page()
    choose(page, files(10))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Parakeet on this CPU")).to_be_visible()
    fake.quote = {
        "sentence": "Deepgram: it was asked to tell speakers apart.",
        "usd_low": 0.01,
        "usd_high": 0.01,
    }
    dialog.get_by_label("Tell speakers apart").check()
    dialog.get_by_label("Language").fill("de")
    expect(dialog.get_by_text("Deepgram: it was asked")).to_be_visible()
    expect(dialog.locator(".quotes > tbody > tr > td.number")).to_have_text("$0.01")
    dialog.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    (asked,) = [body for _, path, body in fake.asked if path == "/uploads"]
    assert (asked["name"], asked["size"], asked["media_type"]) == ("talk 0.mp3", 10, "audio/mpeg")
    assert asked["options"]["diarize"] is True
    assert asked["options"]["language"] == "de"
    assert "label" not in asked["options"]


def test_the_length_that_the_browser_reads_goes_into_the_quote(open_page, fake, sound):
    page = open_page()
    choose(page, [sound])
    expect(page.get_by_role("dialog")).to_contain_text("1 min 0 s")
    # Again, if the defaults of the options came late.
    assert {round(body["seconds"]) for _, path, body in fake.asked if path == "/quotes"} == {60}


def test_of_a_file_no_more_is_read_than_tells_its_length(open_page, sound):
    page = open_page()
    page.evaluate(
        """() => { const make = document.createElement.bind(document);
        document.createElement = name => {
            const made = make(name);
            if (name === 'audio') window.reader = made;
            return made;
        }; }"""
    )
    choose(page, [sound])
    expect(page.get_by_role("dialog")).to_contain_text("1 min 0 s")
    assert page.evaluate("() => reader.networkState === HTMLMediaElement.NETWORK_EMPTY")


def test_an_upload_goes_on_where_the_connection_broke(open_page, fake):
    fake.break_uploads = 1
    page = open_page()
    data = bytes(range(256)) * 40
    choose(page, [{"name": "a.mp3", "mimeType": "audio/mpeg", "buffer": data}])
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert fake.stored == {"0": data}


def test_empty_files_are_refused_with_the_reason(open_page, fake):
    page = open_page()
    choose(page, files(0, 5))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("This file is empty.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Upload 1 file")).to_be_enabled()


def test_a_refused_upload_says_why_and_can_be_tried_again(open_page, fake):
    page = open_page()
    reason = '{"error": {"code": "full", "message": "The disk is full. Make room, then try again."}}'
    page.route("**/api/v1/uploads", lambda route: route.fulfill(status=507, body=reason), times=1)
    choose(page, files(5))
    page.get_by_role("button", name="Upload 1 file").click()
    panel = page.get_by_role("region", name="Uploads")
    expect(panel).to_contain_text("The disk is full. Make room")
    panel.get_by_role("button", name="Upload talk 0.mp3 again").click()
    expect(panel.get_by_text("Uploaded", exact=True)).to_be_visible()


def test_an_upload_can_be_stopped(open_page, fake):
    page = open_page()
    page.route("**/api/v1/uploads/*", lambda route: None)
    choose(page, files(5))
    page.get_by_role("button", name="Upload 1 file").click()
    with page.expect_request(lambda request: request.method == "DELETE") as given_up:
        page.get_by_role("button", name="Stop the upload of talk 0.mp3").click()
    # The server keeps room for it no longer.
    assert given_up.value.url.endswith("/api/v1/uploads/0")
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()


def test_an_upload_can_be_stopped_before_it_has_a_place(open_page, fake):
    page, held = open_page(), []
    page.route("**/api/v1/uploads", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it calls
    choose(page, files(5))
    page.get_by_role("button", name="Upload 1 file").click()
    until(page, lambda _: len(held), 1)
    page.get_by_role("button", name="Stop the upload of talk 0.mp3").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
    with page.expect_request(lambda request: request.method == "DELETE") as given_up:
        held[0].continue_()
    assert given_up.value.url.endswith("/api/v1/uploads/0")
    assert fake.stored == {"0": b""}


def test_escape_uploads_nothing(open_page, fake):
    page = open_page()
    choose(page, files(5))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert fake.stored == {}


def test_what_failed_goes_on_where_it_stopped_when_it_is_tried_again(open_page, fake):
    page = open_page()
    asked = []

    def full_at_first(route):
        asked.append(route.request.headers.get("content-range", ""))
        if len(asked) == 1:
            fake.stored["0"] = b"abc"
            route.fulfill(status=507, body='{"error": {"code": "no_space", "message": "Full. Make room."}}')
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", full_at_first)
    choose(page, [{"name": "a.mp3", "mimeType": "audio/mpeg", "buffer": b"abcdefg"}])
    page.get_by_role("button", name="Upload 1 file").click()
    panel = page.get_by_role("region", name="Uploads")
    expect(panel).to_contain_text("Full. Make room.")
    panel.get_by_role("button", name="Upload a.mp3 again").click()
    expect(panel.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert asked == ["", "bytes */7", "bytes 3-6/7"]
    assert fake.stored == {"0": b"abcdefg"}
