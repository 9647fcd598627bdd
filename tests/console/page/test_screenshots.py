"""The pictures of README.md and docs/console.md, made anew by

    python -m tests.console.page.test_screenshots

after a change of what the page looks like.
"""

from __future__ import annotations

import datetime as dt
import struct
import sys
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.chromium import ARGUMENTS, CHROMIUM
from tests.console.page import stories
from tests.console.page.conftest import leave, new_page
from tests.console.page.fake import Fake, serving

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
NOW = 1_796_212_800.0  # a Wednesday, 12:00
WIDE, NARROW = {"width": 1200, "height": 760}, {"width": 360, "height": 760}
PICTURES = {
    "recordings": (WIDE, "light"),
    "recording": (WIDE, "light"),
    "recording-dark": (WIDE, "dark"),
    "costs": (WIDE, "light"),
    "narrow": (NARROW, "light"),
}
MOST_BYTES = 200_000


def settled(page):
    """Waits until all that comes later is drawn: the waveform, and the notices that go."""
    page.wait_for_timeout(400)


def camera(browser, address):
    """A page whose pictures are alike, and what watches it."""
    page, watch = new_page(browser, address, timezone_id="UTC", locale="en-GB", reduced_motion="reduce")
    page.clock.set_fixed_time(dt.datetime.fromtimestamp(NOW, dt.UTC))
    return page, watch


def take(page, fake, name, path):
    """Takes one picture."""
    size, scheme = PICTURES[name]
    stories.fill(fake, NOW)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    if name == "recordings":
        page.goto("/")
        expect(page.locator("table.recordings tbody tr")).to_have_count(8)
    elif name == "costs":
        page.goto("/costs")
        expect(page.locator(".chart canvas")).to_have_count(2)
    else:
        page.goto("/recordings/interview#t=19.9")
        expect(page.locator(".paragraph")).to_have_count(len(stories.INTERVIEW))
        settled(page)
        if name != "narrow":
            page.get_by_label("Uncertain words", exact=True).check()
            page.evaluate("() => scrollTo(0, 0)")
    settled(page)
    page.screenshot(path=path)
    leave(page)


@pytest.fixture(scope="module")
def shared(browser, served):
    page, watch = camera(browser, served[1])
    yield page, watch
    page.context.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_and_of_the_page_as_it_is(shared, fake, tmp_path, name):
    """Fonts differ between machines, so that only its size is compared."""
    made = tmp_path / "made.png"
    page, watch = shared
    take(page, fake, name, made)
    assert watch.wrong == []
    kept = FOLDER / f"{name}.png"
    sizes = [struct.unpack(">II", path.read_bytes()[16:24]) for path in (made, kept)]
    assert sizes[0] == sizes[1]
    assert kept.stat().st_size <= MOST_BYTES
    assert kept.stat().st_size >= made.stat().st_size / 3


def main():
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        fake = Fake(audio=stories.sound(Path(folder) / "minute.wav"))
        with (
            serving(fake.app()) as address,
            playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
        ):
            page, watch = camera(browser, address)
            for name in PICTURES:
                take(page, fake, name, FOLDER / f"{name}.png")
            assert watch.wrong == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
