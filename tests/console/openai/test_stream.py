"""The events of a stream."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openai.types.audio import TranscriptionStreamEvent
from pydantic import TypeAdapter

from console.openai import documents, stream
from console.openai.form import Wanted
from shared.flow import upload
from shared.flow.assemble import assemble
from shared.model import Options
from shared.outputs import render
from tests.world import heard


@pytest.fixture
def recording(world):
    world.media.info = replace(world.media.info, duration=3600.0)
    found = upload.on_upload(world.upload(), world.ports)
    assert len(found.chunks) > 3
    return found


def results_of(recording):
    made = {}
    for chunk in recording.chunks:
        text = " ".join(f"c{chunk.index}w{number}" for number in range(40))
        made[chunk.index] = heard(recording, replace(chunk, end=chunk.end or 3600.0), text)[0]
    return made


def transcript_of(recording, results):
    files = render(assemble(recording, list(results.values())), ["json"])
    return documents.read(files[0].data)


def test_deltas_come_as_chunks_end_and_make_up_the_text(recording):
    results, deltas, sent = results_of(recording), stream.Deltas(), []
    for count in range(len(results)):
        there = {index: results[index] for index in range(count)}
        sent.append(deltas.next(stream.certain(recording, there)))
    assert sent[0] == ""
    assert sent[1].startswith("c0w0 c0w1")
    assert all(sent[1:])
    final = transcript_of(recording, results)
    *last, done = stream.ending(final, Wanted(options=Options(), model="whisper-1"), deltas)
    assert "".join([*sent, *(one["delta"] for one in last)]) == done["text"] == final.text


def test_chunks_that_end_out_of_order_wait_for_those_before_them(recording):
    results = results_of(recording)
    assert stream.certain(recording, {one: results[one] for one in (1, 2)}) == ""
    text = stream.certain(recording, {one: results[one] for one in (0, 2)})
    assert "c0w0" in text
    assert "c2" not in text


def test_a_text_that_begins_otherwise_is_not_sent_in_deltas(recording):
    deltas = stream.Deltas()
    assert deltas.next("one two") == "one two"
    assert deltas.next("one too three") == ""
    assert deltas.next("one two three") == " three"


@pytest.mark.parametrize("shape", ["json", "text", "diarized_json"])
def test_openais_client_knows_every_event(recording, shape):
    final = transcript_of(recording, results_of(recording))
    wanted = Wanted(options=Options(), model="gpt-transcribe", format=shape, logprobs=True)
    known = TypeAdapter(TranscriptionStreamEvent)
    kinds = [known.validate_python(one).type for one in stream.ending(final, wanted, stream.Deltas())]
    assert kinds[0] == "transcript.text.delta"
    assert kinds[-1] == "transcript.text.done"
    assert ("transcript.text.segment" in kinds) == (shape == "diarized_json")
