"""One browser and one server for all tests of the page in a process; a page of its own for each test."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from console.security.access import Access
from console.server import application
from tests.console.page import stories
from tests.console.page.fake import Fake, serving

TIMEOUT_MS = 60_000
# A busy computer must not fail them.
expect.set_options(timeout=TIMEOUT_MS)
USUAL = {"width": 1200, "height": 800}
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A minute of sound."""
    return stories.sound(tmp_path_factory.mktemp("sound") / "minute.wav")


@pytest.fixture(scope="session")
def served():
    """A server, and what it serves."""
    fake = Fake()
    with serving(fake.app()) as address:
        yield fake, address


@pytest.fixture
def fake(served, sound):
    """What is served, without any recording."""
    fake, _ = served
    fresh = Fake(audio=sound)
    vars(fake).update({name: value for name, value in vars(fresh).items() if name not in {"streams", "loop"}})
    fake.costs = stories.costs()
    return fake


class Watch:
    """Keeps what must not happen in a page: errors, refused content, requests elsewhere, dialogs of scripts."""

    def __init__(self, page, address):
        self.address, self.wrong = address, []
        page.on("console", self.said)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", self.answered)
        page.on("request", self.asked)
        page.on("dialog", self.opened)

    def said(self, message):
        # An answer of the API that is no success, or breaks off, is told to the reader, and is no fault of the page.
        told = ("server responded with a status of", "ERR_CONTENT_LENGTH_MISMATCH")
        if message.type in {"error", "warning"} and not any(one in message.text for one in told):
            self.wrong.append(f"{message.text} ({message.location['url']})")

    def answered(self, response):
        if "/page/" in response.url and response.status >= 400:
            self.wrong.append(f"{response.url} gave {response.status}")

    def asked(self, request):
        if not request.url.startswith((self.address, "blob:", "data:", "about:")):
            self.wrong.append(f"asked for {request.url}")

    def opened(self, dialog):
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.wrong.append(f"opened a dialog: {dialog.message}")
            dialog.dismiss()


def new_page(browser, address, **options):
    """A page in a context of its own, and what watches it."""
    context = browser.new_context(base_url=address, viewport=USUAL, **options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    return page, Watch(page, address)


@pytest.fixture(scope="session")
def usual_page(browser, served):
    """The page that tests share, because a process of the browser takes longer to start than a test."""
    return new_page(browser, served[1])


@pytest.fixture
def open_page(browser, served, fake, usual_page):
    """Gives `open_page(path, viewport=…, own=…, **options of the context)`; fails if anything went wrong in it.

    `own`: in a context of its own, which any option asks for, too. A clock that is changed stays changed in its context.
    """
    used, contexts = [], []

    def made(path="/", viewport=USUAL, *, own=False, **options):
        fake.wait_for_streams(0)
        page, watch = new_page(browser, served[1], **options) if own or options else usual_page
        used.append(watch)
        contexts.extend([page.context] if own or options else [])
        page.set_viewport_size(viewport)
        page.goto(path)
        fake.wait_for_streams(1)
        return page

    yield made
    for context in contexts:
        context.close()
    page, watch = usual_page
    if watch in used:
        leave(page)
    found = [one for watch in used for one in watch.wrong]
    for watch in used:
        watch.wrong.clear()
    assert not found, "\n".join(found)


def leave(page):
    """Nothing of it runs on, and nothing of it is said in the next test."""
    page.evaluate("() => localStorage.clear()")
    page.goto("about:blank")
    page.unroute_all()


@pytest.fixture(scope="session")
def real(browser):
    """The page that tests share which have the real server, what watches it, and the one application that is served."""
    served = []

    async def newest(scope, receive, send):
        await served[-1](scope, receive, send)

    with serving(newest) as address:
        yield *new_page(browser, address), served


@pytest.fixture
def open_real(real, world):
    """Gives `open_real(ports, *expected)`: the real page, opened by the printed address the first time.

    Fails if anything went wrong in it, but for what contains one of `expected`. The world ends after the page is left.
    """
    page, watch, served = real
    allowed = []

    def opened(ports, *expected):
        path = "/" if served else f"/?token={TOKEN}"
        served[:] = [application(ports, Access(token=TOKEN))]
        allowed.extend(expected)
        page.goto(path)
        assert page.url == f"{watch.address}/"
        return page

    yield opened
    leave(page)
    found = [one for one in watch.wrong if not any(part in one for part in allowed)]
    watch.wrong.clear()
    assert not found, "\n".join(found)
