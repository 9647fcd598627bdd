"""Merge the words of two overlapping pieces of audio: the arithmetic of one seam.

Most words of an overlap were heard by both sides, some by one side only, and words cut by the edge of
a piece are garbage.

1. Equal words at about the same time are paired: the monotone chain of pairs with the largest gain. The
   gain of a pair is the cost of leaving both words unpaired, less the square of their distance in time
   (a Gaussian model of timing errors). An unpaired word costs nothing if the other piece had no audio
   there, so "seven" three times across an edge stays three times.
2. Between pairs, unequal words that overlap in time are two hearings of one sound. The side whose words
   are further from the edges of its own audio is kept; the beginning of a piece counts as three times
   nearer than its end, because a transducer that begins amid speech lacks its own history.
3. A word that only one side heard is kept. Only if the sides contradict each other between the same two
   pairs must it come from the side that is surer there, by the same measure.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING

from shared.results import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOLERANCE = 0.5
"""Seconds by which two hearings of one word may differ if both sides heard it well."""
DEPTH = 0.3
"""Seconds from the edge of a piece beyond which it should have heard a word."""
COINCIDENCE = 0.15
"""Seconds. Unequal words whose middles are this near are one sound; a word this near to an edge touches it."""
HISTORY = 3.0
"""How many times as much audio a transducer needs before a word as after it to hear it equally well."""
SHORTEST = 0.1
"""Least duration of a word, seconds: engines also report words of zero length."""
MOST_CANDIDATES = 32
"""Equal words of the other side that a word is compared with, the nearest in time: nobody says one word so often in
`TOLERANCE`, but an engine may, and comparing all with all takes minutes."""
LARGEST_GROUP = 128
"""Words of one side that are compared as one sound. Half a minute of speech has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A stretch of audio and the words heard in it, on one time axis in seconds."""

    start: float
    """Start of its audio, overlap included."""
    end: float
    """End of its audio, overlap included."""
    words: tuple[Word, ...]
    """The words, in the engine's order."""
    side: int = 0
    """The channel, where channels are recognised one by one: words of two channels are not compared."""


def seam(left: Piece, right: Piece) -> list[Word]:
    """The merged words of two overlapping pieces, of which `left` begins first."""
    left, right = (
        replace(left, start=float("-inf"), end=_cut(left.end, right.end)),
        replace(right, start=-_cut(-right.start, -left.start), end=_cut(right.end, left.end)),
    )
    merged: list[Word] = []
    i = j = 0
    for p, q in [*_pairs(left, right), (len(left.words), len(right.words))]:
        groups = list(_groups(left, right, left.words[i:p], right.words[j:q]))
        differ = any(ours and theirs for ours, theirs in groups)
        for ours, theirs in groups:
            if ours and theirs:
                merged += _choose(left, right, ours, theirs)
            elif not differ or bool(ours) == _is_left_surer(left, right, ours or theirs):
                merged += ours or theirs
        if p < len(left.words):
            ours, theirs = left.words[p : p + 1], right.words[q : q + 1]
            merged += ours if _is_left_surer(left, right, (*ours, *theirs)) else theirs
        i, j = p + 1, q + 1
    return merged


def _cut(edge: float, other: float) -> float:
    """The end of a piece, or infinity if the other piece does not go on beyond it: then nothing was cut there."""
    return edge if edge < other else float("inf")


def _pairs(left: Piece, right: Piece) -> list[tuple[int, int]]:
    """Indices of words that both sides heard: the chain with the largest total gain, both indices rising.

    The heaviest common subsequence after Hunt and Szymanski (1977), over candidates in order of the
    left index: `ends` holds the right index, the total gain and the link of every chain that is not
    dominated by another, both numbers rising.
    """
    where: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for j, word in enumerate(right.words):
        where[plain_text(word.text)].append((word.start, j))
    for equal in where.values():
        equal.sort()
    before: Counter[tuple[str, float]] = Counter()
    links: list[tuple[int, int, int]] = []
    ends: list[tuple[int, float, int]] = []
    for i, word in enumerate(left.words):
        plain = plain_text(word.text)
        candidates = _near(where.get(plain, ()), word.start, before[plain, word.start])
        before[plain, word.start] += 1
        for j in candidates:
            gain = _gain(left, right, word, right.words[j])
            if gain <= 0:
                continue
            at = bisect_left(ends, j, key=lambda end: end[0])
            total, link = (ends[at - 1][1] + gain, ends[at - 1][2]) if at else (gain, -1)
            beaten = at
            while beaten < len(ends) and ends[beaten][1] <= total:
                beaten += 1
            if at < len(ends) and ends[at][0] == j and beaten == at:
                continue
            ends[at:beaten] = [(j, total, len(links))]
            links.append((i, j, link))
    chain = []
    link = ends[-1][2] if ends else -1
    while link >= 0:
        i, j, link = links[link]
        chain.append((i, j))
    return chain[::-1]


def _near(equal: Sequence[tuple[float, int]], start: float, before: int) -> list[int]:
    """Indices of equal words that may be the same one, falling: the nearest in time, `MOST_CANDIDATES` at most.

    Args:
        equal: start and index of each, rising.
        start: of the word.
        before: equal words of the same side and start that came before it.
    """
    first = bisect_left(equal, start - TOLERANCE, key=itemgetter(0))
    stop = bisect_right(equal, start + TOLERANCE, key=itemgetter(0))
    if stop - first > MOST_CANDIDATES:
        around = bisect_left(equal, start, key=itemgetter(0)) + before - MOST_CANDIDATES // 2
        first = max(first, min(around, stop - MOST_CANDIDATES))
        stop = first + MOST_CANDIDATES
    return sorted((j for _, j in equal[first:stop]), reverse=True)


