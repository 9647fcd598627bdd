"""Words with times, from decoded tokens.

The vocabulary is SentencePiece's: a token that begins with a space begins a word, all others continue it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.results import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSING = frozenset(".,!?;:%…)]}»”’\"'")  # noqa: RUF001 - the typographic apostrophe is meant
"""A word of nothing but these is punctuation of the word before. Opening signs (`$`, `¿`, `(`) are not here: they
belong to what follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """What was decoded in one window; all arrays have one entry for each token, in order."""

    ids: NDArray[np.int32]
    """Index into the vocabulary."""
    frames: NDArray[np.int32]
    """Encoder frame it was emitted at."""
    durations: NDArray[np.int32]
    """Encoder frames it lasts, as predicted; 0 if the next token is at the same frame."""
    confidences: NDArray[np.float32]
    """Softmax probability among all tokens and blank (durations do not count), 0 to 1."""

    @classmethod
    def none(cls) -> Tokens:
        """The tokens of a window in which nothing was decoded."""
        nothing = np.zeros(0, dtype=np.int32)
        return cls(ids=nothing, frames=nothing, durations=nothing, confidences=nothing.astype(np.float32))


def words(tokens: Tokens, pieces: Sequence[str], seconds: float) -> tuple[Word, ...]:
    """Join tokens to words.

    A word starts at the frame of its first token. It ends where its last token ends (frame plus predicted duration, at
    least one frame, because a duration of 0 only says that the next token is at the same frame), or where the next word
    starts, if that is earlier. Punctuation neither moves a word's end nor counts in its confidence: it is not heard.

    The confidence is the product of the tokens' probabilities: by the chain rule, the model's probability of this
    spelling after what it wrote before. A mean would hide one bad token in a long word.

    Args:
        tokens: of one window.
        pieces: the vocabulary by index, a leading space for SentencePiece's mark of a word's start.
        seconds: length of an encoder frame.

    Returns:
        Words in order; times are seconds from the window's start.
    """
    found: list[_Building] = []
    ends = tokens.frames + np.maximum(tokens.durations, 1)
    columns = (tokens.ids.tolist(), tokens.frames.tolist(), ends.tolist(), tokens.confidences.tolist())
    for index, frame, end, confidence in zip(*columns, strict=True):
        piece = pieces[index]
        if _is_control(piece):
            continue
        if piece.startswith(" ") or not found:
            found.append(_Building(frame))
        found[-1].add(piece.strip(), end, confidence)
    joined: list[_Building] = []
    for word in found:
        if not word.text:
            continue
        if joined and CLOSING.issuperset(word.text):
            joined[-1].text += word.text
        else:
            joined.append(word)
    limits = (word.start for word in joined[1:])
    return tuple(word.finish(limit, seconds) for word, limit in itertools.zip_longest(joined, limits))


def _is_control(piece: str) -> bool:
    """True for `<|endoftext|>`, `<pad>`, `<unk>` and the like: control tokens, not text."""
    text = piece.strip()
    return len(text) > 2 and text.startswith("<") and text.endswith(">")


class _Building:
    """A word while its tokens come in; times are frames."""

    __slots__ = ("confidence", "end", "start", "text")

    def __init__(self, start: int) -> None:
        self.text = ""
        self.start = start
        self.end = start
        self.confidence = 1.0

    def add(self, piece: str, end: int, confidence: float) -> None:
        """Append a token."""
        heard = not CLOSING.issuperset(piece) or not self.text
        self.text += piece
        if heard:
            self.end = end
            self.confidence *= confidence

    def finish(self, limit: int | None, seconds: float) -> Word:
        end = self.end if limit is None else min(self.end, limit)
        return Word(
            text=self.text,
            start=round(self.start * seconds, 3),
            end=round(max(self.start, end) * seconds, 3),
            confidence=min(1.0, self.confidence),
        )
