"""One recording: text that follows the sound, clicks that seek, links, downloads, reasons and costs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.page.conftest import TIMEOUT_MS
from tests.console.page.fake import words_of
from tests.console.page.stories import INTERVIEW, fill

LIT = "() => [...CSS.highlights.get('spoken') || []].map(String).join()"
NOW = "() => document.querySelector('audio').currentTime"
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
"""What a browser does whose user looks at another tab, or comes back."""


def marks(page, name):
    return page.evaluate(f"() => [...CSS.highlights.get('{name}')].map(String)")


def until(page, look, wanted):
    """Waits until `look(page)` gives what is wanted; `wait_for_function` would need eval."""
    for _ in range(TIMEOUT_MS // 40):
        found = look(page)
        if found == wanted:
            return
        page.wait_for_timeout(40)
    assert found == wanted


@pytest.fixture
def interview(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    return page


def test_warnings_stand_first_and_the_text_is_the_transcript_a_node_for_each_paragraph(interview):
    page = interview
    expect(page).to_have_title("interviews/river-authority.mp3 – Dropscribe")
    assert page.locator(".paragraph > p").all_inner_texts() == [text for _, text in INTERVIEW]
    before = page.evaluate(
        "() => document.querySelector('.notice').compareDocumentPosition(document.querySelector('.transcript'))"
    )
    assert before & 4
    expect(page.get_by_role("region", name="Warnings")).to_contain_text("breaks off")
    nodes = "() => [...document.querySelectorAll('.paragraph > p')].map(p => p.childNodes.length)"
    assert set(page.evaluate(nodes)) == {1}


def test_while_its_sound_is_prepared_a_reader_is_told_and_a_click_on_a_word_counts_afterwards(
    open_page, fake
):
    fill(fake)
    fake.rendition = True
    page = open_page()
    page.route("**/audio", lambda route: None)
    page.get_by_role("link", name="interviews/river-authority.mp3").click()
    said = page.get_by_text("The sound is being prepared")
    expect(said).to_be_visible()
    page.locator(".paragraph .time").nth(1).click()
    page.unroute("**/audio")
    expect(said).to_have_count(0)
    until(page, lambda page: page.evaluate(NOW) > 1, True)


def test_no_connection_waits_for_sound_that_nobody_looks_at(open_page, fake):
    fill(fake)
    fake.rendition = True
    page = open_page()
    page.route("**/audio", lambda route: None)
    with page.expect_request("**/audio"):
        page.get_by_role("link", name="interviews/river-authority.mp3").click()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/audio")):
        page.evaluate(HIDE, True)
    with page.expect_request("**/audio"):
        page.evaluate(HIDE, False)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/audio")):
        page.locator("#main").get_by_role("link", name="Recordings").click()


def test_no_connection_waits_for_sound_that_nobody_looked_at(open_page, fake):
    """Whoever looks at another tab before the first frame is drawn, which is late on a busy computer."""
    fill(fake)
    fake.rendition = True
    page = open_page()
    page.evaluate(
        f"""() => new MutationObserver((_, watcher) => {{
        if (document.querySelector('audio')) {{ watcher.disconnect(); ({HIDE})(true); }} }})
        .observe(document, {{childList: true, subtree: true}})"""
    )
    page.get_by_role("link", name="interviews/river-authority.mp3").click()
    expect(page.locator("audio")).to_have_count(1)
    expect(page.locator("audio[src]")).to_have_count(0)


def test_the_spoken_word_is_lit_when_it_is_spoken(interview):
    page = interview
    page.evaluate("() => document.querySelector('audio').currentTime = 20 * 0.33 + 0.1")
    until(page, lambda page: page.evaluate(LIT), INTERVIEW[0][1].split()[20])
    page.get_by_role("button", name="Play").click()
    # While it plays, what is lit on a frame is what the clock says, within a word.
    words = [word for _, text in INTERVIEW for word in text.split()]
    look = f"() => new Promise(done => requestAnimationFrame(() => done([({LIT})(), ({NOW})()])))"
    seen = set()
    for turn in range(150):
        if turn >= 12 and len(seen) > 1:
            break
        lit, now = page.evaluate(look)
        place = int(now / 0.33)
        assert lit in {"", *words[max(0, place - 1) : place + 2]}
        seen.add(lit)
        page.wait_for_timeout(80)
    assert len(seen) > 1
    page.get_by_role("button", name="Pause").click()


def test_a_click_on_a_word_seeks_and_the_position_is_a_slider_for_keys_and_the_mouse(interview):
    page = interview
    box = page.evaluate(
        """() => { const p = document.querySelectorAll('.paragraph > p')[1]; const range = document.createRange();
        const at = p.firstChild.data.indexOf('Karenina'); range.setStart(p.firstChild, at + 2);
        range.setEnd(p.firstChild, at + 3); const box = range.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2]; }"""
    )
    page.mouse.click(*box)
    place = len(INTERVIEW[0][1].split()) + INTERVIEW[1][1].split().index("Karenina,")
    until(page, lambda page: round(page.evaluate(NOW), 2), round(place * 0.33, 2))
    assert page.evaluate(LIT) == "Karenina,"
    slider = page.get_by_role("slider", name="Position")
    before = page.evaluate(NOW)
    slider.press("ArrowRight")
    until(page, lambda page: page.evaluate(NOW) - before, pytest.approx(5))
    slider.press("End")
    until(page, lambda page: round(page.evaluate(NOW)), 60)
    expect(slider).to_have_attribute("aria-valuetext", "1 minute")
    # A click needs the waveform.
    until(page, lambda page: page.evaluate(CURSOR), 100)
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    until(page, lambda page: round(page.evaluate(NOW)), 15)
    page.get_by_label("Speed").select_option("1.5")
    assert page.evaluate("() => document.querySelector('audio').playbackRate") == 1.5


def test_whoever_leaves_with_another_speed_leaves_no_error(interview):
    interview.get_by_label("Speed").select_option("1.5")
    interview.evaluate(
        """() => { const audio = document.querySelector('audio');
        window.reset = new Promise(done => audio.addEventListener('ratechange', done)); }"""
    )
    interview.locator("#main").get_by_role("link", name="Recordings").click()
    interview.evaluate("() => reset")


def test_a_link_to_a_moment_opens_there(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview#t=9.95")
    word = [word for _, text in INTERVIEW for word in text.split()][30]
    until(page, lambda page: page.evaluate(LIT), word)
    assert page.evaluate(NOW) == pytest.approx(9.95)
    page.locator(".paragraph a.time").nth(3).click()
    until(page, lambda page: page.evaluate(NOW) > 20, True)
    assert "#t=" in page.url


def test_a_link_to_this_moment_can_be_copied(open_page, fake):
    fill(fake)
    page = open_page("/recordings/interview", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    page.evaluate("() => document.querySelector('audio').currentTime = 12.5")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status").filter(has_text="0:12")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()").endswith("/recordings/interview#t=12.5")


LIT_IS_SEEN = """() => { const box = document.querySelector('.paragraph.now')?.getBoundingClientRect();
    return Boolean(box) && box.top > 0 && box.bottom < innerHeight; }"""


@pytest.fixture
def followed(open_page, fake):
    """A long text that follows its sound, which plays so slowly that it does not end before a busy computer has looked."""
    long = [f"Paragraph {number} says a little and a little more than that." for number in range(120)]
    fake.add("long", "long.mp3", words_of(long, every=45), seconds=60.0)
    page = open_page("/recordings/long")
    expect(page.locator(".paragraph")).to_have_count(120)
    page.evaluate(
        "() => Object.assign(document.querySelector('audio'), {currentTime: 30, playbackRate: 0.2})"
    )
    page.get_by_role("button", name="Play").click()
    until(page, lambda page: page.evaluate(LIT_IS_SEEN), True)
    assert page.evaluate("() => scrollY") > 1000
    return page


SLOW_FRAMES = """() => {
    const next = requestAnimationFrame, drop = cancelAnimationFrame, waiting = new Set();
    window.requestAnimationFrame = (done) => {
        const timer = setTimeout(() => { waiting.delete(timer); next(done); }, 400);
        waiting.add(timer);
        return timer;
    };
    window.cancelAnimationFrame = (one) => { waiting.delete(one) ? clearTimeout(one) : drop(one); };
}"""


def test_the_text_follows_until_the_reader_scrolls(followed):
    page = followed
    page.mouse.move(300, 600)
    page.mouse.wheel(0, -4000)
    expect(page.get_by_role("button", name="Follow the sound")).to_be_visible()
    until(page, lambda page: page.evaluate("() => scrollY"), 0)
    page.wait_for_timeout(400)
    assert page.evaluate("() => scrollY") == 0
    page.get_by_role("button", name="Follow the sound").click()
    until(page, lambda page: page.evaluate(LIT_IS_SEEN), True)
    expect(page.get_by_role("button", name="Follow the sound")).to_have_count(0)


def test_the_second_look_at_what_is_far_away_does_not_take_back_who_scrolls_before_it(followed):
    page = followed
    page.evaluate("() => window.scrollTo({top: 0, behavior: 'instant'})")
    page.evaluate(SLOW_FRAMES)
    page.get_by_role("button", name="Follow the sound").click()
    until(page, lambda page: page.evaluate(LIT_IS_SEEN), True)
    page.evaluate(
        "() => { dispatchEvent(new WheelEvent('wheel')); scrollTo({top: 0, behavior: 'instant'}); }"
    )
    for _ in range(40):
        page.wait_for_timeout(40)
        assert page.evaluate("() => scrollY") == 0


def test_a_reader_is_not_taken_back_before_the_browser_tells_who_scrolled(followed):
    """A busy one scrolls for the wheel first, draws, and tells the page later; of a search in the page it never tells."""
    page = followed
    page.evaluate("() => window.scrollTo({top: 0, behavior: 'instant'})")
    expect(page.get_by_role("button", name="Follow the sound")).to_be_visible()
    assert page.evaluate("() => scrollY") == 0


CURSOR = """() => {
    const part = name => document.querySelector('.waveform > div')?.shadowRoot.querySelector(name);
    return part('canvas') && Math.round(parseFloat(part('.cursor').style.left));
}"""
"""Percent of its width."""


def test_the_waveform_shows_the_moment_of_a_link_however_late_it_is_drawn(open_page, fake):
    fill(fake)
    page = open_page()
    page.route("**/peaks*", lambda route: None)
    page.goto("/recordings/interview#t=30")
    expect(page.locator(".paragraph")).to_have_count(len(INTERVIEW))
    until(page, lambda page: page.evaluate(NOW), 30)
    until(page, lambda page: page.evaluate("() => document.querySelector('audio').seeking"), False)
    page.wait_for_timeout(300)
    page.unroute("**/peaks*")
    until(page, lambda page: page.evaluate(CURSOR), 50)


def test_uncertain_words_are_off_until_asked_for(interview):
    page = interview
    assert marks(page, "uncertain") == []
    page.get_by_label("Uncertain words", exact=True).check()
    until(page, lambda page: len(marks(page, "uncertain")), 5)
    page.get_by_label("Confidence below").fill("45")
    until(page, lambda page: len(marks(page, "uncertain")), 2)
    page.get_by_role("button", name="Next uncertain").click()
    first = marks(page, "hit-now")
    page.get_by_role("button", name="Next uncertain").click()
    assert marks(page, "hit-now") != first
    assert set(marks(page, "hit-now") + first) == set(marks(page, "uncertain"))


def test_search_in_the_recording_goes_from_hit_to_hit(interview):
    page = interview
    field = page.get_by_label("Search in this recording")
    field.fill("THE BRIDGE")
    expect(page.get_by_text("1 found")).to_be_visible()
    field.fill("bridge")
    expect(page.get_by_text("2 found")).to_be_visible()
    until(page, lambda page: marks(page, "hit"), ["bridge", "bridge"])
    field.press("Enter")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    field.press("Shift+Enter")
    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert marks(page, "hit-now") == ["bridge"]
    field.fill("(.*")
    expect(page.get_by_text("not found")).to_be_visible()


def test_downloads_are_of_the_revision_that_is_shown(interview):
    with interview.expect_download() as told:
        interview.get_by_role("link", name="transcript.srt").click()
    assert told.value.suggested_filename == "transcript.srt"
    assert told.value.path().read_text() == "revision 0"


def test_why_this_engine_and_what_each_attempt_cost(interview):
    expect(interview.get_by_role("complementary").get_by_text("deepgram was asked for").first).to_be_visible()
    table = interview.get_by_role("region", name="Attempts")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table).to_contain_text("no answer: timed out")
    # The flow counts parts from 0; people do not.
    expect(table.get_by_role("row").nth(1).get_by_role("cell").first).to_have_text("1")
    expect(interview.get_by_text("$0.0064 in all, $0.0021 of it for what was not used.")).to_be_visible()


def test_the_button_that_edits_covers_no_word(interview):
    paragraph = interview.locator(".paragraph").first
    for width in (1100, 700, 360):
        interview.set_viewport_size({"width": width, "height": 800})
        interview.mouse.move(0, 0)
        paragraph.hover()
        button = paragraph.get_by_role("button", name="Edit").bounding_box()
        for other in (paragraph.locator("p"), paragraph.locator(".time"), paragraph.locator(".speaker")):
            box = other.bounding_box()
            assert (
                box["x"] + box["width"] <= button["x"]
                or button["x"] + button["width"] <= box["x"]
                or box["y"] + box["height"] <= button["y"]
                or button["y"] + button["height"] <= box["y"]
            ), (width, box, button)


def test_a_failed_recording_says_why_and_is_tried_again(open_page, fake):
    fill(fake)
    page = open_page("/recordings/broken")
    expect(page.get_by_text("Copy it again and upload it")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("dialog").get_by_role("button", name="Try again").click()
    expect(page.locator(".facts").get_by_text("Transcribing")).to_be_visible()
    assert ("POST", "/recordings/broken/retry", None) in fake.asked


def test_deleting_asks_first(interview, fake):
    interview.get_by_role("button", name="Delete …").click()
    interview.keyboard.press("Escape")
    assert fake.rows["interview"]["state"] == "DONE"
    interview.get_by_role("button", name="Delete …").click()
    interview.get_by_role("button", name="Delete for good").click()
    expect(interview.get_by_role("heading", name="Recordings")).to_be_visible()
    assert ("DELETE", "/recordings/interview", None) in fake.asked


def test_whoever_goes_elsewhere_while_a_recording_is_deleted_stays_there(interview):
    interview.route("**/api/v1/recordings/interview", lambda route: None)
    interview.get_by_role("button", name="Delete …").click()
    interview.get_by_role("button", name="Delete for good").click()
    interview.get_by_role("link", name="Costs").click()
    expect(interview.get_by_role("heading", name="Costs")).to_be_visible()
    with interview.expect_response("**/api/v1/recordings/interview"):
        interview.unroute("**/api/v1/recordings/interview")
    expect(interview.get_by_text("The recording is deleted.")).to_be_visible()
    expect(interview.get_by_role("heading", level=1)).to_have_text("Costs")


def test_a_recording_without_sound_is_read_all_the_same(open_page, fake):
    fake.add("one", "one.amr", words_of(["a b c"]), detail={"audio": None})
    page = open_page("/recordings/one")
    expect(page.locator(".paragraph > p")).to_have_text("a b c")
    expect(page.get_by_text("There is no sound to play")).to_be_visible()
    page.locator(".paragraph a.time").click()
    until(page, lambda page: page.evaluate(LIT), "a")


def test_a_recording_that_is_not_there(open_page):
    page = open_page("/recordings/none")
    expect(page.get_by_role("alert")).to_contain_text("There is no such recording")


def test_twelve_hours_are_few_elements_and_the_browsers_search_finds_all(open_page, fake):
    text = [" ".join(f"word{index * 60 + place}" for place in range(60)) for index in range(2000)]
    fake.add("day", "day.mp3", words_of(text, every=360), seconds=43_200.0)
    page = open_page("/recordings/day")
    expect(page.locator(".paragraph")).to_have_count(2000)
    assert page.evaluate("() => document.querySelectorAll('*').length") < 14_000
    assert page.evaluate("() => window.find('word119999')")
    words = (
        "() => [...document.querySelectorAll('.paragraph > p')].flatMap(p => p.textContent.split(' ')).length"
    )
    assert page.evaluate(words) == 120_000
    style = "() => getComputedStyle(document.querySelector('.block')).contentVisibility"
    assert page.evaluate(style) == "auto"


def test_where_two_people_talk_at_once_the_word_that_is_spoken_is_lit(open_page, fake):
    answer = words_of([(0, "one two three four"), (1, "five six seven eight")], speakers=["Ann", "Bo"])
    # The second speaker begins while the first one is at the second word.
    answer["words"]["start"][4:] = [600, 1000, 1400, 1800]
    answer["words"]["end"][4:] = [950, 1350, 1750, 2150]
    fake.add("both", "both.wav", answer)
    page = open_page("/recordings/both")
    for moment, word in ((0.65, "five"), (0.85, "three"), (1.45, "seven"), (1.85, "eight")):
        page.goto(f"/recordings/both#t={moment}")
        expect(page.locator(".paragraph > p")).to_have_text(["one two three four", "five six seven eight"])
        until(page, lambda page: page.evaluate(LIT), word)
