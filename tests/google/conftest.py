"""The browser of the tests of the page."""

from tests.console.page.conftest import browser  # noqa: F401 - pytest finds fixtures by their names here
