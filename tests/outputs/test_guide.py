"""The examples in docs/outputs.md are what the code writes."""

import re
from pathlib import Path

import pytest

from shared.formats import FORMATS
from shared.outputs import render
from shared.outputs.formats import FILES
from tests.outputs.streams import transcript, word

GUIDE = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(
        r"^## (?:.*?)`([A-Za-z.]+)`\n(?:(?!^## ).)*?^```\w*\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
    )
)

_SPOKEN = (
    (0.48, "Good", "evening,", "and", "welcome."),
    (2.64, "Tonight,", "on", "the", "river,"),
    (4.4, "we", "ask", "what", "the", "engineers", "were", "planning", "to", "do", "with", "the", "second"),
    (8.24, "bridge."),
    (11.12, "It", "rained."),
)
TALK = transcript(
    [
        word(text, round(start + 0.32 * index, 2), round(start + 0.32 * index + 0.28, 2))
        for start, *texts in _SPOKEN
        for index, text in enumerate(texts)
    ],
    warnings=("The demo model knows some 160 words of synthetic English.",),
)


def test_the_guide_says_what_to_ask_for_to_get_each_file():
    rows = re.findall(r"^\|[^|]+\| `([A-Za-z.]+)` \| `([a-z-]+)` \|$", GUIDE, re.MULTILINE)
    assert rows == [(one.name, one.format) for one in FILES]


def test_the_readme_names_every_file():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in FILES if f"`{one.name}`" not in readme] == []


def test_the_guide_shows_every_file():
    # A document is no text.
    assert list(EXAMPLES) == [one.name for one in FILES if one.format != "docx"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_is_written(name):
    (file,) = (one for one in render(TALK, FORMATS) if one.name == name)
    written = file.data.decode()
    # A line of dots stands for lines left out.
    at = 0
    for piece in re.split(r"^ *…\n", EXAMPLES[name], flags=re.MULTILINE):
        found = written.find(piece, at)
        assert found >= 0, piece
        at = found + len(piece)
    assert "…" in EXAMPLES[name] or EXAMPLES[name] == written
