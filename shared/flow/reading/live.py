"""The words so far of a recording whose chunks are still arriving, and the gaps.

A word is settled once no chunk that is still to come can change it. Only settled words are given, so none of them ever
changes: once all chunks are there, they are those of the transcript.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.flow import merge, speakers
from shared.flow.chunk import read_result, result_name
from shared.flow.seam import TOLERANCE
from shared.outputs.printable import tidy
from shared.planning import plan
from shared.results import ChunkResult, Word
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.model import Chunk, Recording
    from shared.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What is known of a transcript."""

    complete: bool
    """Whether all chunks are there; then these are the words of the transcript."""
    words: tuple[Word, ...]
    """The settled words in order, as the output files write them. After a gap in a recording that is cut by byte range
    their times are estimates; where a hosted engine tells speakers apart in several chunks, so are the speakers'
    numbers. Where voices tell them apart, they are known once the recording is DONE."""
    gaps: tuple[tuple[float, float], ...]
    """Where words are still to come, start and end in seconds, in order."""


def words(recording: Recording, results: Mapping[int, ChunkResult]) -> Live:
    """The words of a recording from the results of some of its chunks."""
    chunks: Sequence[Chunk] = recording.chunks
    last = results.get(chunks[-1].index)
    if last is not None and len(results) >= len(chunks) and plan.goes_on(recording.chunks, last):
        # The merger extends the plan.
        chunks = plan.extend(recording.chunks)[: len(chunks) + 1]
    known = [results[i] for i in sorted(results)]
    # The plan as far as it is there: what channel is louder is the same wherever a chunk begins.
    there = [chunk for chunk in chunks if chunk.index in results]
    ordered = {one.index: one for one in speakers.sided(there, speakers.apart(known))}
    found: list[Word] = []
    gaps: list[tuple[float, float]] = []
    stretches = _stretches(chunks, ordered)
    for number, stretch in enumerate(stretches):
        before = stretches[number - 1].end if number else None
        after = stretches[number + 1].start if number + 1 < len(stretches) else None
        if stretch.pieces:
            found += _settled(merge.join(stretch.pieces), before, after)
        else:
            # Where nothing is known, neither is the end.
            gaps.append(_gap(recording, stretch, before, after))
    said = tidy(merge.in_time(found))
    if any(one.word_sides for one in ordered.values()):
        # Speakers are numbered by their first words once all are there.
        said = tuple(replace(word, speaker=None) for word in said)
    return Live(complete=not gaps, words=said, gaps=tuple(gaps))


def arrived(
    recording: Recording, ports: Ports, known: Mapping[int, ChunkResult] | None = None
) -> dict[int, ChunkResult]:
    """The results of the chunks that are done, by index, without the voices in them.

    `known` is what an earlier call gave: only what came since is read.

    Raises:
        BadRequest: a result cannot be read.
    """
    found = {}
    for index, fields in documents.done_of(recording, ports.records).items():
        before = (known or {}).get(index)
        if before is not None and before.attempt == fields.get("attempt"):
            found[index] = before
            continue
        data = ports.store.load(ports.settings.work_bucket, result_name(recording.id, index))
        if data is not None:
            # What a viewer reads may be kept, and voices may not.
            found[index] = replace(read_result(data), voices=())
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stretch:
    """Neighbouring chunks that are all there, or all missing."""

    start: float
    """Where their audio begins, overlap included, seconds."""
    end: float
    """Where it ends; infinity if that is not known."""
    pieces: tuple[merge.Piece, ...]
    """Those that are there."""


def _stretches(chunks: Sequence[Chunk], results: Mapping[int, ChunkResult]) -> list[_Stretch]:
    runs: list[list[Chunk]] = []
    for chunk in chunks:
        if runs and (runs[-1][-1].index in results) == (chunk.index in results):
            runs[-1].append(chunk)
        else:
            runs.append([chunk])
    return [_stretch(run, results) for run in runs]


def _stretch(run: list[Chunk], results: Mapping[int, ChunkResult]) -> _Stretch:
    first, last = run[0], run[-1]
    if first.index not in results:
        end = float("inf") if last.end is None else last.end + last.tail
        return _Stretch(start=first.start - first.lead, end=end, pieces=())
    # Chunks that are cut by byte range follow one another, here from where the first one is thought to begin.
    placed = merge.pieces(run, [results[one.index] for one in run])
    if first.span is not None:
        placed = tuple(_moved(one, first.start) for one in placed)
    return _Stretch(start=min(one.start for one in placed), end=max(one.end for one in placed), pieces=placed)


def _moved(piece: merge.Piece, by: float) -> merge.Piece:
    moved = tuple(replace(word, start=word.start + by, end=word.end + by) for word in piece.words)
    return replace(piece, start=piece.start + by, end=piece.end + by, words=moved)


def _settled(found: Sequence[Word], before: float | None, after: float | None) -> Sequence[Word]:
    """The words that the seams with missing neighbours leave as they are, by the measures of `merge.join`.

    Args:
        found: the merged words of a stretch.
        before: where the missing audio before it ends, overlap included; None: there is none.
        after: where the missing audio after it begins.
    """
    first, end = 0, len(found)
    if before is not None:
        while first < end and found[first].start < before + TOLERANCE:
            first += 1
    if after is not None:
        # Of two channels, one that ends earlier may come later.
        end = next((at for at in range(first, end) if found[at].end > after - TOLERANCE), end)
    return found[first:end]


def _gap(
    recording: Recording, missing: _Stretch, before: float | None, after: float | None
) -> tuple[float, float]:
    start = 0.0 if before is None else max(0.0, missing.start - TOLERANCE)
    if after is not None:
        return start, max(start, missing.end + TOLERANCE)
    known = (missing.end, recording.audio.duration if recording.audio else None)
    return start, max(
        start, min((one for one in known if one is not None and one < float("inf")), default=start)
    )
