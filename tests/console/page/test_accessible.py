"""WCAG 2.2 AA, as far as a machine can tell; and small, enlarged, dark and calm windows."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.console.page.stories import INTERVIEW, fill

ONLY = {"resultTypes": ["violations"]}
"""Half of the time would go into describing what is right."""
RULES = ONLY | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = ONLY | {"runOnly": ["color-contrast"]}
VIEWS = {
    "/": "Recordings",
    "/recordings/interview": "interviews/river-authority.mp3",
    "/recordings/hearing": "council-hearing-2026-11-12.m4a",
    "/costs": "Costs",
    "/trouble": "Trouble",
    "/search?q=bridge": "Search",
}


def show(page, path, heading):
    """Goes to a view, without a load of the whole page."""
    page.evaluate(
        "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def violations(page, rules=RULES):
    # A colour on its way to another one is none of the page's.
    page.evaluate(
        "Promise.allSettled(document.getAnimations().filter(one => one instanceof CSSTransition).map(one => one.finished))"
    )
    # Its half megabyte is read once a page; asked through the package, it would be at each look.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("rules => axe.run(rules).then(found => found.violations)", rules)
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.slow
def test_axe_finds_nothing(open_page, fake):
    fill(fake)
    # Axe writes styles into the page, which our policy refuses.
    page = open_page(bypass_csp=True)
    for path, heading in VIEWS.items():
        show(page, path, heading)
        assert violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert violations(page, COLOURS) == [], f"{path} in the dark"
        page.emulate_media(color_scheme="light")


@pytest.mark.slow
def test_axe_finds_nothing_in_dialogs_and_editors(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview", bypass_csp=True)
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    page.get_by_label("Uncertain words", exact=True).check()
    page.locator(".paragraph").first.hover()
    page.get_by_role("button", name="Edit the paragraph").first.click()
    assert violations(page) == []
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Rename Speaker 2").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#chooser").set_input_files([{"name": "a.mp3", "mimeType": "audio/mpeg", "buffer": b"abc"}])
    expect(page.get_by_role("dialog").get_by_text("Parakeet on this CPU")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert violations(page) == []


def test_in_a_narrow_window_nothing_is_cut_off_and_targets_are_large_enough_to_hit(open_page, fake):
    """320 px is a window of 1,280 px at 400 %, 600 px one of 1,200 px at 200 %.

    Targets have 24 by 24 px, or are text within a line (WCAG 2.5.8).
    """
    fill(fake)
    page = open_page()
    for path, heading in VIEWS.items():
        show(page, path, heading)
        for width in (600, 320, 360):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width, path
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, select, input, summary, nav a')].filter(one => {
            const box = (one.closest('label.check') || one).getBoundingClientRect();
            return box.width && box.height && (box.width < 24 || box.height < 23.5); })
            .map(one => one.outerHTML.slice(0, 120))"""
        )
        assert small == [], path


def test_the_focus_goes_to_the_new_content_and_back_from_a_dialog(open_page, fake):
    fill(fake)
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("link", name="Costs").press("Enter")
    expect(page.get_by_role("heading", name="Costs")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    button = page.get_by_role("button", name="Keys")
    button.press("Enter")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_tab_reaches_one_paragraph_not_all(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    page.keyboard.press("j")
    page.keyboard.press("j")
    reached = page.locator('.paragraph [tabindex="0"]')
    expect(reached).to_have_count(3)
    expect(reached.first).to_be_focused()


def test_live_regions_are_polite_and_do_not_read_the_words(open_page, fake):
    fill(fake)
    page = open_page("/recordings/hearing")
    expect(page.locator(".paragraph")).to_have_count(5)
    regions = "() => [...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')]"
    assert (
        page.evaluate(f"{regions.removeprefix('() => ')}.filter(one => one.closest('.transcript')).length")
        == 0
    )
    assert "assertive" not in page.evaluate(f"{regions.removeprefix('() => ')}.map(one => one.ariaLive)")


def test_nothing_moves_where_less_motion_is_asked_for(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview", reduced_motion="reduce")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    moving = "() => [...document.querySelectorAll('*')].filter(one => getComputedStyle(one).transitionDuration !== '0s').length"
    assert page.evaluate(moving) == 0
    behaviours = page.evaluate(
        """() => import('/page/recording/follow.js').then(module => { const seen = [];
        window.scrollBy = options => seen.push(options.behavior); const range = document.createRange();
        range.selectNodeContents(document.querySelector('.paragraph > p').firstChild);
        const follow = new module.Follow(() => {}); follow.bring(range, 100); follow.close(); return seen; })"""
    )
    assert behaviours == ["instant"]
