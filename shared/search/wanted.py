"""What a person types to search: words, and "several words in this order". Pure."""

from __future__ import annotations

import re

from shared.errors import BadRequest
from shared.in_words import printable

LONGEST = 200
"""Characters."""
MOST = 12
"""Phrases."""
_PHRASE = re.compile(r'"([^"]*)"?|([^\s"]+)')


def phrases(typed: str) -> tuple[str, ...]:
    """The words and phrases that a passage must have, all of them.

    Raises:
        BadRequest: there is no letter or digit in it, or too much.
    """
    if len(typed) > LONGEST:
        raise BadRequest(f"A search has at most {LONGEST} characters. Use fewer words.")
    found = [printable(match[1] or match[2] or "") for match in _PHRASE.finditer(typed)]
    found = [one for one in found if any(letter.isalnum() for letter in one)]
    if not found:
        raise BadRequest('Type a word to search for. "Quotes" find words in this order.')
    if len(found) > MOST:
        raise BadRequest(f"A search has at most {MOST} words or phrases. Use fewer.")
    return tuple(found)
