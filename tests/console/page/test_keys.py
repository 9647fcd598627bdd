"""Keys for everything, listed by `?`, and silent while somebody types."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.page.stories import INTERVIEW, fill

TIME = "() => document.querySelector('audio').currentTime"


def test_every_view_lists_its_keys(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    for what in ("Play or pause", "Next uncertain word", "Correct this paragraph", "Search all transcripts"):
        expect(keys.get_by_text(what)).to_be_visible()


def test_a_recording_is_used_without_a_mouse(open_page, fake):
    fill(fake)
    page = open_page()
    expect(page.locator("a.name")).to_have_count(8)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="interviews/river-authority.mp3")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider", name="Position")).to_have_attribute("aria-valuenow", "5")
    page.keyboard.press(">")
    assert page.evaluate("() => document.querySelector('audio').playbackRate") == 1.25
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_label("Uncertain words", exact=True)).to_be_checked()
    page.keyboard.press("j")
    expect(page.locator(".paragraph a.time").nth(1)).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("Text of the paragraph at 0:07")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search in this recording")).to_be_focused()
    page.keyboard.type("g t j")
    expect(page.get_by_label("Search in this recording")).to_have_value("g t j")


def test_two_keys_go_somewhere(open_page):
    page = open_page(own=True)
    # However long this machine takes for two keys.
    page.clock.set_fixed_time(1_800_000_000_000)
    for keys, heading in (("gc", "Costs"), ("gt", "Trouble"), ("gr", "Recordings")):
        page.keyboard.press(keys[0])
        page.keyboard.press(keys[1])
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_keys_work_before_the_first_frame(open_page):
    """A busy computer draws it late."""
    page = open_page(own=True)
    page.add_init_script("window.requestAnimationFrame = window.setTimeout = () => 0")
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys").get_by_text("Go to the costs")).to_be_visible()


def test_keys_can_be_switched_off(open_page):
    page = open_page()
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recordings")


def test_no_ring_is_drawn_around_the_whole_view_and_one_is_around_what_has_the_focus(open_page, fake):
    fill(fake)
    page = open_page()
    expect(page.locator("a.name")).to_have_count(8)
    page.get_by_role("link", name="Costs").press("Enter")
    expect(page.get_by_role("heading", name="Costs")).to_be_visible()
    outline = "(one) => getComputedStyle(one).outlineStyle"
    expect(page.locator("main")).to_be_focused()
    assert page.locator("main").evaluate("(one) => one.matches(':focus-visible')")
    assert page.locator("main").evaluate(outline) == "none"
    page.keyboard.press("Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
