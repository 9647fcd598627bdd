from __future__ import annotations

import base64
import time

import pytest

from console.api.words import shown
from shared.flow import forget, record
from shared.flow.reading import finished
from shared.formats import FILES
from shared.outputs import render
from tests.outputs.streams import said_by, spoken, together


def columns(answer):
    return answer.json()["words"]


def test_the_words_of_a_transcript_come_in_columns_with_its_paragraphs(client, done):
    found = client.get(f"/api/v1/recordings/{done.id}/words").json()
    assert (found["complete"], found["revision"], found["gaps"], found["speakers"]) == (True, 0, [], [])
    words = found["words"]
    assert words["text"][:4] == ["Good", "evning", "everybody", "here."]
    assert {len(column) for column in words.values()} == {done.words}
    assert words["start"] == sorted(words["start"])
    assert all(isinstance(one, int) for one in words["start"] + words["confidence"])
    assert found["paragraphs"][0] == 0


def test_while_chunks_arrive_there_are_words_and_gaps_which_no_paragraph_spans(client, planned, finish):
    path = f"/api/v1/recordings/{planned.id}/words"
    assert client.get(path).json()["complete"] is False
    finish(planned, planned.chunks[1:])
    found = client.get(path).json()
    assert not found["complete"]
    assert found["gaps"][0][0] == 0
    assert found["words"]["start"][0] >= found["gaps"][0][1]
    assert found["paragraphs"][0] == 0


def test_what_is_complete_is_the_transcript(client, planned, finish):
    finish(planned, planned.chunks[:1])
    before = columns(client.get(f"/api/v1/recordings/{planned.id}/words"))
    finish(planned, planned.chunks[1:])
    after = columns(client.get(f"/api/v1/recordings/{planned.id}/words"))
    for name, values in before.items():
        assert after[name][: len(values)] == values


def test_one_without_a_transcript_says_why(client, planned, world):
    record.cancel(planned.id, world.ports)
    answer = client.get(f"/api/v1/recordings/{planned.id}/words")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_transcript")
    forget.forget(planned.id, world.ports)
    assert client.get(f"/api/v1/recordings/{planned.id}/words").status_code == 404


@pytest.mark.parametrize("file", [one.name for one in FILES])
def test_an_output_file_is_a_download_under_the_name_of_the_recording(client, done, world, file):
    answer = client.get(f"/api/v1/recordings/{done.id}/outputs/{file}")
    (kind,) = [one.format for one in FILES if one.name == file]
    written = {one.name: one.data for one in render(finished.transcript(done, world.ports), [kind])}
    assert answer.content == written[file]
    stored = [one for one in done.outputs if one.endswith(f"/{file}")]
    assert all(world.ports.store.load("transcripts", name) == answer.content for name in stored)
    assert f'filename="talk.{file}"' in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_file_that_there_is_not_names_those_there_are(client, done):
    answer = client.get(f"/api/v1/recordings/{done.id}/outputs/..%2Fsecret")
    assert answer.status_code == 404
    answer = client.get(f"/api/v1/recordings/{done.id}/outputs/transcript.xyz")
    assert "transcript.srt" in answer.json()["error"]["message"]


@pytest.mark.parametrize("number", ["x", "-1", "9" * 20, "7"])
def test_a_revision_that_there_is_not_is_refused(client, done, number):
    answer = client.get(f"/api/v1/recordings/{done.id}/words", params={"revision": number})
    assert answer.status_code == 400


def test_a_waveform_is_bytes_in_base64_and_empty_where_none_was_computed(client, done):
    found = client.get(f"/api/v1/recordings/{done.id}/peaks").json()
    assert (found["rate"], found["encoding"]) == (10, "base64")
    assert isinstance(base64.b64decode(found["peaks"]), bytes)


def test_a_waveform_that_nobody_computed_is_made_for_whoever_looks_next(client, world, done):
    path = f"/api/v1/recordings/{done.id}/peaks"
    assert client.get(path).json()["peaks"] == ""
    until = time.monotonic() + 20
    while not client.get(path).json()["peaks"]:
        assert time.monotonic() < until
        time.sleep(0.02)
    # An hour of it is decoded once.
    probes = []
    world.ports.media.decode, decode = (
        lambda *a, **k: probes.append(a) or decode(*a, **k),
        world.ports.media.decode,
    )
    assert len(base64.b64decode(client.get(path).json()["peaks"])) == 1500
    assert probes == []


def test_where_two_people_talk_at_once_a_paragraph_has_the_words_of_one():
    one = said_by(spoken("We kept the boats in winter. They are old."), [1])
    two = said_by(spoken("Nobody told me that.", start=0.95), [2])
    found = shown(together(one, two), {})
    ends = [*found.paragraphs[1:], len(found.words.text)]
    assert [
        (found.words.speaker[first], " ".join(found.words.text[first:end]))
        for first, end in zip(found.paragraphs, ends, strict=True)
    ] == [(0, "We kept the boats in winter."), (1, "Nobody told me that."), (0, "They are old.")]
