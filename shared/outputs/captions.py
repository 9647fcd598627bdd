"""Captions by the rules of broadcasters.

The numbers are those of the BBC Subtitle Guidelines (bbc.co.uk/accessibility/forproducts/guides/
subtitles, sections 3 to 5) and the Netflix Timed Text Style Guide (General Requirements, English).
When people speak fast they contradict each other; then the later one in this list gives way:

1. captions overlap only where people talk at once; every word is in exactly one, in order, and each caption has words
   of one speaker only;
2. no caption is early: it appears when its first word is spoken;
3. at most two lines of 42 characters, or another `Shape`, including the name of a new speaker (a longer word has a
   caption of its own);
4. at most 7 seconds;
5. at least 1 second;
6. a second for each 17 characters, for which a caption stays up to 1.5 seconds after its speech;
7. two frames of nothing between captions; a longer gap of less than a second is closed to that.

Where to cut is a shortest path over all cuts, as paragraphs are broken into lines by Knuth and
Plass ("Breaking paragraphs into lines", 1981): a greedy cut leaves single words at sentence ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from math import inf
from typing import TYPE_CHECKING, Self

from shared.outputs.printable import NO_NAMES, milliseconds, speaker_label
from shared.outputs.segments import Segment, ends_sentence, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.model import Options
    from shared.results import Word

MAX_DURATION = 7000
"""Milliseconds: the longest time a caption is shown."""
MIN_DURATION = 1000
"""Milliseconds: the shortest time a caption is shown."""
MAX_LINGER = 1500
"""Milliseconds that a caption may stay after its speech so that it can be read (BBC)."""
MIN_GAP = 80
"""Milliseconds between two captions: two frames of 25 a second (Netflix)."""
CHAINED_GAP = 1000
"""Milliseconds: a shorter gap is closed to `MIN_GAP` (BBC)."""
PAUSE = 1000
"""Milliseconds of silence that always separate captions."""
BREATH = 300
"""Milliseconds of silence that make a good place to cut."""

# Penalties of cuts, in characters of imbalance between two lines.
_AFTER_SENTENCE = 0.0
_AFTER_BREATH = 3.0
_BREATH_DISCOUNT = 8.0
_AFTER_CLAUSE = 4.0
_AFTER_WORD = 12.0
_AFTER_SHORT_WORD = 18.0
_SENTENCE_INSIDE = 10.0
_TOO_SHORT = 30.0
_TOP_HEAVY = 4.0
_EMPTINESS = 8.0

_SHORT_WORD = 3
_CLAUSE_END = tuple(",;:–—،؛、，；：")  # noqa: RUF001 - commas of many scripts


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How large captions are, and how fast people read them."""

    width: int = 42
    """Characters in a line."""
    lines: int = 2
    """Lines at most."""
    speed: float = 17.0
    """Reading speed in characters per second: Netflix's limit for adults."""

    @classmethod
    def of(cls, options: Options) -> Self:
        """What the options of a recording ask for."""
        given = {
            "width": options.caption_width,
            "lines": options.caption_lines,
            "speed": options.caption_speed,
        }
        return cls(**{name: value for name, value in given.items() if value is not None})

    @property
    def full(self) -> int:
        """Characters of a caption at most, with one between two lines."""
        return self.lines * self.width + self.lines - 1


USUAL = Shape()
"""Unless the caller asks for another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """What is on the screen at one time."""

    start: int
    """Milliseconds."""
    end: int
    """Milliseconds, after `start`; not after the start of the next, except where two people talk at once."""
    lines: tuple[str, ...]
    """At most as many as the shape has."""
    speaker: int | None = None
    """The speaker; None if speakers are not told apart."""
    label: str = ""
    """Text before the first line: the name of a speaker who begins to speak."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stream:
    """The words as columns, one entry a word, stretch after stretch: where people talk at once, not in order of time."""

    order: list[int]
    """Index among all words."""
    texts: list[str]
    """As in `Word`."""
    labels: list[str]
    """The speaker's name before a word at which somebody begins, or may go on after another speaker; else empty."""
    lengths: list[int]
    """Characters."""
    starts: list[int]
    """Milliseconds."""
    ends: list[int]
    """Milliseconds."""
    penalties: list[float]
    """Penalty of a cut after the word."""
    speakers: list[int | None]
    """As in `Word`."""
    shape: Shape
    """Shape of the captions."""
    emptiness: list[float]
    """Penalty by the length of a caption; a table, because it is looked up some 15 times a word."""


