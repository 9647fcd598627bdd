r"""transcript.md: the text as CommonMark, with the time and speaker of each paragraph.

What is said is text and never markup: a word such as `<b>`, `*` or `[x](y)` is escaped with backslashes, which CommonMark
allows before any ASCII punctuation (spec 0.31.2, section 2.4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, clock_time, one_line, speaker_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.outputs.segments import Segment

_MARKUP = re.compile(r"[\\`*_\[\]<>&~|$]")
"""Characters that begin markup wherever they are: of CommonMark, and of what GitHub adds (tables, maths, links)."""
_BLOCK = re.compile(r"(?:[#+=-]|\d{1,9}(?=[.)]))")
"""Beginnings of a line that make it a heading, a list or a rule."""


def transcript_md(
    heading: str,
    paragraphs: Sequence[Segment],
    warnings: Sequence[str],
    names: Mapping[int, str] = NO_NAMES,
) -> bytes:
    """The text with a heading; warnings are a quotation above it."""
    blocks = [f"# {_inline(heading)}"]
    blocks += [f"> {_text(line)}" for line in map(one_line, warnings) if line]
    for one in paragraphs:
        speaker = "" if one.speaker is None else f" {_inline(speaker_name(one.speaker, names))}"
        blocks.append(f"**{clock_time(one.start)}{speaker}**")
        blocks.append(_text(one.text))
    return ("\n\n".join(blocks) + "\n").encode()


def _inline(text: str) -> str:
    # A heading's closing hashes would be dropped.
    return re.sub(r"#(?=#*$)", r"\\#", _MARKUP.sub(r"\\\g<0>", text))


def _text(text: str) -> str:
    escaped = _MARKUP.sub(r"\\\g<0>", text)
    found = _BLOCK.match(escaped)
    if found is None:
        return escaped
    at = found.end() if found[0].isdigit() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"
