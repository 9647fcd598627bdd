"""Step 6. Merge the words heard in overlapping pieces of audio into one sequence.

The same arithmetic merges the chunks of a recording and the windows of a chunk; `seam.py` merges one overlap.
Every word of the result is a whole word of one piece, in the order of that piece: words are never sorted.
Only times are corrected: a start lower than the one before it is raised to that one.

With times wrong by up to 0.15 s each, the words are exact if overlaps are empty or at least 1.5 s long and
equal words begin at least 0.7 s apart; in tests random errors of that size never mattered. No rule can restore
a word that both sides missed, tell which of two hearings is right, or count quick repetitions whose times are
all wrong by the same amount. A word that one side missed next to a word that the other missed counts as one
sound if their times coincide, and a word that touches the edge of its piece gives way to what the other side
heard beside it. See also `docs/decisions/0002-merging.md`.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import Transient
from shared.flow.seam import SHORTEST, TOLERANCE, Piece, seam
from shared.results import ChunkResult, Part, Voice, Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.model import Chunk

__all__ = ["Piece", "in_time", "join", "parts", "pieces", "timeline", "voices"]


def join(pieces: Sequence[Piece]) -> tuple[Word, ...]:
    """One sequence of words from pieces that may overlap, touch, contain each other or be empty.

    Args:
        pieces: in any order. Pieces whose overlap may hold a word are compared, others are concatenated.

    Returns:
        Whole words of the pieces; starts never decrease and no word ends before it starts. The words of a
        single piece whose starts do not decrease are returned unchanged. Those of two channels are merged one by one.
    """
    if len(channels := sorted({piece.side for piece in pieces})) > 1:
        each = [join([piece for piece in pieces if piece.side == side]) for side in channels]
        return tuple(heapq.merge(*each, key=lambda word: word.start))
    words: list[Word] = []
    start = end = float("-inf")
    for piece in sorted(pieces, key=lambda one: one.start):
        if piece.start > end - SHORTEST:
            words += piece.words
            start, end = piece.start, max(end, piece.end)
            continue
        first = len(words)
        while first and words[first - 1].end > piece.start - TOLERANCE:
            first -= 1
        last = 0
        while last < len(piece.words) and piece.words[last].start < end + TOLERANCE:
            last += 1
        left = Piece(start=start, end=end, words=tuple(words[first:]))
        words[first:] = seam(left, replace(piece, words=piece.words[:last]))
        words += piece.words[last:]
        end = max(end, piece.end)
    return in_time(words, min((piece.start for piece in pieces), default=0.0))


def pieces(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> tuple[Piece, ...]:
    """Results of chunks as pieces on the time axis of the recording.

    A chunk cut by time starts at its planned time. One cut by byte range starts after the measured audio of
    its predecessors, without overlap.

    One whose channels were recognised one by one is two pieces, and its words have the speakers 1 and 2.

    Raises:
        Transient: a chunk has no result yet.
    """
    return tuple(piece for result, offset in timeline(chunks, results) for piece in _pieces(result, offset))


def _pieces(result: ChunkResult, offset: float) -> Iterator[Piece]:
    words = [replace(word, start=offset + word.start, end=offset + word.end) for word in result.words]
    for side in (0, 1) if result.word_sides else (0,):
        own = words
        if result.word_sides:
            marked = zip(words, result.word_sides, strict=True)
            own = [replace(word, speaker=side + 1) for word, of in marked if of == side]
        yield Piece(
            start=offset - result.lead,
            end=offset + result.owned + result.tail,
            words=tuple(own),
            side=side,
        )


def voices(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> tuple[Voice, ...]:
    """Voices of chunks with times and numbers of windows on the axis of the recording.

    Raises:
        Transient: a chunk has no result yet.
    """
    found: list[Voice] = []
    before = 0
    for result, offset in timeline(chunks, results):
        moved = round(1000 * offset)
        for one in result.voices:
            turns = tuple((start + moved, end + moved) for start, end in one.turns)
            found.append(replace(one, window=one.window + before, turns=turns))
        before += 1 + max((one.window for one in result.voices), default=-1)
    return tuple(found)


def parts(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> tuple[Part, ...]:
    """Which engine transcribed which stretch: without gaps, in order, equal neighbours as one part.

    The last part ends at the end of the recording; without audio there are no parts. Bounds are those of the
    plan, in the middle of the overlap, although single words may come from the other side.

    Raises:
        Transient: a chunk has no result yet.
    """
    heard = [(result, offset) for result, offset in timeline(chunks, results) if result.owned > 0]
    found: list[Part] = []
    for position, (result, offset) in enumerate(heard):
        part = Part(
            start=found[-1].end if found else 0.0,
            end=heard[position + 1][1] if position + 1 < len(heard) else offset + result.owned,
            engine=result.engine,
            model=result.model,
            revision=result.revision,
        )
        if found and replace(found[-1], start=part.start, end=part.end) == part:
            part = replace(part, start=found.pop().start)
        found.append(part)
    return tuple(found)


def timeline(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> list[tuple[ChunkResult, float]]:
    """Each result with the start of its chunk on the time axis of the recording, in order.

    Raises:
        Transient: a chunk has no result yet.
    """
    by_index = {result.index: result for result in results}
    missing = [str(chunk.index) for chunk in chunks if chunk.index not in by_index]
    if missing:
        raise Transient(f"chunks {', '.join(missing)} have no result yet: merge again once they do")
    placed = []
    measured = 0.0
    for chunk in chunks:
        result = by_index[chunk.index]
        placed.append((result, chunk.start if chunk.span is None else measured))
        measured += result.owned
    return placed


def in_time(words: Sequence[Word], start: float = float("-inf")) -> tuple[Word, ...]:
    """The words with starts raised to at least `start` and the start of their predecessor."""
    ordered = []
    for word in words:
        start = max(start, word.start)
        ordered.append(
            word
            if word.start == start and word.end >= start
            else replace(word, start=start, end=max(word.end, start))
        )
    return tuple(ordered)
