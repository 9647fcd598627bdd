"""Transcripts from before there was a search index."""

from __future__ import annotations

from shared.flow.reading import reindex, revision, search_index
from shared.flow.reading.corrections import Edit


def found(world, typed):
    return [one.id for one, _ in search_index.find(typed, 20, world.ports).hits]


def test_transcripts_that_are_in_no_index_are_found_then_with_their_newest_words(world, done):
    correction = revision.Correction(based_on=0, edits=(Edit(first=0, stop=1, text="zebra"),), author="ann")
    revision.create(done.id, correction, world.ports)
    world.ports.search.remove(done.id)
    assert found(world, "zebra") == []
    assert [(one.id, why) for one, why in reindex.every(world.ports)] == [(done.id, "")]
    assert found(world, "zebra") == [done.id]
    again = found(world, "everybody")
    assert list(reindex.every(world.ports))
    assert found(world, "everybody") == again


def test_one_whose_transcript_is_gone_is_told_and_the_others_go_on(world, done):
    name = next(one for one in done.outputs if one.endswith("transcript.json"))
    store = world.ports.store
    store.delete("transcripts", name, store.stat("transcripts", name).generation)
    [(one, why)] = reindex.every(world.ports)
    assert one.id == done.id
    assert "was deleted. Upload the file again" in why
