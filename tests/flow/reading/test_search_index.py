"""The words of transcripts where they are searched for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import StoreUnavailable
from shared.flow import forget, record
from shared.flow.reading import revision, search_index
from shared.flow.reading.corrections import Edit
from shared.messages import TRANSCRIPTS_READY
from shared.model import Recording
from shared.state import documents
from tests.outputs.streams import spoken, transcript


def found(world, typed):
    return [(one.id, hit.start) for one, hit in search_index.find(typed, 20, world.ports).hits]


def test_passages_are_paragraphs_with_the_time_of_each_word():
    words = spoken("One, two. Three four.", start=1.0, pace=0.5, pauses={1: 3.0})
    several = search_index.passages(transcript(words))
    assert [(one.text, one.start, one.times) for one in several] == [
        ("One, two.", 1.0, (1.0, 1.5)),
        ("Three four.", 5.0, (5.0, 5.5)),
    ]
    assert search_index.passages(transcript([])) == ()
    odd = [replace(words[0], text="New York"), *words[1:]]
    assert search_index.passages(transcript(odd))[0].times == (1.0, 1.0, 1.5)


def test_the_words_of_a_recording_are_found_when_it_is_announced_and_not_after_it_was_forgotten(world, done):
    assert found(world, "everybody")[0] == (done.id, pytest.approx(2.0, abs=0.02))
    assert search_index.find("everybody", 20, world.ports).hits[0][0].source.name == "talk.wav"
    forget.forget(done.id, world.ports)
    assert found(world, "everybody") == []


def test_one_that_was_not_added_is_added_by_whoever_announces_it(world, done, monkeypatch):
    world.ports.search.remove(done.id)
    again = documents.change_recording(world.ports, done.id, lambda one: replace(one, announced=False))
    published = []
    monkeypatch.setattr(world.ports.queue, "publish", lambda topic, *_: published.append(topic) or "1")
    real = world.ports.search.put

    def refused(*_):
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(world.ports.search, "put", refused)
    with pytest.raises(StoreUnavailable):
        record.announce(again, world.ports)
    assert published == []
    monkeypatch.setattr(world.ports.search, "put", real)
    assert record.announce(again, world.ports).announced
    assert (published, len(found(world, "everybody"))) == ([TRANSCRIPTS_READY], 2)


def test_a_correction_is_found_in_place_of_what_it_corrects(world, done):
    correction = revision.Correction(
        based_on=0, edits=tuple(Edit(first=n, stop=n + 1, text="evening") for n in (1, 5))
    )
    revision.create(done.id, correction, world.ports)
    assert (len(found(world, "evening")), len(found(world, "evning"))) == (2, 0)
    search_index.add(done, world.ports)
    assert (len(found(world, "evening")), len(found(world, "evning"))) == (2, 0)


def test_words_of_what_is_not_done_any_more_are_not_shown(world, done):
    documents.change_recording(world.ports, done.id, lambda one: replace(one, state="DELETED"))
    assert found(world, "everybody") == []


def test_a_transcript_that_somebody_deleted_stops_nothing(world, done):
    world.ports.search.remove(done.id)
    for name in done.outputs:
        world.ports.store.delete("transcripts", name, world.ports.store.stat("transcripts", name).generation)
    search_index.add(done, world.ports)
    assert found(world, "everybody") == []


def test_a_deployment_without_an_index_finds_nothing_and_works(world, done):
    bare = replace(world.ports, search=None)
    search_index.add(done, bare)
    assert search_index.find("everybody", 20, bare).hits == ()
    assert isinstance(forget.forget(done.id, bare), Recording)
