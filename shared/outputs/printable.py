"""Words as every output file writes them: one line of printable text, times in whole milliseconds."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.results import Word

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half characters: a file name that is not UTF-8 has them. No encoding can write them."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufeff]")
"""Control characters and the byte order mark: none of them is speech, and each of them ends a line, a
caption or a file for some reader. (Line separators are white space.)"""


def milliseconds(seconds: float) -> int:
    """A time as a whole number of milliseconds, the one rounding that all files share.

    A time before the recording, which only an engine's rounding can give, is its start: no subtitle
    format can write it.
    """
    return max(0, round(seconds * 1000))


def encodable(text: str) -> str:
    """The text with U+FFFD in place of what UTF-8 cannot write."""
    return _SURROGATE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The text on one line: control characters are white space, and white space is one space."""
    return " ".join(_CONTROL.sub(" ", encodable(text)).split())


def speaker_name(speaker: int) -> str:
    """What a speaker is called where nobody knows the name."""
    return f"Speaker {speaker}"


def speaker_label(speaker: int | None, before: int | None) -> str:
    """What to write before the words of a speaker who begins to speak; nothing before those of any other."""
    return "" if speaker is None or speaker == before else f"{speaker_name(speaker)}: "


def tidy(words: Iterable[Word]) -> tuple[Word, ...]:
    """The words with their text on one line; a word without any text is left out."""
    kept = []
    for word in words:
        # Nearly every word is printable and has no space: it passes as it is, without a copy.
        if word.text.isprintable() and word.text and " " not in word.text:
            kept.append(word)
        elif text := one_line(word.text):
            kept.append(replace(word, text=text))
    return tuple(kept)


def join(words: Sequence[Word], first: int, last: int) -> str:
    """The text of the words from `first` to `last`, both included."""
    return " ".join(word.text for word in words[first : last + 1])
