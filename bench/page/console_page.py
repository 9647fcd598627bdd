"""The page in headless Chromium: first paint, a transcript of twelve hours, words of a chunk, and the lit word.

python -m bench console-page

The API is the made-up one of the tests, so that only the page and the browser are measured; chunks come from the real
server, with its poll.
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from console.security.access import Access
from console.server import application
from shared.flow import chunk as commit
from shared.flow import upload
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.console.page import stories
from tests.console.page.fake import PAGE, Fake, serving, words_of
from tests.world import World, heard

WORDS, PER_PARAGRAPH, HOURS = 120_000, 60, 12
RUNS = 5
FRAMES = """seconds => new Promise(resolve => { const times = []; const end = performance.now() + 1000 * seconds;
    const frame = now => { times.push(now); now < end ? requestAnimationFrame(frame) : resolve(times); };
    requestAnimationFrame(frame); })"""
SCROLL = """seconds => { const end = performance.now() + 1000 * seconds;
    const step = () => { window.scrollBy(0, 60); if (performance.now() < end) requestAnimationFrame(step); }; step(); }"""
SEEN = """text => { const root = document.querySelector('.transcript');
    window.seen = new Promise(done => { const watch = new MutationObserver(() => { if (root.textContent.includes(text)) {
        watch.disconnect(); requestAnimationFrame(() => done(Date.now())); } });
        watch.observe(root, {childList: true, subtree: true}); }); }"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
ROWS = "() => document.querySelectorAll('table.recordings tbody tr').length"
# The largest distance between the sound and the begin or end of the word that is lit, milliseconds, on each frame.
LIT = """seconds => new Promise(resolve => { const audio = document.querySelector('audio'); const off = [];
    const end = performance.now() + 1000 * seconds;
    const frame = () => { const now = audio.currentTime * 1000;
        const said = [...CSS.highlights.get('spoken')].map(String).join();
        if (said) { const start = Number(said.replace('w', '')); off.push(Math.max(0, start - now, now - start - 360)); }
        performance.now() < end ? requestAnimationFrame(frame) : resolve(off); };
    requestAnimationFrame(frame); })"""


def p95(values):
    return sorted(values)[int(len(values) * 0.95)]


def compressed_bytes(requested):
    """Bytes of the files of the first page when they are compressed."""
    return sum(len(gzip.compress(path.read_bytes())) for path in requested)


def first_paint(browser, address):
    """Milliseconds to the first content and to the rows, and the compressed bytes of the files asked for."""
    paints, asked = [], set()
    for _ in range(RUNS):
        page = browser.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.goto(address)
        page.locator("table.recordings").wait_for()
        paints.append(page.evaluate(PAINT))
        page.close()
    files = {PAGE / url.split("/page/")[1] for url in asked if "/page/" in url} | {PAGE / "index.html"}
    return statistics.median(paints), compressed_bytes(files)


def twelve_hours(browser, address):
    """Milliseconds until the words can be read, between frames in scrolling and in playing, and off the lit word."""
    ready, scrolling, playing, off = [], [], [], []
    for run in range(RUNS):
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(address)
        page.locator("table.recordings").wait_for()
        page.evaluate("() => { window.began = performance.now(); }")
        page.get_by_role("link", name="day.wav").click()
        page.locator(".paragraph >> nth=1999").wait_for(state="attached")
        painted = "() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))))"
        ready.append(page.evaluate(painted))
        if run == 0:
            page.wait_for_timeout(1500)
            page.evaluate(SCROLL, 5)
            scrolling += gaps(page.evaluate(FRAMES, 5))
            page.evaluate("() => { document.querySelector('audio').currentTime = 20; }")
            page.get_by_label("Uncertain words", exact=True).check()
            page.get_by_role("button", name="Play").click()
            page.wait_for_timeout(1000)
            playing += gaps(page.evaluate(FRAMES, 10))
            off += page.evaluate(LIT, 10)
        page.close()
    return statistics.median(ready), p95(scrolling), p95(playing), max(off)


def gaps(times):
    return [after - before for before, after in pairwise(times)]


def chunks(browser, folder):
    """Milliseconds from a chunk's durable result until its words are in the page, from the real server."""
    world = World(folder)
    world.media.info = replace(world.media.info, duration=6 * 3600.0)
    recording = upload.on_upload(world.upload("live.wav"), world.ports)
    took = []
    with serving(application(world.ports, Access(token="bench"))) as address:
        page = browser.new_page()
        page.goto(f"{address}/?token=bench")
        page.goto(f"{address}/recordings/{recording.id}")
        page.locator(".facts").wait_for()
        page.wait_for_timeout(1000)
        for one in recording.chunks[: 2 * RUNS]:
            text = f"chunk{one.index} " + " ".join(f"word{number}" for number in range(900))
            page.evaluate(SEEN, f"chunk{one.index} ")
            commit.commit_result(*heard(recording, one, text), world.ports)
            began = time.time() * 1000
            took.append(page.evaluate("() => window.seen") - began)
        page.close()
    world.close()
    return max(took)


def main():
    folder = Path(tempfile.mkdtemp())
    fake = Fake(audio=stories.sound(folder / "day.wav", seconds=600))
    stories.fill(fake)
    with (
        serving(fake.app()) as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as browser,
    ):
        paint, size = first_paint(browser, address)
        text = [
            " ".join(f"w{word * 360}" for word in range(first, first + PER_PARAGRAPH))
            for first in range(0, WORDS, PER_PARAGRAPH)
        ]
        answer = words_of(text, every=360, confidence=lambda index: 40 if index % 9 == 0 else 95)
        fake.add("day", "day.wav", answer, seconds=HOURS * 3600.0)
        ready, scrolling, playing, off = twelve_hours(browser, address)
        took = chunks(browser, folder / "world")
    measured = [
        ("first paint", paint, 500, "ms"),
        ("its bytes, compressed", size / 1000, 100, "kB"),
        (f"{HOURS} hours, {WORDS:,} words: readable after", ready, 1500, "ms"),
        ("frames while it scrolls, p95", scrolling, 20, "ms"),
        ("frames while it plays, 13,000 uncertain words marked, p95", playing, 20, "ms"),
        ("result of a chunk durable to its words in the page, longest", took, 2000, "ms"),
        ("highlighted word against the player's clock, largest distance", off, 100, "ms"),
    ]
    table = Table("what", "measured", "at most")
    for what, value, most, unit in measured:
        table.add_row(what, f"{value:.1f} {unit}", f"{most:,} {unit}")
    Console(width=110).print(table)
    return int(any(value > most for _, value, most, _ in measured))


if __name__ == "__main__":
    sys.exit(main())
