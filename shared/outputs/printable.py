"""Words as every output file writes them: printable text on one line, times in whole milliseconds."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from shared.in_words import encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.results import Word

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufeff]")
"""Control characters and the byte order mark: none of them is speech, and some readers take each of them for
the end of a line, a caption or a file. (Line separators are white space.)"""

NO_NAMES: Mapping[int, str] = MappingProxyType({})
"""For speakers whose names are not known."""

LONGEST_NAME = 80
"""Characters of a speaker's name."""


def milliseconds(seconds: float) -> int:
    """A time as a whole number of milliseconds, rounded in the same way for all files.

    A negative time, which only an engine's rounding can give, becomes 0: no subtitle format can write it.
    """
    return max(0, round(seconds * 1000))


def in_seconds(time: int) -> str:
    """A time of whole milliseconds in seconds: `7.250`."""
    return f"{time // 1000}.{time % 1000:03d}"


def one_line(text: str) -> str:
    """The text on one line: control characters are white space, and white space is one space."""
    return " ".join(_CONTROL.sub(" ", encodable(text)).split())


def heading(title: str | None, name: str) -> str:
    """What stands above a transcript: the title of the recording, else the name of its object without folders."""
    return one_line(title or "") or one_line(name.rsplit("/", 1)[-1]) or one_line(name) or "Recording"


def clock_time(seconds: float) -> str:
    """A time for readers, in whole seconds: `0:00:07`."""
    whole = milliseconds(seconds) // 1000
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def speaker_name(speaker: int, names: Mapping[int, str]) -> str:
    """The name of a speaker: that of `names`, else the number."""
    return names.get(speaker) or f"Speaker {speaker}"


def speaker_label(speaker: int | None, before: int | None, names: Mapping[int, str]) -> str:
    """The name to write before the words of a speaker who begins to speak; empty before other words."""
    return "" if speaker is None or speaker == before else f"{speaker_name(speaker, names)}: "


def tidy(words: Iterable[Word]) -> tuple[Word, ...]:
    """The words with their text on one line; words without text are left out."""
    kept = []
    for word in words:
        # Nearly every word is printable and has no space: it is kept without a copy.
        if word.text.isprintable() and word.text and " " not in word.text:
            kept.append(word)
        elif text := one_line(word.text):
            kept.append(replace(word, text=text))
    return tuple(kept)
