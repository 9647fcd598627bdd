"""The names of the output formats: what a person may ask for, without what writes them (`shared/outputs/formats.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STANDARD = ("json", "csv", "srt", "vtt", "txt")
"""Every recording has these."""

MORE = ("vtt-words", "podcast", "md", "docx", "audacity", "textgrid", "ctm", "rttm")
"""A recording has these if its request, or the deployment, asks for them."""

FORMATS = (*STANDARD, *MORE)


def named(text: str | None) -> tuple[str, ...]:
    """The formats in a list that is separated by commas, each once, in the order of `FORMATS`.

    Raises:
        ValueError: names one that does not exist, and those that do.
    """
    names = _split(text)
    for name in sorted(names):
        if name not in FORMATS:
            raise ValueError(f"There is no format {name!r}. Choose from {', '.join(FORMATS)}.")
    return ordered(names)


def of_recording(*asked: str | None) -> tuple[str, ...]:
    """The formats of a recording: the standard ones, and those of some lists that are separated by commas.

    Names that only a newer version knows are left out: the list was checked when it was given.
    """
    return ordered({*STANDARD}.union(*map(_split, asked)))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """The known ones of some names, in the order of `FORMATS`."""
    wanted = set(names)
    return tuple(one for one in FORMATS if one in wanted)


def _split(text: str | None) -> set[str]:
    return {one.strip() for one in (text or "").split(",")} - {""}
