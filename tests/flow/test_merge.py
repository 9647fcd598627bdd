"""From the results of chunks to pieces on one axis, and to the parts of a recording."""

from __future__ import annotations

import pytest

from shared.errors import Transient
from shared.flow.merge import Piece, join, parts, pieces
from shared.model import ByteSpan, Chunk, Engine
from shared.results import ChunkResult, Word
from tests.flow.test_seam import heard


def chunk(index: int, start: float, end: float | None, *, side: float = 1.0, span: bool = False) -> Chunk:
    return Chunk(
        index=index,
        start=start,
        end=end,
        lead=side if index else 0.0,
        tail=side if end is not None else 0.0,
        engine="parakeet-cpu",
        span=ByteSpan(read_from=0, own_from=0, own_to=0, read_to=0) if span else None,
    )


def result(
    index: int, line: str, *, lead: float, owned: float, tail: float, engine: Engine = "parakeet-cpu"
) -> ChunkResult:
    return ChunkResult(
        recording="r",
        index=index,
        engine=engine,
        attempt="a",
        model="tiny",
        revision="1",
        words=heard(line),
        lead=lead,
        owned=owned,
        decoded=lead + owned + tail,
    )


PLAN = (chunk(0, 0, 10), chunk(1, 10, 20), chunk(2, 20, None))


def test_chunks_cut_by_time_lie_where_the_plan_says():
    several = pieces(
        PLAN,
        (
            result(2, "c@0.5", lead=1, owned=4.5, tail=0),
            result(0, "a@3.0", lead=0, owned=10, tail=1),
            result(1, "b@2.0", lead=1, owned=10, tail=1),
        ),
    )
    assert [(one.start, one.end) for one in several] == [(0, 11), (9, 21), (19, 24.5)]
    assert [one.words[0].start for one in several] == [3.0, 12.0, 20.5]


def test_chunks_cut_by_bytes_follow_the_audio_that_was_measured():
    plan = [chunk(0, 0, 10, span=True), chunk(1, 10, 20, span=True), chunk(2, 20, None, span=True)]
    several = pieces(
        plan,
        (
            result(0, "a@3.0", lead=0, owned=11, tail=1.5),
            result(1, "b@2.0", lead=0.5, owned=9.5, tail=1),
            result(2, "c@0.5", lead=1, owned=4, tail=0),
        ),
    )
    assert [(one.start, one.end) for one in several] == [(0, 12.5), (10.5, 21.5), (19.5, 24.5)]
    assert [one.words[0].start for one in several] == [3.0, 13.0, 21.0]


def test_a_chunk_without_result_is_named():
    with pytest.raises(Transient, match="chunks 1, 2 have no result"):
        pieces(PLAN, (result(0, "", lead=0, owned=10, tail=1),))


def test_neighbours_by_one_engine_are_one_part():
    found = parts(
        PLAN,
        (
            result(0, "", lead=0, owned=10, tail=1),
            result(1, "", lead=1, owned=10, tail=1),
            result(2, "", lead=1, owned=4, tail=0, engine="deepgram"),
        ),
    )
    assert [(one.start, one.end, one.engine) for one in found] == [
        (0.0, 20, "parakeet-cpu"),
        (20, 24, "deepgram"),
    ]


def test_parts_have_no_gap_where_a_chunk_had_less_audio_than_planned():
    found = parts(
        PLAN,
        (
            result(0, "", lead=0, owned=7, tail=0),
            result(1, "", lead=0, owned=0, tail=0, engine="deepgram"),
            result(2, "", lead=1, owned=4, tail=0, engine="deepgram"),
        ),
    )
    assert [(one.start, one.end, one.engine) for one in found] == [
        (0.0, 20, "parakeet-cpu"),
        (20, 24, "deepgram"),
    ]


def test_a_recording_without_audio_has_no_parts():
    assert parts(PLAN[:1], (result(0, "", lead=0, owned=0, tail=0),)) == ()


def test_words_of_two_channels_are_joined_one_by_one():
    def word(text, start):
        return Word(text=text, start=start, end=start + 0.4, confidence=1.0)

    left = Piece(start=0.0, end=10.0, words=(word("yes", 8.0), word("right", 9.0)), side=0)
    right = Piece(start=0.0, end=10.0, words=(word("yes", 8.1), word("no", 8.6)), side=1)
    again = [
        Piece(start=7.0, end=20.0, words=(word("yes", 8.0), word("right", 9.0), word("so", 12.0)), side=0),
        Piece(start=7.0, end=20.0, words=(word("yes", 8.1), word("no", 8.6)), side=1),
    ]
    found = join([left, right, *again])
    assert [(one.text, one.start) for one in found] == [
        ("yes", 8.0), ("yes", 8.1), ("no", 8.6), ("right", 9.0), ("so", 12.0)
    ]  # fmt: skip
