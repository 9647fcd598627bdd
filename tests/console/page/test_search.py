"""Search over all transcripts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.page.stories import fill


def test_hits_link_to_their_moments(open_page, fake):
    fill(fake)
    page = open_page()
    page.get_by_label("Search all transcripts").fill("bridge")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 hits for “bridge”")).to_be_visible()
    assert ("GET", "/search", {"q": "bridge", "limit": "50"}) in fake.asked
    assert page.locator("mark").all_inner_texts() == ["bridge"] * 3
    page.get_by_role("link", name="The gauge below the bridge").click()
    expect(page.get_by_role("heading", name="interviews/river-authority.mp3")).to_be_visible()
    assert page.url.endswith("/recordings/interview#t=20.1")


def test_nothing_found(open_page):
    page = open_page("/search?q=whale")
    expect(page.get_by_text("Nothing was found for “whale”.")).to_be_visible()
