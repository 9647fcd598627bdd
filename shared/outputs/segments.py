"""Sentences and paragraphs of a word stream, with or without punctuation.

A segment ends, in this order:

1. at a change of speaker, and at a pause of two seconds, whatever the punctuation says (where people talk at once,
   each speaker's words are cut separately);
2. at the end of a sentence, if the model writes punctuation;
3. at a pause of 0.7 seconds, if a stretch has no sentence end or runs over half a minute;
4. at the widest gap, if even then a segment would run over half a minute.

The rules look at one stretch at a time, so they also work for a recording of which only a part is punctuated
(by two engines, or where music confuses one). They are the same for all languages: the pause after an
abbreviation decides whether it ends a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from shared.outputs.printable import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.results import Word

LONG_PAUSE = 2.0
"""Seconds of silence that end a segment and a paragraph."""
PAUSE = 0.7
"""Seconds of silence that end a segment if punctuation does not."""
LONG_SEGMENT = 30.0
"""Seconds after which a segment without an end is cut."""
SHORT_SEGMENT = 5.0
"""Seconds: the shortest segment that such a cut leaves."""
LONG_PARAGRAPH = 500
"""Characters after which a paragraph ends with its sentence: some 90 words of English."""
STOP = 0.3
"""Seconds of silence after an abbreviation that ends its sentence."""

_OPENING = "\"'“‘«‹([{「『¿¡"  # noqa: RUF001 - quotes of many scripts
_CLOSING = "\"'”’»›)]}」』）"  # noqa: RUF001 - quotes of many scripts
_SENTENCE_END = tuple(".!?…。！？؟۔।")  # noqa: RUF001 - full stops of many scripts
_ABBREVIATION = re.compile(
    r"""
    \w                          # an initial: J.
    | \d{1,2}                   # an ordinal, as in German: 3. März
    | .*\w\.\w+                 # dots inside: e.g. U.S. z.B. p.m.
    | mrs? | ms | dr | prof | st | mt | sgt | capt | lt | col | gen | rev | hon | no | vs
    | mme | mlle | hr | fr | nr | bzw | ca | sra? | srta | dña | sig | dott | ing | inż | tzv
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A sentence, a stretch between pauses, or a paragraph."""

    first: int
    """Index of its first word."""
    last: int
    """Index of its last word. Those of other speakers in between, who talk at the same time, are not its own."""
    count: int
    """Number of its words."""
    start: float
    """Start of its first word, seconds."""
    end: float
    """Latest end of its words, seconds."""
    text: str
    """Its words, joined by spaces."""
    speaker: int | None = None
    """The speaker; None if speakers are not told apart."""


def ends_sentence(word: str, following: str, pause: float) -> bool:
    """Whether a sentence ends with this word.

    `word` is as the engine wrote it, `following` the next one (empty at the end), `pause` the seconds between them.
    """
    bare = word.rstrip(_CLOSING)
    if not bare.endswith(_SENTENCE_END):
        return False
    if following.lstrip(_OPENING)[:1].islower():
        return False
    if bare.endswith(".") and following and _ABBREVIATION.fullmatch(bare[:-1].lstrip(_OPENING)):
        return pause >= STOP
    return True


def stretches(words: Sequence[Word]) -> list[list[int]]:
    """Indexes of the words that a speaker says up to the next one, in the order of their first words.

    A stretch goes on while another speaker talks over it: if it goes on before their words have ended, or they begin
    before the word before them has.
    """
    found: list[list[int]] = []
    latest: dict[int | None, list[int]] = {}
    for index, word in enumerate(words):
        own = latest.get(word.speaker)
        if own is None or not _goes_on(words, own[-1], index):
            own = latest[word.speaker] = []
            found.append(own)
        own.append(index)
    return found


def _goes_on(words: Sequence[Word], before: int, after: int) -> bool:
    """Whether two words of a speaker, of whom nothing is said in between, are of one stretch."""
    if after == before + 1:
        return True
    between = words[before + 1 : after]
    end = max(milliseconds(one.end) for one in between)
    return milliseconds(between[0].start) < milliseconds(words[before].end) or (
        milliseconds(words[after].start) < end
    )


def own_words(words: Sequence[Word], first: int, last: int) -> list[Word]:
    """The words of a segment or paragraph, by its first and last: those of its speaker."""
    speaker = words[first].speaker
    return [one for one in words[first : last + 1] if one.speaker == speaker]


def sentences(words: Sequence[Word]) -> list[Segment]:
    """Cut the words into segments: every word is in exactly one, and they are in the order of their first words."""
    found = []
    for indexes in stretches(words):
        own = [words[index] for index in indexes]
        found += [segment(words, indexes[a], indexes[b]) for a, b in _cut(own)]
    return sorted(found, key=lambda one: one.first)


def _cut(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """The first and the last word of each segment of a stretch."""
    first = 0
    for last in range(len(words)):
        if last + 1 == len(words) or _pause(words, last) >= LONG_PAUSE:
            ends_well = ends_sentence(words[last].text, "", LONG_PAUSE)
        elif ends_sentence(words[last].text, words[last + 1].text, _pause(words, last)):
            ends_well = True
        else:
            continue
        if ends_well and words[last].end - words[first].start <= LONG_SEGMENT:
            yield first, last
        else:
            yield from _cut_at_pauses(words, first, last)
        first = last + 1


def paragraphs(words: Sequence[Word], segments: Sequence[Segment]) -> list[Segment]:
    """Join segments into paragraphs: up to a long pause, a change of speaker, or the segment that makes one long."""
    found = []
    first = 0
    length = 0
    for index, one in enumerate(segments):
        length += len(one.text) + 1
        following = segments[index + 1] if index + 1 < len(segments) else None
        if (
            following is None
            or length > LONG_PARAGRAPH
            or following.speaker != one.speaker
            or _between(words[one.last], words[following.first]) >= LONG_PAUSE
        ):
            found.append(segment(words, segments[first].first, one.last))
            first = index + 1
            length = 0
    return found


def in_reading_order(words: Sequence[Word], blocks: Iterable[Segment]) -> tuple[Word, ...]:
    """The words paragraph after paragraph; in their own order where nobody talks while another one does."""
    return tuple(word for one in blocks for word in own_words(words, one.first, one.last))


def turns(words: Iterable[Word]) -> Iterator[tuple[int, float, float]]:
    """Speaker, start and latest end, seconds, of the words up to the next speaker; none if speakers are not told apart."""
    for speaker, group in groupby(words, key=lambda one: one.speaker):
        said = list(group)
        if speaker is not None:
            yield speaker, said[0].start, max(one.end for one in said)


def segment(words: Sequence[Word], first: int, last: int) -> Segment:
    """The segment of the words from `first` to `last`, both included, that their speaker says."""
    own = own_words(words, first, last)
    return Segment(
        first=first,
        last=last,
        count=len(own),
        start=own[0].start,
        end=max(word.end for word in own),
        text=" ".join(word.text for word in own),
        speaker=own[0].speaker,
    )


def _pause(words: Sequence[Word], index: int) -> float:
    """Seconds of silence after a word that is not the last one; negative if the words overlap."""
    return _between(words[index], words[index + 1])


def _between(before: Word, after: Word) -> float:
    """Seconds of silence between two words; negative if they overlap.

    Rounded as the times are written, so that a pause that reads 2.000 is two seconds.
    """
    return round(after.start - before.end, 3)


def _cut_at_pauses(words: Sequence[Word], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch at its pauses, and at the widest gap if there is none for too long."""
    for index in range(first, last):
        if _pause(words, index) >= PAUSE:
            yield first, index
            first = index + 1
        elif words[index + 1].end - words[first].start > LONG_SEGMENT:
            cut = _widest_gap(words, first, index)
            yield first, cut
            first = cut + 1
    yield first, last


def _widest_gap(words: Sequence[Word], first: int, last: int) -> int:
    """The word before the widest gap; of equal gaps the last one, and not too soon after the start."""
    late = [i for i in range(first, last + 1) if words[i].end - words[first].start >= SHORT_SEGMENT]
    return max(late or range(first, last + 1), key=lambda i: (_pause(words, i), i))
