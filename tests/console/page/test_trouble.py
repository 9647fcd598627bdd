"""Trouble: failures and dead letters with their reasons, and what to do about them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.page.stories import fill


@pytest.fixture
def page(open_page, fake):
    fill(fake)
    return open_page("/trouble")


def test_each_has_its_reason(page):
    expect(page.get_by_role("row", name="voicemail")).to_contain_text("cut off while it was copied")
    expect(page.get_by_role("row", name="chunks-deepgram")).to_contain_text("Set DEEPGRAM_API_KEY")
    expect(page.get_by_role("row", name="gpu-worker")).to_contain_text("no L4 left")
    expect(page.get_by_role("link", name="Trouble")).to_contain_text("2")


def test_one_is_tried_again(page, fake):
    page.get_by_role("button", name="Try uploads/voicemail (3).amr again").click()
    expect(page.get_by_role("row", name="voicemail")).to_have_count(0)
    expect(page.get_by_role("link", name="Trouble")).to_contain_text("1")
    assert ("POST", "/recordings/broken/retry", None) in fake.asked


def test_trying_all_says_how_many_and_the_cost_before(page, fake):
    page.get_by_role("button", name="Try all again …").click()
    dialog = page.get_by_role("dialog", name="Try 1 recording again?")
    expect(dialog).to_contain_text("$0.25")
    assert [body["dry_run"] for _, path, body in fake.asked if path == "/retries"] == [True]
    dialog.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status").filter(has_text="1 recording tried again.")).to_be_visible()
    assert [body for _, path, body in fake.asked if path == "/retries"][1:] == [
        {"ids": ["broken"], "dry_run": False}
    ]


def test_letters_are_sent_again_or_discarded(page, fake):
    fake.letters.append(fake.letters[0] | {"id": "8"})
    fake.tell("trouble", {})
    page.get_by_role("button", name="Send message 7 again").click()
    page.get_by_role("button", name="Discard message 8").click()
    page.get_by_role("button", name="Discard", exact=True).click()
    expect(page.get_by_role("heading", name="Dead letters")).to_have_count(0)
    sent = [path for _, path, _ in fake.asked if path.startswith("/dead-letters")]
    assert sent == ["/dead-letters/7/replay", "/dead-letters/8/discard"]


def test_all_is_well(open_page):
    page = open_page("/trouble")
    expect(page.get_by_text("Nothing failed")).to_be_visible()
