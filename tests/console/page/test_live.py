"""While chunks arrive, their words are there, gaps are marked, and the reader is not disturbed."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.page import fake as api
from tests.console.page.fake import words_of
from tests.console.page.test_recording import HIDE, until

PARTS = ["one two three four five", "six seven eight nine ten", "eleven twelve thirteen fourteen fifteen"]


def with_parts(*numbers):
    """The words while some parts are there; each part takes 20 s."""
    whole = words_of(PARTS, every=4000)
    kept = [index for number in numbers for index in range(number * 5, number * 5 + 5)]
    columns = {name: [values[index] for index in kept] for name, values in whole["words"].items()}
    gaps = [[number * 20_000, number * 20_000 + 20_000] for number in range(3) if number not in numbers]
    return whole | {
        "words": columns,
        "paragraphs": [index * 5 for index in range(len(numbers))],
        "gaps": gaps,
        "complete": len(numbers) == 3,
    }


def test_words_come_as_chunks_are_done(open_page, fake):
    fake.add("live", "live.mp3", with_parts(1), state="PLANNED", chunks=3, chunks_done=1, finished=None)
    page = open_page("/recordings/live")
    shown = page.locator(".transcript > .block > *")
    expect(shown).to_have_count(3)
    expect(shown.nth(0)).to_have_text("0:00 to 0:20 is not transcribed yet.")
    expect(shown.nth(1)).to_contain_text(PARTS[1])
    expect(shown.nth(2)).to_have_text("0:40 to 1:00 is not transcribed yet.")
    expect(page.get_by_role("button", name="Edit the paragraph")).to_have_count(0)
    kept = page.locator(".paragraph").element_handle()
    fake.words["live"] = [with_parts(0, 1)]
    fake.rows["live"] |= {"chunks_done": 2}
    fake.tell("chunks", {"id": "live", "done": 2, "of": 3})
    expect(page.locator(".paragraph > p")).to_have_text(PARTS[:2])
    assert kept.evaluate("element => element.isConnected")
    expect(page.locator(".facts")).to_contain_text("2 of 3")


def test_what_is_complete_is_the_final_transcript(open_page, fake):
    fake.add("live", "live.mp3", with_parts(1), state="PLANNED", chunks=3, chunks_done=1, finished=None)
    page = open_page("/recordings/live")
    expect(page.locator(".paragraph")).to_have_count(1)
    fake.words["live"] = [with_parts(0, 1, 2)]
    fake.rows["live"] = api.row("live", "live.mp3")
    fake.tell("recording", fake.rows["live"])
    expect(page.locator(".paragraph > p")).to_have_text(PARTS)
    expect(page.locator(".gap")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="The transcript is complete.")).to_be_visible()
    expect(page.get_by_role("link", name="transcript.srt")).to_be_visible()


def test_events_of_other_recordings_change_nothing(open_page, fake):
    fake.add("live", "live.mp3", with_parts(1), state="PLANNED", chunks=3, chunks_done=1)
    page = open_page("/recordings/live")
    expect(page.locator(".paragraph")).to_have_count(1)
    asked = []
    page.on("request", lambda one: asked.append(one.url.rpartition("/")[2]))
    fake.tell("chunks", {"id": "other", "done": 2, "of": 3})
    fake.tell("recording", api.row("other", "other.mp3"))
    # Events come in order.
    with page.expect_response("**/api/v1/trouble"):
        fake.tell("trouble", {})
    assert not {"live", "words"} & set(asked)


def test_what_ended_before_the_server_watched_is_not_missed(open_page, fake):
    """It tells a page that comes when it watches: how long that takes, a page cannot know."""
    fake.add("live", "live.mp3", with_parts(1), state="PLANNED", chunks=3, chunks_done=1)
    page = open_page("/recordings/live")
    expect(page.locator(".paragraph")).to_have_count(1)
    fake.words["live"] = [with_parts(0, 1, 2)]
    fake.rows["live"] = api.row("live", "live.mp3")
    fake.tell("reload", {})
    expect(page.locator(".paragraph > p")).to_have_text(PARTS)
    expect(page.locator(".facts")).to_contain_text("Done")


def test_one_stream_is_enough_and_a_hidden_page_has_none(open_page, fake):
    fake.add("live", "live.mp3", with_parts(1), state="PLANNED", chunks=3, chunks_done=1)
    page = open_page("/recordings/live", own=True)
    expect(page.locator(".paragraph")).to_have_count(1)
    assert len(fake.streams) == 1
    page.clock.install()
    page.evaluate(HIDE, True)
    page.clock.fast_forward(30_000)
    until(page, lambda _: len(fake.streams), 0)
    page.evaluate(HIDE, False)
    until(page, lambda _: len(fake.streams), 1)


def test_an_editor_stays_open_and_keeps_the_focus_while_something_else_changes(open_page, fake):
    fake.add("one", "one.mp3", words_of(PARTS, every=4000))
    page = open_page("/recordings/one")
    page.locator(".paragraph").first.hover()
    page.get_by_role("button", name="Edit the paragraph").first.click()
    page.get_by_label("Text of the paragraph at").fill("half a")
    fake.words["one"] = [words_of([PARTS[0], "six", PARTS[2]], every=4000)]
    fake.tell("chunks", {"id": "one", "done": 1, "of": 1})
    expect(page.locator(".paragraph > p").nth(1)).to_have_text("six")
    page.keyboard.type(" b")
    expect(page.get_by_label("Text of the paragraph at")).to_have_value("half a b")
