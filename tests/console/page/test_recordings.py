"""The list: filters, pages, and rows that change by themselves."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tests.console.page import fake as api
from tests.console.page.stories import fill
from tests.console.page.test_recording import until


def names(page):
    return page.locator("table.recordings a.name")


def test_recordings_are_listed_newest_first(open_page, fake):
    fill(fake)
    page = open_page()
    expect(names(page)).to_have_count(8)
    expect(names(page).first).to_have_text("council-hearing-2026-11-12.m4a")
    expect(page).to_have_title("Dropscribe")
    row = page.get_by_role("row", name="voicemail")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("Copy it again")


def test_a_row_changes_while_it_is_looked_at(open_page, fake):
    fake.add("one", "one.mp3", state="PLANNED", chunks=4, chunks_done=1)
    page = open_page()
    row = page.get_by_role("row", name="one.mp3")
    expect(row).to_contain_text("1 of 4")
    fake.tell("recording", api.row("one", "one.mp3", state="PLANNED", chunks=4, chunks_done=3))
    expect(row).to_contain_text("3 of 4")
    fake.tell("recording", api.row("one", "one.mp3"))
    expect(row).to_contain_text("Done")
    fake.tell("recording", api.row("two", "two.mp3", created=time.time() + 1, state="ACCEPTED"))
    expect(names(page)).to_have_text(["two.mp3", "one.mp3"])
    fake.tell("recording", api.row("one", "one.mp3", state="DELETED"))
    expect(names(page)).to_have_text(["two.mp3"])


def list_late(page, change):
    """Opens the list; its answer, from before `change`, arrives after what `change` tells."""
    held = []
    page.route("**/api/v1/recordings?*", lambda route: held.append((route, route.fetch())), times=1)
    with page.expect_request("**/api/v1/recordings?*"):
        page.get_by_role("link", name="Recordings").click()
    until(page, lambda _: len(held), 1)
    # The header asks once it was told of trouble, and events come in order.
    with page.expect_request("**/api/v1/trouble"):
        change()
    ((route, answer),) = held
    route.fulfill(response=answer)


def test_a_list_that_arrives_late_puts_nothing_back(open_page, fake):
    for number in range(4):
        fake.add(f"n{number}", f"{number}.mp3", created=1000.0 - number, state="PLANNED")
    page = open_page("/costs")

    def change():
        fake.tell("recording", fake.rows["n1"] | {"state": "DELETED"})
        fake.tell("recording", fake.rows["n2"] | {"state": "DONE"})
        fake.tell("recording", api.row("new", "new.mp3", created=1001.0))
        fake.tell("trouble", {})

    list_late(page, change)
    expect(names(page)).to_have_text(["new.mp3", "0.mp3", "2.mp3", "3.mp3"])
    expect(page.get_by_role("row", name="2.mp3")).to_contain_text("Done")


def test_of_two_lists_the_one_that_was_asked_for_last_is_shown(open_page, fake):
    fake.add("one", "one.mp3", state="PLANNED", created=2.0)
    fake.add("two", "two.mp3", created=1.0)
    page = open_page("/costs")

    def change():
        fake.rows["one"]["state"] = "DELETED"
        with page.expect_response("**/api/v1/recordings?*"):
            fake.tell("reload", {})
        expect(names(page)).to_have_text(["two.mp3"])
        fake.tell("trouble", {})

    list_late(page, change)
    page.wait_for_timeout(200)
    expect(names(page)).to_have_text(["two.mp3"])


def test_a_row_that_fits_again_comes_back_to_its_place(open_page, fake):
    for number in range(3):
        fake.add(f"n{number}", f"{number}.mp3", created=1000.0 - number, state="PLANNED")
    page = open_page("/?state=working")
    expect(names(page)).to_have_count(3)
    for number in (1, 2):
        fake.tell("recording", fake.rows[f"n{number}"] | {"state": "FAILED"})
    expect(names(page)).to_have_text(["0.mp3"])
    for number in (2, 1):
        fake.tell("recording", fake.rows[f"n{number}"])
    expect(names(page)).to_have_text(["0.mp3", "1.mp3", "2.mp3"])


def test_filters_stand_in_the_address(open_page, fake):
    fill(fake)
    page = open_page()
    page.get_by_label("State", exact=True).select_option("FAILED")
    expect(names(page)).to_have_text(["uploads/voicemail (3).amr"])
    assert page.url.endswith("/?state=FAILED")
    page.get_by_label("State", exact=True).select_option("")
    page.get_by_label("Name contains").fill("TAPE")
    expect(names(page)).to_have_text(["archive/tape-113-side-b.wav"])
    page.get_by_label("Held").check()
    page.reload()
    expect(names(page)).to_have_text(["archive/tape-113-side-b.wav"])
    expect(page.get_by_label("Name contains")).to_have_value("TAPE")
    expect(page.get_by_label("Held")).to_be_checked()


TYPED = """const typed = (field, text) => {
    field.value = text;
    field.dispatchEvent(new Event('input', {bubbles: true}));
}, field = document.getElementById('filter-text');"""


def test_no_letter_is_lost_that_is_typed_as_the_filter_changes(open_page, fake):
    fill(fake)
    page = open_page()
    # The second letter comes between the new address and what is drawn for it, the third one after that.
    page.evaluate(
        f"""() => {{ {TYPED}
        const replace = history.replaceState.bind(history);
        history.replaceState = (...all) => {{
            delete history.replaceState;
            replace(...all);
            queueMicrotask(() => typed(field, field.value + 'a'));
            setTimeout(() => typed(field, field.value + 'p'), 100);
        }};
        typed(field, 't'); }}"""
    )
    expect(page).to_have_url(re.compile("text=tap$"))
    expect(page.get_by_label("Name contains")).to_have_value("tap")


def test_two_filters_that_are_typed_at_once_both_count(open_page, fake):
    fill(fake)
    page = open_page()
    page.evaluate(
        f"() => {{ {TYPED} typed(field, 'r'); typed(document.querySelector('[aria-label=Label]'), 'research'); }}"
    )
    expect(page).to_have_url(re.compile("label=research&text=r$"))
    expect(page.get_by_label("Name contains")).to_have_value("r")


def test_whoever_leaves_while_typing_a_filter_is_not_brought_back(open_page):
    page = open_page()
    page.evaluate(
        f"() => {{ {TYPED} typed(field, 'r'); document.querySelector('nav [href=\"/costs\"]').click(); }}"
    )
    page.wait_for_timeout(400)
    expect(page).to_have_url(re.compile("/costs$"))


def test_filters_by_label_progress_and_trouble(open_page, fake):
    fill(fake)
    page = open_page("/?label=research")
    expect(names(page)).to_have_count(2)
    page.goto("/?state=working")
    expect(names(page)).to_have_count(2)
    page.goto("/?trouble=1")
    expect(names(page)).to_have_count(2)
    page.goto("/?text=nothing+like+this")
    expect(page.get_by_text("No recordings match these filters.")).to_be_visible()


def test_a_row_leaves_the_list_that_it_does_not_fit_any_more(open_page, fake):
    fake.add("one", "one.mp3", state="PLANNED")
    page = open_page("/?state=working")
    expect(names(page)).to_have_count(1)
    fake.tell("recording", api.row("one", "one.mp3"))
    expect(names(page)).to_have_count(0)


def test_a_row_with_a_title_stays_where_the_name_of_its_object_fits(open_page, fake):
    titled = {"uri": "gs://audio/openai/digest.mp3"}
    fake.add("one", "Board meeting.mp3", state="PLANNED", **titled)
    page = open_page("/?text=openai")
    expect(names(page)).to_have_count(1)
    fake.tell("recording", api.row("one", "Board meeting.mp3", words=7, **titled))
    expect(page.get_by_role("row", name="Board meeting.mp3")).to_contain_text("done", ignore_case=True)
    expect(names(page)).to_have_count(1)


def test_more_than_a_page_comes_when_asked_for(open_page, fake):
    for number in range(60):
        fake.add(f"n{number}", f"{number}.mp3", created=1000.0 - number)
    page = open_page()
    expect(names(page)).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(names(page)).to_have_count(60)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_an_empty_list_says_how_to_begin(open_page, fake):
    page = open_page()
    expect(page.get_by_text("Drop recordings anywhere on this page")).to_be_visible()
    expect(page.get_by_text("/home/ann/inbox")).to_be_visible()


def test_a_server_that_is_gone_ends_in_a_sentence(open_page, fake):
    page = open_page("/costs")
    page.route("**/api/v1/recordings?**", lambda route: route.fulfill(status=401, body="{}"))
    page.get_by_role("link", name="Recordings").click()
    expect(page.get_by_role("alert")).to_contain_text("open the address that Dropscribe printed")