def captions(
    words: Sequence[Word],
    segments: Sequence[Segment],
    names: Mapping[int, str] = NO_NAMES,
    shape: Shape = USUAL,
) -> list[Caption]:
    """Cut words into captions.

    The words are tidy and in order; the segments are their sentences, from `segments.sentences`.

    Returns:
        Captions whose starts rise.
    """
    said = stretches(words)
    stream = _stream(words, said, segments, names, shape)
    ends = set(accumulate(map(len, said)))
    cuts: list[tuple[int, int]] = []
    first = 0
    for stop in range(1, len(words) + 1):
        if stop in ends or stream.starts[stop] - stream.ends[stop - 1] >= PAUSE:
            cuts += _cheapest_cuts(stream, first, stop)
            first = stop
    cuts.sort(key=lambda one: stream.order[one[0]])
    return list(_timed(stream, cuts))


def _stream(
    words: Sequence[Word],
    said: Sequence[Sequence[int]],
    segments: Sequence[Segment],
    names: Mapping[int, str],
    shape: Shape,
) -> _Stream:
    order = [index for stretch in said for index in stretch]
    own = [words[index] for index in order]
    texts = [word.text for word in own]
    starts = [milliseconds(word.start) for word in own]
    ends = [milliseconds(word.end) for word in own]
    penalties = [_penalty(text) for text in texts]
    for index in range(len(own) - 1):
        if starts[index + 1] - ends[index] >= BREATH:
            penalties[index] = max(penalties[index] - _BREATH_DISCOUNT, _AFTER_BREATH)
    last_words = {one.last for one in segments}
    for place, index in enumerate(order):
        # A segment that ends at a pause in mid-sentence is a breath.
        if index in last_words and ends_sentence(texts[place], "", 0.0):
            penalties[place] = _AFTER_SENTENCE
    return _Stream(
        order=order,
        texts=texts,
        labels=[label for stretch in said for label in _labels(words, stretch, names)],
        lengths=[len(text) for text in texts],
        starts=starts,
        ends=ends,
        penalties=penalties,
        speakers=[word.speaker for word in own],
        shape=shape,
        emptiness=[_EMPTINESS * (1 - length / shape.full) ** 2 for length in range(shape.full + 1)],
    )


def _labels(words: Sequence[Word], stretch: Sequence[int], names: Mapping[int, str]) -> Iterator[str]:
    """The name before each word of a stretch with which a caption could begin after one of another speaker."""
    first = stretch[0]
    yield speaker_label(words[first].speaker, words[first - 1].speaker if first else None, names)
    other = None
    for before, index in pairwise(stretch):
        if index > before + 1:
            other = milliseconds(words[index - 1].start)
        # The caption before is at most so long.
        near = other is not None and other >= milliseconds(words[before].start) - MAX_DURATION
        yield speaker_label(words[index].speaker, None, names) if near else ""


def _penalty(text: str) -> float:
    if text.endswith(_CLAUSE_END):
        return _AFTER_CLAUSE
    # Articles, prepositions and pronouns are short in every language with spaces; they lean on
    # the word that follows.
    return _AFTER_SHORT_WORD if len(text) <= _SHORT_WORD else _AFTER_WORD


def _cheapest_cuts(stream: _Stream, first: int, stop: int) -> list[tuple[int, int]]:
    """The cheapest cuts of the words from `first` to before `stop`, as (first, stop) of each caption."""
    starts, penalties = stream.starts, stream.penalties
    lowest = [0.0] + [inf] * (stop - first)
    came_from = [first] * (stop - first + 1)
    for begin in range(first, stop):
        start = starts[begin]
        so_far = lowest[begin - first]
        for end, length in _fitting(stream, begin, stop):
            cut = penalties[end - 1]
            penalty = so_far + cut + stream.emptiness[length]
            if end < stop and starts[end] - start < MIN_DURATION:
                penalty += _TOO_SHORT
            if penalty < lowest[end - first]:
                lowest[end - first] = penalty
                came_from[end - first] = begin
            if cut == _AFTER_SENTENCE:
                so_far += _SENTENCE_INSIDE
    cuts = []
    while stop > first:
        cuts.append((came_from[stop - first], stop))
        stop = came_from[stop - first]
    return cuts[::-1]


