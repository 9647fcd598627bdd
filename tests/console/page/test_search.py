"""Search over all transcripts."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from tests.console.page.stories import fill
from tests.console.page.test_recording import until


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


def test_more_of_an_older_search_is_not_put_under_a_newer_one(open_page):
    page, held = open_page("/costs"), []

    def found(text):
        hit = {"recording": "one", "name": "one.mp3", "start": 1, "snippet": [[text, True]]}
        return {"hits": [hit], "next": "1"}

    def answer(route):
        query = parse_qs(urlsplit(route.request.url).query)
        if "cursor" in query:
            held.append(route)
        else:
            route.fulfill(json=found(query["q"][0]))

    page.route("**/api/v1/search?*", answer)
    field = page.get_by_label("Search all transcripts")
    field.fill("whale")
    field.press("Enter")
    page.get_by_role("button", name="Show more").click()
    until(page, lambda _: len(held), 1)
    field.fill("bridge")
    field.press("Enter")
    expect(page.locator("mark")).to_have_text(["bridge"])
    held[0].fulfill(json=found("whale"))
    page.wait_for_timeout(200)
    expect(page.locator("mark")).to_have_text(["bridge"])


def test_what_somebody_types_stays_while_something_gets_into_trouble(open_page, fake):
    page = open_page()
    page.get_by_label("Search all transcripts").fill("brid")
    fill(fake)
    fake.tell("trouble", {})
    expect(page.get_by_role("link", name="Trouble")).to_contain_text("2")
    expect(page.get_by_label("Search all transcripts")).to_have_value("brid")


def test_nothing_found(open_page):
    page = open_page("/search?q=whale")
    expect(page.get_by_text("Nothing was found for “whale”.")).to_be_visible()
