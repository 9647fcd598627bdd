"""Whisper's names of languages: `verbose_json` has `english`, requests have `en`."""

from __future__ import annotations

import re

from shared.languages import NAMES, primary

UNKNOWN = "unknown"
"""In the place of a name if the engine does not tell the language."""

_CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CODES = {name: code for code, name in NAMES.items()}


def name_of(code: str | None) -> str:
    """The name of a language by its BCP-47 code: `english` for `en` and `en-GB`, the code itself if it has none."""
    if not code:
        return UNKNOWN
    return NAMES.get(primary(code), code)


def code_of(said: str) -> str | None:
    """The code of a language that a caller names by code or, as Whisper's own tools do, by name; None if it is neither."""
    word = said.strip()
    if named := _CODES.get(word.lower()):
        return named
    return word if _CODE.fullmatch(word) else None