def _fitting(stream: _Stream, begin: int, stop: int) -> Iterator[tuple[int, int]]:
    """The captions that could begin with a word: where each stops, and its characters, those of a full one at most.

    Filling each line before the next finds out whether words fit into the lines.
    """
    lengths, ends, width, lines = stream.lengths, stream.ends, stream.shape.width, stream.shape.lines
    latest = stream.starts[begin] + MAX_DURATION
    line, above, number = len(stream.labels[begin]) + lengths[begin], 0, 1
    yield begin + 1, min(line, stream.shape.full)
    if line > width:
        return
    for index in range(begin + 1, stop):
        added = lengths[index]
        if ends[index] > latest:
            return
        if line + 1 + added <= width:
            line += 1 + added
        elif number < lines and added <= width:
            above += line + 1
            line = added
            number += 1
        else:
            return
        yield index + 1, above + line


def _timed(stream: _Stream, cuts: Sequence[tuple[int, int]]) -> Iterator[Caption]:
    """Captions with the times at which they come and go."""
    appears: list[int] = []
    for first, _ in cuts:
        # Words may start together, captions may not: each has at least a millisecond.
        appears.append(max(stream.starts[first], appears[-1] + 1 if appears else 0))
    speakers = [stream.speakers[first] for first, _ in cuts]
    spoken = [max(stream.ends[first:stop]) for first, stop in cuts]
    until: dict[int | None, int] = {}
    for index, (first, stop) in enumerate(cuts):
        own = speakers[index]
        label = stream.labels[first] if index == 0 or speakers[index - 1] != own else ""
        lines = _lines(stream, first, stop, label)
        length = len(label) + sum(map(len, lines))
        read = appears[index] + round(length * (1000 / stream.shape.speed))
        later = range(index + 1, len(cuts))
        # One of another speaker comes next only when this one's words are over.
        following = next((n for n in later if speakers[n] == own or appears[n] >= spoken[index]), None)
        end = _end(appears[index], spoken[index], read, None if following is None else appears[following])
        at_once = following != index + 1 and index + 1 < len(cuts)
        if at_once or any(time > appears[index] for who, time in until.items() if who != own):
            # Both are shown, so that none is too short to be read.
            same = next((appears[n] for n in later if speakers[n] == own), end + MIN_DURATION)
            end = max(end, min(appears[index] + MIN_DURATION, same))
        until[own] = max(until.get(own, 0), spoken[index])
        yield Caption(start=appears[index], end=end, lines=lines, speaker=own, label=label)


def _end(start: int, spoken: int, read: int, following: int | None) -> int:
    """When a caption goes; all times are milliseconds. `following` is when the next one comes, if there is one."""
    end = max(spoken, start + MIN_DURATION, min(read, spoken + MAX_LINGER))
    if following is not None:
        if following - end < CHAINED_GAP and following - MIN_GAP <= spoken + MAX_LINGER:
            end = following
        # The gap gives way where it would leave less than a second, the second to the next caption.
        end = min(end, max(following - MIN_GAP, start + MIN_DURATION), following)
    return min(end, start + MAX_DURATION)


def _lines(stream: _Stream, first: int, stop: int, label: str) -> tuple[str, ...]:
    """The text in one line, or in as few as it fits into, of about the same length, with breaks in good places."""
    total = len(label) + sum(stream.lengths[first:stop]) + stop - first - 1
    if total <= stream.shape.width or stop - first == 1:
        return (" ".join(stream.texts[first:stop]),)
    breaks = _breaks(stream, first, stop, label)
    return tuple(" ".join(stream.texts[begin:end]) for begin, end in pairwise((first, *breaks, stop)))


def _breaks(stream: _Stream, first: int, stop: int, label: str) -> tuple[int, ...]:
    """Where the second and each further line begins; the cheapest of all ways to break the words."""
    width = stream.shape.width
    # Characters before each word, with one after each.
    before = list(accumulate((one + 1 for one in stream.lengths[first:stop]), initial=0))
    before[1:] = [one + len(label) for one in before[1:]]
    for count in range(1, stream.shape.lines):
        cheapest = inf
        found: tuple[int, ...] = ()
        for breaks in combinations(range(first + 1, stop), count):
            lengths = [
                before[end - first] - before[begin - first] - 1
                for begin, end in pairwise((first, *breaks, stop))
            ]
            if max(lengths) > width:
                continue
            # A shorter line above a longer one covers less of the picture (Netflix).
            penalty = sum(
                abs(top - bottom) + (_TOP_HEAVY if top > bottom else 0) for top, bottom in pairwise(lengths)
            ) + sum(stream.penalties[one - 1] for one in breaks)
            if penalty < cheapest:
                cheapest, found = penalty, breaks
        if found:
            return found
    return ()
