"""The output files as the guide and the README list them."""

from __future__ import annotations

import re

from shared import formats
from shared.in_words import listed
from shared.outputs import render
from tests.outputs.streams import transcript, word
from tests.test_architecture import ROOT

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
"""What the examples of the guide say."""

HEADING = re.compile(r"^## .*?`([A-Za-z.]+)`$", re.MULTILINE)
"""That of a file's own section."""


def guide():
    """docs/outputs.md: the table of all files, those with captions, and a section with an example for each that has none."""
    text = (ROOT / "docs" / "outputs.md").read_text("utf-8")
    rows = "\n".join(f"| {one.use} | `{one.name}` | `{one.format}` |" for one in formats.FILES)
    text, count = re.subn(
        r"(?<=\| you want to \| take \| `--format` \|\n\|---\|---\|---\|\n)(\|.*\n)+", f"{rows}\n", text
    )
    assert count == 1, "docs/outputs.md has no place for the table"
    captions = listed([f"`{one.name}`" for one in formats.FILES if one.has_captions], "and")
    text, count = re.subn(r"(?<=They change ).*?(?=, also of )", captions, text)
    assert count == 1, "docs/outputs.md has no place for the files with captions"
    for before, one in zip((None, *formats.FILES), formats.FILES, strict=False):
        if one.name not in HEADING.findall(text):
            text = _with_section(text, before, one)
    return text


def _with_section(text, before, one):
    """The guide with a section about one file, after that of the file before it."""
    [made] = (file for file in render(TALK, formats.FORMATS) if file.name == one.name)
    text_of_it = made.data.decode("utf-8").removesuffix("\n")
    section = f"## {one.use[0].upper()}{one.use[1:]}: `{one.name}`\n\n```text\n{text_of_it}\n```\n\n"
    heading = next(found for found in HEADING.finditer(text) if found[1] == before.name)
    at = text.index("\n## ", heading.end()) + 1
    return text[:at] + section + text[at:]


def readme():
    """README.md: the files that are written only if somebody asks for them."""
    named = [f"`{one.name}` (`{one.format}`)" for one in formats.FILES if one.format in formats.MORE]
    text, count = re.subn(
        r"(?<=With `--format` also ).*?(?= \(\[more formats\])",
        listed(named, "and"),
        (ROOT / "README.md").read_text("utf-8"),
    )
    assert count == 1, "README.md has no place for the formats"
    return text
