"""The examples in docs/outputs.md are what the code writes."""

import re
from pathlib import Path

import pytest

from shared.formats import FILES, FORMATS
from shared.outputs import render
from tests.generated.output_files import TALK

GUIDE = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")
EXAMPLES = dict(
    re.findall(
        r"^## (?:.*?)`([A-Za-z.]+)`\n(?:(?!^## ).)*?^```\w*\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL
    )
)


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
