"""Join what was heard in overlapping pieces of audio into one sequence of words.

The same arithmetic joins the chunks of a recording and the windows of a chunk; `seam.py` says what
happens where two of them overlap. Every word of the result is a whole word of one piece, in the order of
that piece: words are never sorted. Only times are corrected: a start lower than the start before it is
raised to that start.

With times wrong by up to 0.15 s each, words come out exactly where overlaps are 0 or at least 1 s long
and equal words start at least 0.7 s apart. No rule can restore a word that both sides missed, tell which
of two different hearings is right, or count quick repetitions that all have wrong times. A word that one
side missed next to one that the other missed is taken for one sound where timing errors make them
coincide. See `docs/decisions/0002-merging.md`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import Transient
from shared.flow.seam import TOLERANCE, Piece, seam
from shared.model import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Chunk, ChunkResult, Word

__all__ = ["Piece", "join", "parts", "pieces"]


def join(pieces: Sequence[Piece]) -> tuple[Word, ...]:
    """One sequence of words from pieces that may overlap, touch, contain each other or be empty.

    Args:
        pieces: in any order; those that overlap are compared, others follow one another.

    Returns:
        Whole words of the pieces; starts never decrease and no word ends before it starts. One piece
        whose starts do not decrease comes back unchanged.
    """
    words: list[Word] = []
    start = end = float("-inf")
    for piece in sorted(pieces, key=lambda one: one.start):
        if piece.start >= end:
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
    return _in_time(words, min((piece.start for piece in pieces), default=0.0))


def pieces(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> tuple[Piece, ...]:
    """Results of chunks as pieces on the axis of the recording.

    A chunk cut by time starts where the plan says. One cut by byte range starts after the audio that
    its predecessors own, as they measured it.

    Args:
        chunks: the whole plan, in order.
        results: one for each chunk, in any order.

    Raises:
        Transient: a chunk has no result yet.
    """
    placed = []
    for chunk, result, offset in _timeline(chunks, results):
        overlap = max(result.decoded - result.owned, 0.0)
        planned = chunk.lead + chunk.tail
        if chunk.span is None:
            lead = min(chunk.lead, overlap)
        else:  # planned in bytes, so only the proportion of lead and tail is known
            lead = overlap * chunk.lead / planned if planned else 0.0
        placed.append(
            Piece(
                start=offset - lead,
                end=offset + result.owned + overlap - lead,
                words=tuple(
                    replace(word, start=offset + word.start, end=offset + word.end) for word in result.words
                ),
            )
        )
    return tuple(placed)


def parts(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> tuple[Part, ...]:
    """Who transcribed which stretch: without gaps, in order, equal neighbours as one.

    The last part ends where the recording does; nothing is returned where there is no audio. Bounds are
    those of the plan, in the middle of the overlap, though single words may come from across them.

    Raises:
        Transient: a chunk has no result yet.
    """
    heard = [one for one in _timeline(chunks, results) if one[1].owned > 0]
    found: list[Part] = []
    for position, (_, result, offset) in enumerate(heard):
        ends = heard[position + 1][2] if position + 1 < len(heard) else offset + result.owned
        who = (result.engine, result.model, result.revision)
        if found and (found[-1].engine, found[-1].model, found[-1].revision) == who:
            found[-1] = replace(found[-1], end=ends)
        else:
            start = found[-1].end if found else 0.0
            found.append(Part(start=start, end=ends, engine=who[0], model=who[1], revision=who[2]))
    return tuple(found)


def _timeline(
    chunks: Sequence[Chunk], results: Sequence[ChunkResult]
) -> list[tuple[Chunk, ChunkResult, float]]:
    """Each chunk with its result and its start on the axis of the recording."""
    by_index = {result.index: result for result in results}
    missing = [str(chunk.index) for chunk in chunks if chunk.index not in by_index]
    if missing:
        raise Transient(f"chunks {', '.join(missing)} have no result yet: merge again when they have")
    placed = []
    measured = 0.0
    for chunk in chunks:
        result = by_index[chunk.index]
        placed.append((chunk, result, chunk.start if chunk.span is None else measured))
        measured += result.owned
    return placed


def _in_time(words: Sequence[Word], start: float) -> tuple[Word, ...]:
    """The same words, no start before `start` or before the start of its predecessor."""
    ordered = []
    for word in words:
        start = max(start, word.start)
        ordered.append(
            word
            if word.start == start and word.end >= start
            else replace(word, start=start, end=max(word.end, start))
        )
    return tuple(ordered)
