"""Words of a recording whose chunks are arriving."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from shared.flow import chunk as chunk_step
from shared.flow import merge, upload
from shared.flow.assemble import assemble
from shared.flow.reading import live
from shared.model import ByteSpan, Options
from shared.planning import plan
from shared.results import ChunkResult, Word
from tests.world import heard

if TYPE_CHECKING:
    from shared.model import Chunk


def result_of(chunk: Chunk, spoken: list[Word], length: float, random: Random) -> ChunkResult:
    """What an engine hears in a chunk: the words in it, some cut off, some wrong, none at exactly its time."""
    end = length if chunk.end is None else min(chunk.end, length)
    first, last = chunk.start - chunk.lead, min(end + chunk.tail, length)
    found = []
    for one in spoken:
        if one.end <= first or one.start >= last or random.random() < 0.02:
            continue
        text = "cut" if one.start < first or one.end > last or random.random() < 0.03 else one.text
        shift = random.uniform(-0.1, 0.1)
        start = min(max(one.start + shift, first), last)
        stop = min(max(one.end + shift, start), last)
        found.append(replace(one, text=text, start=start - chunk.start, end=stop - chunk.start))
    return ChunkResult(
        recording="r", index=chunk.index, engine="parakeet-cpu", attempt="m-1", model="tiny", revision="abc",
        words=tuple(found), lead=chunk.lead, owned=end - chunk.start, decoded=last - first,
    )  # fmt: skip


def speech(length: float, random: Random) -> list[Word]:
    found, at = [], 0.2
    while at < length - 0.5:
        took = random.uniform(0.05, 0.4)
        found.append(Word(text=f"w{random.randrange(40)}", start=at, end=at + took, confidence=0.5))
        at += took + random.choice((0.0, 0.02, 0.3, 2.5))
    return found


@pytest.fixture
def recording(world):
    world.media.info = replace(world.media.info, duration=300.0)
    found = upload.on_upload(world.upload(), world.ports)
    return replace(found, chunks=plan.split(world.media.info, 1000, 20.0, "parakeet-cpu"))


def lies_in(word: Word, gap: tuple[float, float]) -> bool:
    return word.end > gap[0] and word.start < gap[1]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_there_equals_the_transcript_in_whatever_order_chunks_arrive(recording, seed):
    random = Random(seed)
    spoken = speech(300.0, random)
    results = {one.index: result_of(one, spoken, 300.0, random) for one in recording.chunks}
    final = assemble(recording, list(results.values())).words
    order = random.sample(sorted(results), len(results))
    for count in range(len(order) + 1):
        found = live.words(recording, {index: results[index] for index in order[:count]})
        missing = [one for one in final if any(lies_in(one, gap) for gap in found.gaps)]
        assert [one for one in final if one not in missing] == [one for one in found.words if one in final]
        assert all(one in final for one in found.words)
        assert found.complete == (not found.gaps) == (count == len(order))
    assert found.words == final


@pytest.mark.parametrize("seed", range(6))
def test_of_two_channels_that_were_recognised_one_by_one_as_well_however_it_is_cut(recording, seed):
    random = Random(seed)
    chunks = recording.chunks
    if seed % 2:
        # By byte range: without overlap, from where the one before it ends.
        span = ByteSpan(read_from=0, own_from=0, own_to=1, read_to=1)
        chunks = tuple(replace(one, span=span, lead=0.0, tail=0.0) for one in chunks)
    recording = replace(recording, chunks=chunks, options=Options(channels="apart"))
    both = [speech(300.0, random), speech(300.0, random)]
    results = {}
    for one in chunks:
        sides = [result_of(one, spoken, 300.0, random) for spoken in both]
        said = [(word, side) for side in (0, 1) for word in sides[side].words]
        said.sort(key=lambda found: found[0].start)
        results[one.index] = replace(
            sides[0], words=tuple(word for word, _ in said), word_sides=bytes(side for _, side in said)
        )
    final = [replace(word, speaker=None) for word in assemble(recording, list(results.values())).words]
    order = random.sample(sorted(results), len(results))
    for count in range(len(order) + 1):
        found = live.words(recording, {index: results[index] for index in order[:count]})
        # Where it is cut by byte range, times after a gap are estimates.
        assert Counter(one.text for one in found.words) <= Counter(one.text for one in final)
        assert seed % 2 or all(one in final for one in found.words)
    assert list(found.words) == final


def test_a_long_word_of_one_channel_waits_for_the_next_chunk_though_the_other_has_a_later_one(recording):
    said = (
        Word(text="done", start=3.0, end=3.5, confidence=1.0),
        Word(text="loooong", start=13.0, end=18.0, confidence=1.0),
        Word(text="yes", start=14.0, end=14.5, confidence=1.0),
    )
    first = result_of(recording.chunks[0], [], 300.0, Random(0))
    found = live.words(recording, {0: replace(first, words=said, word_sides=bytes((0, 0, 1)))})
    assert [one.text for one in found.words] == ["done"]


def test_gaps_are_where_words_are_still_to_come(recording):
    chunks = (*recording.chunks[:3],)
    chunks = (*chunks[:2], replace(chunks[2], end=300.0, tail=1.0))
    recording = replace(recording, chunks=chunks)
    spoken = [Word(text=str(n), start=float(n), end=n + 0.5, confidence=1.0) for n in range(300)]
    results = {one.index: result_of(one, spoken, 300.0, Random(2)) for one in chunks}
    nothing = live.words(recording, {})
    assert (nothing.words, nothing.gaps) == ((), ((0.0, 300.0),))
    middle = live.words(recording, {1: results[1]})
    assert [len(middle.gaps), middle.gaps[0][0], middle.gaps[1][1]] == [2, 0.0, 300.0]
    assert middle.gaps[0][1] <= middle.words[0].start
    assert middle.words[-1].end <= middle.gaps[1][0]
    side = chunks[0].tail
    assert middle.gaps[0][1] == pytest.approx(chunks[0].end + side + 0.5)
    assert middle.gaps[1][0] == pytest.approx(chunks[2].start - side - 0.5)


def test_a_recording_that_is_longer_than_its_header_says_is_not_complete(recording):
    chunks = recording.chunks[:2]
    recording = replace(recording, chunks=chunks)
    spoken = [Word(text=str(n), start=float(n), end=n + 0.5, confidence=1.0) for n in range(300)]
    results = {one.index: result_of(one, spoken, 300.0, Random(3)) for one in chunks}
    found = live.words(recording, results)
    assert not found.complete
    assert found.gaps[0][0] < chunks[-1].end
    longer = plan.extend(chunks)
    more = {one.index: result_of(one, spoken, 300.0, Random(3)) for one in longer}
    final = merge.join(merge.pieces(longer, list(more.values())))
    assert found.words == final[: len(found.words)]


def test_after_a_gap_parts_cut_by_bytes_lie_where_they_are_thought_to(recording):
    audio = replace(recording.audio, splittable_by="bytes", first_byte=0, last_byte=1_200_000)
    chunks = plan.split(audio, 1_200_000, 100.0, "parakeet-cpu")
    recording = replace(recording, chunks=chunks)
    spoken = [Word(text=str(n), start=float(n), end=n + 0.5, confidence=1.0) for n in range(300)]
    results = {one.index: result_of(one, spoken, 300.0, Random(4)) for one in chunks}
    some = live.words(recording, {index: one for index, one in results.items() if index != 1})
    final = assemble(recording, list(results.values())).words
    later = [one for one in some.words if one.start > chunks[2].start]
    assert [one.text for one in later] == [one.text for one in final][-len(later) :]
    assert later[0].start == pytest.approx(final[-len(later)].start, abs=0.5)
    assert live.words(recording, results).words == final


def test_results_are_read_once_and_again_where_another_attempt_stands(world):
    world.media.info = replace(world.media.info, duration=300.0)
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks[:1]:
        chunk_step.commit_result(*heard(recording, one), world.ports)
    first = live.arrived(recording, world.ports)
    assert set(first) == {0}
    again = live.arrived(recording, world.ports, first)
    assert again[0] is first[0]
    stale = {0: replace(first[0], attempt="another")}
    assert live.arrived(recording, world.ports, stale) == first
