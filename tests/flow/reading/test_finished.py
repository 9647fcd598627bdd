"""The transcript of a recording that is DONE, from its files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from shared.errors import BadRequest, Permanent
from shared.flow.reading import finished
from shared.model import Decision, Options, Recording
from shared.outputs import render
from tests.outputs.streams import any_stream, transcript


def files(it):
    return {one.name: one.data for one in render(it)}


@given(any_stream)
def test_rendered_again_it_gives_the_same_files(words):
    first = replace(transcript(words, warnings=("It stops.",)), speakers={1: "Ann"}, revision=2)
    recording = Recording(
        id=first.recording,
        source=first.source,
        options=Options(),
        state="DONE",
        created=0.0,
        decision=Decision(method="parakeet", engine="parakeet-cpu", model="tiny", reason="asked for"),
    )
    written = files(first)
    assert files(finished.read(written["transcript.json"], recording, "here")) == written


def test_it_is_read_from_the_store_when_the_results_are_gone(world, done):
    for one in list(world.ports.store.list("work")):
        world.ports.store.delete("work", one.name, one.generation)
    found = finished.transcript(done, world.ports)
    assert len(found.words) == done.words
    assert (found.source, found.duration, found.revision) == (done.source, done.duration, 0)


def test_without_a_transcript_or_a_readable_file_it_says_so(world, done):
    with pytest.raises(BadRequest, match="has no transcript"):
        finished.transcript(replace(done, state="PLANNED"), world.ports)
    with pytest.raises(Permanent, match="cannot be read"):
        finished.read(b"{}", done, "gs://transcripts/x")
    (name,) = (one for one in done.outputs if one.endswith("transcript.json"))
    world.ports.store.delete("transcripts", name, world.ports.store.stat("transcripts", name).generation)
    with pytest.raises(Permanent, match="was deleted"):
        finished.transcript(done, world.ports)
