"""The tokens that a language cannot have: multilingual weights now and then slip into another alphabet."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, get_args

import numpy as np

from shared.languages import Alphabet, alphabet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def penalty(pieces: tuple[str, ...], language: str | None) -> NDArray[np.float32] | None:
    """What to add to the logits of the tokens: minus infinity for one with a letter of another alphabet.

    Args:
        pieces: the vocabulary by index.
        language: BCP-47 code that was asked for; None: none was.

    Returns:
        `(tokens,)`; None if nothing is ruled out.
    """
    asked = alphabet(language) if language else None
    return None if asked is None else _penalty(pieces, asked)


def penalties(pieces: tuple[str, ...], languages: Sequence[str | None]) -> NDArray[np.float32] | None:
    """The same for several windows, one row each, or one row if all are alike: `(1 or windows, tokens)`."""
    # Once for each language: finding what is known of a vocabulary takes as long as reading it.
    known = {one: penalty(pieces, one) for one in dict.fromkeys(languages)}
    first, *others = known.values() or (None,)
    if all(one is first for one in others):
        return None if first is None else first[None]
    nothing = np.zeros(len(pieces), np.float32)
    rows = {language: nothing if one is None else one for language, one in known.items()}
    return np.stack([rows[one] for one in languages])


@cache
def _penalty(pieces: tuple[str, ...], asked: Alphabet) -> NDArray[np.float32] | None:
    others = set(get_args(Alphabet)) - {asked}
    out = np.array([bool(_alphabets(piece) & others) for piece in pieces])
    return np.where(out, -np.inf, 0.0).astype(np.float32) if out.any() else None


def _alphabets(piece: str) -> set[str]:
    """The first words of the names of its letters: `latin`, `cyrillic`, `greek` and others; none of `<unk>` and the like."""
    if piece.startswith("<") and piece.endswith(">"):
        return set()
    names = (unicodedata.name(letter, "") for letter in piece if letter.isalpha())
    return {name.partition(" ")[0].lower() for name in names}
