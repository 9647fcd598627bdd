"""The pages for people: their links lead somewhere, and each decision has a number of its own."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")


def pages():
    """All Markdown files of the project."""
    folders = (
        "docs",
        "models",
        "samples",
        "bench",
        "notebooks",
        "terraform",
        "tests/google",
        "tests/simulation",
    )
    return sorted({*ROOT.glob("*.md"), *(page for name in folders for page in (ROOT / name).rglob("*.md"))})


def headings(page):
    """Anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    bare = (
        re.sub(r"\]\([^)]*\)|[\[`*]", "", line.lstrip("# "))
        for line in text.splitlines()
        if line.startswith("#")
    )
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in bare}


def broken(page):
    """Links of a page that lead nowhere."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    for path, anchor in LINK.findall(text):
        if "://" in path or path.startswith("mailto:"):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield path
        elif anchor and there.suffix == ".md" and anchor not in headings(there):
            yield f"{path}#{anchor}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    assert list(broken(page)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A title, *here*\n[a](page.md#a-title-here) [b](gone.md) [c](#nothing) `[d](code.md)`\n", "utf-8"
    )
    assert list(broken(page)) == ["gone.md", "#nothing"]


PLACE = re.compile(r"`([\w/.]+(?:/|\.py|\.js|\.json|\.md|\.toml))`")
"""A file, or the folder of a file that is yet to be written."""


def everyday_changes(text):
    """The files that the map names for each of the changes at its top."""
    table = text.partition("Ten everyday changes.")[2].partition("\n\n")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        _, change, opened, *_ = row.split("|")
        yield change.strip(), PLACE.findall(opened)


def test_an_everyday_change_is_in_three_files_at_most():
    changes = dict(everyday_changes((ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert len(changes) == 10
    for change, files in changes.items():
        assert 1 <= len(files) <= 3, change
        assert [name for name in files if not (ROOT / name).exists()] == [], change


def test_each_decision_has_a_number_of_its_own_and_says_it():
    files = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = Counter(path.name[:4] for path in files)
    assert [number for number, count in numbers.items() if count > 1] == []
    for path in files:
        assert path.read_text("utf-8").startswith(f"# {int(path.name[:4])}. "), path.name