def _gain(left: Piece, right: Piece, ours: Word, theirs: Word) -> float:
    """Gain of pairing two equal words, seconds squared; not positive if they are too far apart."""
    apart = max(abs(ours.start - theirs.start), abs(_middle(ours) - _middle(theirs)))
    alone = 0.0
    for other, word in ((right, ours), (left, theirs)):
        alone += TOLERANCE**2 / 2 * min(max(_clearance(other, (word,)) / DEPTH, 0.0), 1.0)
    return alone - apart**2


def _groups(
    left: Piece, right: Piece, ours: Sequence[Word], theirs: Sequence[Word]
) -> Iterator[tuple[Sequence[Word], Sequence[Word]]]:
    """Unpaired words in order; words of both sides that are hearings of one sound form one group."""
    i = j = 0
    while i < len(ours) and j < len(theirs):
        m, n = i, j
        if _one_sound(left, right, ours[i], theirs[j]):
            m, n, before = i + 1, j + 1, (i, j)
            while (m, n) != before:
                before = (m, n)
                if m < min(len(ours), i + LARGEST_GROUP) and any(
                    _one_sound(left, right, ours[m], one) for one in theirs[j:n]
                ):
                    m += 1
                if n < min(len(theirs), j + LARGEST_GROUP) and any(
                    _one_sound(left, right, one, theirs[n]) for one in ours[i:m]
                ):
                    n += 1
        elif ours[i].start <= theirs[j].start:
            m += 1
        else:
            n += 1
        yield ours[i:m], theirs[j:n]
        i, j = m, n
    yield from ((ours[k : k + 1], ()) for k in range(i, len(ours)))
    yield from (((), theirs[k : k + 1]) for k in range(j, len(theirs)))


def _one_sound(left: Piece, right: Piece, ours: Word, theirs: Word) -> bool:
    """Whether two unpaired words are two hearings of one sound."""
    if abs(_middle(ours) - _middle(theirs)) <= COINCIDENCE:
        return True
    shared = min(_end(ours), _end(theirs)) - max(ours.start, theirs.start)
    if 2 * shared >= min(_end(ours) - ours.start, _end(theirs) - theirs.start):
        return True
    if shared <= -2 * COINCIDENCE:
        return False
    return _is_doubtful(left, right, ours) or _is_doubtful(right, left, theirs)


def _is_doubtful(piece: Piece, other: Piece, word: Word) -> bool:
    """Whether a word touches the edge of its piece although it lies well inside the other, which heard another word."""
    return _margin(piece, (word,)) <= COINCIDENCE and _clearance(other, (word,)) >= DEPTH


def _choose(left: Piece, right: Piece, ours: Sequence[Word], theirs: Sequence[Word]) -> list[Word]:
    """One hearing of a group: ours up to a word start and theirs from there.

    Cuts that repeat a sound or leave one out do not count. Of the others, the one furthest from the edges is taken: ours
    before it, and theirs after it, measured by the words that either side heard there. All of ours and all of theirs
    are always among them.
    """
    # last[i] is the last of theirs that sounds like ours[i], first[j] the first of ours that sounds like theirs[j].
    last, first = [-1] * len(ours), [len(ours)] * len(theirs)
    for i, a in enumerate(ours):
        for j, b in enumerate(theirs):
            if _one_sound(left, right, a, b):
                last[i], first[j] = j, min(first[j], i)
    left_ours, left_theirs = _running(left, ours), _running(left, theirs)
    right_ours, right_theirs = _running(right, ours[::-1])[::-1], _running(right, theirs[::-1])[::-1]
    lowest = list(accumulate(reversed(last), min))[::-1]
    best, widest = [*ours], min(left_ours[-1], left_theirs[-1])
    highest = -1
    for i in range(len(ours)):
        # Nothing of ours[:i] sounds like theirs[j:], all of ours[i:] does, all of theirs[:j] like ours[:i].
        reached = max(first[: highest + 1], default=-1)
        for j in range(highest + 1, lowest[i] + 1):
            reached = max(reached, first[j - 1]) if j else reached
            if reached < i:
                width = min(left_ours[i], left_theirs[j], right_ours[i], right_theirs[j])
                if width > widest:
                    best, widest = [*ours[:i], *theirs[j:]], width
        highest = max(highest, last[i])
    return best


def _running(piece: Piece, words: Sequence[Word]) -> list[float]:
    """The margin of the first n words, for every n from 0."""
    return list(accumulate((_margin(piece, (word,)) for word in words), min, initial=float("inf")))


def _clearance(piece: Piece, words: Sequence[Word]) -> float:
    """Seconds between words and the nearer edge of a piece; negative outside, infinite without words."""
    return min((min(word.start - piece.start, piece.end - word.end) for word in words), default=float("inf"))


def _margin(piece: Piece, words: Sequence[Word]) -> float:
    """How sure a piece is of words: `_clearance`, with seconds after its beginning divided by `HISTORY`."""
    return min(
        (min((word.start - piece.start) / HISTORY, piece.end - word.end) for word in words),
        default=float("inf"),
    )


def _is_left_surer(left: Piece, right: Piece, words: Sequence[Word]) -> bool:
    return _margin(left, words) >= _margin(right, words)


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2


def _end(word: Word) -> float:
    return max(word.end, word.start + SHORTEST)


def plain_text(text: str) -> str:
    """Letters and digits in one case, or the text itself if it has neither."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LMN") or folded
