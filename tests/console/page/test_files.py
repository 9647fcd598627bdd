"""The files of the page: short modules that need no build, no network and no permission to run text as code."""

from __future__ import annotations

import re

import pytest

from tests.console.page.fake import PAGE

OURS = sorted(path for path in PAGE.rglob("*.js") if "vendor" not in path.parts)
IMPORT = re.compile(
    r"""(?:^import\s[^;]*?from\s|^import\s|^export\s[^;]*?from\s)["']([^"']+)["']""", re.MULTILINE
)
LATER = re.compile(r"""import\(["']([^"']+)["']\)""")
DANGEROUS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
DANGEROUS += ("dangerouslySetInnerHTML", "srcdoc", "javascript:")
MOST_LINES, MOST_MODULES = 250, 20


def imported(path):
    """The files that a module imports at once."""
    return [(path.parent / name).resolve() for name in IMPORT.findall(path.read_text("utf-8"))]


def needed(path, seen=None):
    """A module with all that has to be there before it runs."""
    seen = set() if seen is None else seen
    if path not in seen:
        seen.add(path)
        for one in imported(path):
            needed(one, seen)
    return seen


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_a_module(path):
    """It begins with a sentence about itself, is short, imports files that are there, and runs no text as code."""
    text = path.read_text("utf-8")
    assert text.startswith("// ")
    assert len(text.splitlines()) <= MOST_LINES
    assert [one for one in imported(path) if not one.exists()] == []
    assert [one for one in LATER.findall(text) if not (path.parent / one).exists()] == []
    assert [word for word in DANGEROUS if word in text] == []
    assert "//cdn" not in text
    assert re.findall(r"https?://", text) == []


def test_no_folder_has_more_modules_than_can_be_read_at_a_glance():
    folders = {path.parent for path in OURS}
    assert {
        folder: count for folder in folders if (count := len(list(folder.glob("*.js")))) > MOST_MODULES
    } == {}


def test_the_first_page_asks_for_all_its_modules_at_once():
    """A module that is found only inside another one costs a round trip before anything is seen."""
    text = (PAGE / "index.html").read_text("utf-8")
    asked = {PAGE / name for name in re.findall(r'(?:src|modulepreload" href)="/page/([^"]+\.js)"', text)}
    assert asked == needed(PAGE / "app.js")


def test_the_document_has_no_inline_script_or_style():
    text = (PAGE / "index.html").read_text("utf-8")
    assert re.findall(r"<style|style=|\son\w+=|<script(?![^>]*src=)", text) == []
    assert text.count('nonce="{nonce}"') == 3


def test_style_sheets_ask_for_nothing_elsewhere():
    for path in (PAGE / "css").iterdir():
        text = path.read_text("utf-8")
        assert "@import" not in text
        assert set(re.findall(r'url\("([^"]+)"\)', text)) <= {"/page/icon.svg"}
