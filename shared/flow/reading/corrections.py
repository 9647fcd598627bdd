"""The words of a transcript after a person's edits. Pure.

A word that stays keeps its time, confidence and speaker. New words share the time of those that they replace, by their
lengths; the confidence of a word that a person wrote is 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.errors import BadRequest
from shared.outputs.printable import one_line
from shared.results import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

INSERTED = 0.3
"""Most seconds of an inserted word, for which nothing was heard: it lies in the pause before the next word."""
LONGEST_TEXT = 1_000_000
"""Characters of one edit: more than a day of speech has."""
LONGEST_COMPARED = 2000
"""Words of an edit that are compared one by one, which takes the square of their number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """Other words in the place of some."""

    first: int
    """Index of the first word that is replaced, from 0."""
    stop: int
    """One past the last; `first` inserts before it."""
    text: str
    """The new words, with white space between them; empty deletes."""
    speaker: int | None = None
    """Who says them; None: who said the words that they replace."""


def corrected(words: Sequence[Word], edits: Sequence[Edit]) -> tuple[Word, ...]:
    """The words after some edits, whose indexes all count in the words before.

    Args:
        words: those of the transcript, tidy, in reading order.
        edits: in any order; they must not overlap.

    Raises:
        BadRequest: names the edit that is wrong.
    """
    ordered = sorted(edits, key=lambda one: (one.first, one.stop))
    for one in ordered:
        if not 0 <= one.first <= one.stop <= len(words):
            raise BadRequest(
                f"There are no words {one.first} to {one.stop}: the transcript has {len(words)}. Load it again."
            )
        if len(one.text) > LONGEST_TEXT:
            raise BadRequest(f"The text of one edit has more than {LONGEST_TEXT:,} characters. Split it.")
        if one.speaker is not None and one.speaker < 1:
            raise BadRequest(f"There is no speaker {one.speaker}. Speakers are numbered from 1.")
    for before, after in pairwise(ordered):
        if after.first < before.stop or (before.first, before.stop) == (after.first, after.stop):
            raise BadRequest(f"Two edits change word {after.first}. Send them as one.")
    found: list[Word] = []
    at = 0
    for one in ordered:
        found += words[at : one.first]
        found += _edited(words, one)
        at = one.stop
    return (*found, *words[at:])


def changes(words: Sequence[Word], texts: Sequence[str]) -> tuple[Edit, ...]:
    """The edits that make texts of words, for a caller who has the whole text and no edits.

    Args:
        words: those of the transcript.
        texts: all words after the correction.
    """
    matcher = SequenceMatcher(
        None, [one.text for one in words], texts, autojunk=len(words) > LONGEST_COMPARED
    )
    return tuple(
        Edit(first=a, stop=b, text=" ".join(texts[c:d]))
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )


def _edited(words: Sequence[Word], edit: Edit) -> list[Word]:
    before, texts = words[edit.first : edit.stop], one_line(edit.text).split()
    found: list[Word] = []
    if before and texts and len(before) + len(texts) <= LONGEST_COMPARED:
        matcher = SequenceMatcher(None, [one.text for one in before], texts, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            old, new = before[a:b], texts[c:d]
            found += old if kind == "equal" else _placed(words, edit.first + a, edit.first + b, new)
    else:
        found = _placed(words, edit.first, edit.stop, texts)
    return found if edit.speaker is None else [replace(one, speaker=edit.speaker) for one in found]


def _placed(words: Sequence[Word], first: int, stop: int, texts: Sequence[str]) -> list[Word]:
    """New words in the time of those from `first` to before `stop`."""
    if not texts:
        return []
    replaced = words[first:stop]
    if len(replaced) == len(texts):
        return [replace(old, text=text, confidence=1.0) for old, text in zip(replaced, texts, strict=True)]
    start, end = _room(words, first, stop, len(texts))
    speaker = next(
        (one.speaker for one in (*replaced, *words[max(first - 1, 0) : first], *words[stop : stop + 1])), None
    )
    letters, at = sum(map(len, texts)), 0
    found = []
    for text in texts:
        begin = start + (end - start) * at / letters
        at += len(text)
        found.append(
            Word(
                text=text,
                start=begin,
                end=start + (end - start) * at / letters,
                confidence=1.0,
                speaker=speaker,
            )
        )
    return found


def _room(words: Sequence[Word], first: int, stop: int, count: int) -> tuple[float, float]:
    """Start and end of the time that new words share, so that starts never decrease."""
    after = words[stop].start if stop < len(words) else float("inf")
    if first < stop:
        start = words[first].start
        # Of people who talk at once, the next in reading order may begin earlier.
        after = after if after >= start else float("inf")
        # A later word may begin before an earlier one ends; the next word's start bounds those of the new ones.
        end = max(one.end for one in words[first:stop])
        return start, max(start, min(end, after))
    if first:
        start = min(words[first - 1].end, after)
    else:
        start = min(max(0.0, after - INSERTED * count), after) if words else 0.0
    return start, max(start, min(after, start + INSERTED * count))
