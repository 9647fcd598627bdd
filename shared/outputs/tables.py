r"""words.csv and paragraphs.csv, for spreadsheets and data frames.

RFC 4180 quoting, UTF-8 without a byte order mark, `\n` line ends, seconds with three decimals. Every recording's
tables have the same columns, so that they can be combined; the speaker may be empty.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, in_seconds, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.outputs.segments import Segment
    from shared.results import Word

_FORMULA = ("=", "+", "-", "@")
_HARMLESS = re.compile(r"[=+@-][0-9.,:]*%?")
"""A lone sign or a signed number: `-`, `+5`, `-3.5%`."""


def words_csv(words: Sequence[Word], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """One row a word: `start_time,end_time,word,speaker`."""
    return _table("word", words, names)


def paragraphs_csv(paragraphs: Sequence[Segment], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """One row a paragraph: `start_time,end_time,text,speaker`."""
    return _table("text", paragraphs, names)


def as_cell(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would run it as a formula.

    Speech is untrusted input, and audio can be crafted to be recognised as any text. OWASP's advice on CSV
    injection is the apostrophe; signs and signed numbers are harmless and stay as they are.
    `transcript.json` has every word without it.
    """
    if text.startswith(_FORMULA) and not _HARMLESS.fullmatch(text):
        return "'" + text
    return text


def _table(content: str, spoken: Iterable[Word | Segment], names: Mapping[int, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("start_time", "end_time", content, "speaker"))
    for one in spoken:
        writer.writerow((_seconds(one.start), _seconds(one.end), as_cell(one.text), _speaker(one, names)))
    return text.getvalue().encode()


def _speaker(one: Word | Segment, names: Mapping[int, str]) -> str:
    return "" if one.speaker is None else as_cell(names.get(one.speaker) or str(one.speaker))


def _seconds(time: float) -> str:
    return in_seconds(milliseconds(time))
