"""Corrections and names are revisions; of two editors, the second sees both texts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.page.fake import edited
from tests.console.page.stories import INTERVIEW, fill
from tests.console.page.test_recording import until


@pytest.fixture
def interview(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    return page


def begin(page, number):
    page.locator(".paragraph").nth(number).hover()
    page.locator(".paragraph").nth(number).get_by_role("button", name="Edit the paragraph").click()
    return page.get_by_label("Text of the paragraph at")


def posted(fake):
    return [body for _, path, body in fake.asked if path == "/revisions"]


def test_a_paragraph_is_corrected_as_a_revision(interview, fake):
    field = begin(interview, 2)
    expect(field).to_be_focused()
    field.fill("How did the night of the fourth of March begin for you?")
    field.press("Enter")
    expect(interview.locator(".paragraph > p").nth(2)).to_have_text(
        "How did the night of the fourth of March begin for you?"
    )
    first = sum(len(text.split()) for _, text in INTERVIEW[:2])
    assert posted(fake) == [
        {"based_on": 0, "edits": [{"from": first + 6, "to": first + 7, "text": "fourth"}]}
    ]
    expect(interview.get_by_label("Revision", exact=True)).to_have_value("1")
    expect(interview.get_by_role("link", name="transcript.srt")).to_have_attribute(
        "href", "/api/v1/recordings/interview/outputs/transcript.srt?revision=1"
    )


def test_the_machines_text_can_be_looked_at_but_not_changed(interview):
    field = begin(interview, 0)
    field.fill("Hello.")
    interview.get_by_role("button", name="Save").click()
    expect(interview.locator(".paragraph > p").first).to_have_text("Hello.")
    interview.get_by_label("Revision", exact=True).select_option("0")
    expect(interview.locator(".paragraph > p").first).to_have_text(INTERVIEW[0][1])
    expect(interview.get_by_text("An older text is shown.")).to_be_visible()
    expect(interview.get_by_role("button", name="Edit the paragraph")).to_have_count(0)
    interview.get_by_label("Revision", exact=True).select_option("1")
    expect(interview.locator(".paragraph > p").first).to_have_text("Hello.")


def test_escape_and_an_unchanged_text_save_nothing(interview, fake):
    begin(interview, 0).press("Escape")
    expect(interview.get_by_label("Text of the paragraph at")).to_have_count(0)
    begin(interview, 0).press("Enter")
    expect(interview.get_by_label("Text of the paragraph at")).to_have_count(0)
    assert posted(fake) == []


def test_the_field_has_the_focus_before_the_next_key_is_pressed(interview):
    interview.evaluate(
        """() => new MutationObserver((_, watcher) => {
        const field = document.querySelector('.editor textarea');
        if (field) { watcher.disconnect(); document.title = String(field === document.activeElement); } })
        .observe(document, {childList: true, subtree: true})"""
    )
    begin(interview, 0)
    expect(interview).to_have_title("true")


def test_enter_that_is_pressed_again_saves_nothing_again(interview, fake):
    held = []
    interview.route("**/revisions", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it calls
    field = begin(interview, 0)
    field.fill("Hello.")
    field.press("Enter")
    field.press("Enter")
    until(interview, lambda _: len(held) > 0, True)
    interview.unroute("**/revisions")
    expect(interview.locator(".paragraph > p").first).to_have_text("Hello.")
    assert len(posted(fake)) == 1


@pytest.mark.parametrize("choice", ["Keep theirs", "Save mine instead"])
def test_the_second_of_two_editors_sees_both_texts(interview, fake, choice):
    field = begin(interview, 2)
    field.fill("How did that night begin for you?")
    first = sum(len(text.split()) for _, text in INTERVIEW[:2])
    change = {
        "edits": [
            {"from": 0, "to": 1, "text": "Many thanks"},
            {"from": first, "to": first + 1, "text": "And how"},
        ]
    }
    fake.words["interview"].append(edited(fake.words["interview"][0], change))
    field.press("Enter")
    dialog = interview.get_by_role("dialog", name="Someone else saved first")
    expect(dialog).to_contain_text("And how did the night of the third")
    expect(dialog).to_contain_text("How did that night begin for you?")
    dialog.get_by_role("button", name=choice).click()
    texts = interview.locator(".paragraph > p")
    expect(texts.first).to_contain_text("Many thanks for making the time.")
    third = (
        "How did that night begin for you?"
        if choice.startswith("Save")
        else "And how did the night of the third of March begin for you?"
    )
    expect(texts.nth(2)).to_have_text(third)


def test_a_speaker_is_renamed_everywhere_at_once(interview, fake):
    interview.locator(".paragraph .speaker", has_text="Speaker 2").first.click()
    field = interview.get_by_label("Name, in the whole recording")
    expect(field).to_be_focused()
    field.fill("Anna Karenina")
    field.press("Enter")
    expect(interview.locator(".paragraph .speaker", has_text="Anna Karenina")).to_have_count(4)
    expect(interview.locator(".paragraph .speaker", has_text="Speaker 2")).to_have_count(0)
    assert posted(fake) == [{"based_on": 0, "speakers": {"1": "Anna Karenina"}}]
