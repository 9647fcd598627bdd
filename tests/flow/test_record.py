from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.flow import assemble, chunk, record, transcript_files, upload
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.state import documents
from tests.world import heard, words


@pytest.fixture
def planned(world):
    recording = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    return recording


def finish(world, recording, index):
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=index), world.ports)


def keep_all(world, recording, **changes):
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one, **changes), world.ports)


def outputs(world, recording):
    return {
        name.rsplit("/", 1)[-1]: world.ports.store.load("transcripts", name) for name in recording.outputs
    }


def test_a_recording_is_done_only_when_its_last_chunk_is_in(world, planned):
    chunk.commit_result(*heard(planned, planned.chunks[1]), world.ports)
    assert finish(world, planned, 1).state == "PLANNED"
    chunk.commit_result(*heard(planned, planned.chunks[0]), world.ports)
    done = finish(world, planned, 0)
    assert (done.state, done.words, done.duration) == ("DONE", 6, 60.0)
    assert done.announced


def test_the_outputs_are_the_six_files_below_bucket_name_and_version(world, planned):
    keep_all(world, planned)
    done = finish(world, planned, 0)
    assert sorted(outputs(world, done)) == [
        "paragraphs.csv", "transcript.json", "transcript.srt", "transcript.txt", "transcript.vtt", "words.csv",
    ]  # fmt: skip
    assert all(name.startswith(f"audio/talk.wav/{done.source.generation}-") for name in done.outputs)
    document = json.loads(outputs(world, done)["transcript.json"])
    assert [word["text"] for word in document["words"]] == ["one", "two", "three"] * 2
    assert document["words"][3]["start"] == 31.0


def test_finishing_twice_gives_the_same_bytes_and_the_same_cost(world, planned):
    keep_all(world, planned)
    first = finish(world, planned, 0)
    before = outputs(world, first)
    for one in planned.chunks:
        chunk.commit_result(*heard(planned, one, text="something else"), world.ports)
    assert finish(world, planned, 1) == first
    assert outputs(world, first) == before
    assert record.cost(planned.id, world.ports) == pytest.approx(0.002)


def test_two_mergers_at_once_write_the_same_bytes(world, planned, monkeypatch):
    keep_all(world, planned)
    first, write = [], transcript_files.write

    def second_comes_first(*args):
        monkeypatch.setattr(transcript_files, "write", write)
        first.append(finish(world, planned, 1))
        write(*args)

    monkeypatch.setattr(transcript_files, "write", second_comes_first)
    again = finish(world, planned, 0)
    assert again.state == "DONE"
    assert outputs(world, again) == outputs(world, first[0])
    assert again.outputs == first[0].outputs


def test_of_two_mergers_at_once_only_the_first_announces(world, planned, monkeypatch, caplog):
    keep_all(world, planned)
    rendered = transcript_files.keep(
        planned, assemble.assemble(planned, record._results(planned, world.ports)), world.ports
    )
    decided = record._decide(planned, rendered, world.ports)
    announced = []
    monkeypatch.setattr(record, "announce", lambda recording, _: announced.append(recording.id) or recording)
    with caplog.at_level("DEBUG"):
        for _ in range(3):
            record._finish(decided, rendered, world.ports)
            world.clock.time += 0.1
    assert announced == [planned.id]
    assert caplog.text.count("done ") == 1


def test_another_attempt_costs_and_changes_nothing_else(world, planned):
    keep_all(world, planned)
    keep_all(world, planned, attempt="m-2", text="garbage")
    done = finish(world, planned, 0)
    assert done.words == 6
    assert record.cost(planned.id, world.ports) == pytest.approx(0.004)


def test_a_merger_that_died_before_announcing_is_made_good(world, planned):
    keep_all(world, planned)
    done = finish(world, planned, 0)
    documents.change_recording(world.ports, done.id, lambda stored: replace(stored, announced=False))
    assert finish(world, planned, 1).announced


def test_a_recording_of_which_nothing_could_be_decoded_fails_with_what_the_decoder_said(world, planned):
    keep_all(world, planned, words=(), decoded=0.0, owned=0.0, lead=0.0, warnings=("It is scrambled.",))
    failed = finish(world, planned, 0)
    assert (failed.state, failed.code, failed.reason) == ("FAILED", "undecodable", "It is scrambled.")
    assert failed.outputs == ()


def test_silence_is_a_success_with_an_empty_transcript(world, planned):
    keep_all(world, planned, words=())
    done = finish(world, planned, 0)
    assert (done.state, done.words) == ("DONE", 0)
    assert outputs(world, done)["transcript.txt"] == b""


def test_a_recording_longer_than_it_said_is_continued(world, planned):
    first, last = planned.chunks
    chunk.commit_result(*heard(planned, first), world.ports)
    result, row = heard(planned, last)
    chunk.commit_result(replace(result, decoded=result.decoded + last.tail), row, world.ports)
    longer = finish(world, planned, 1)
    assert longer.state == "PLANNED"
    published = [decode(one.data, ChunkMessage).chunk for one in world.pull("cpu-worker")]
    assert [(one.index, one.start, one.end) for one in published] == [(2, 60.0, 90.0), (3, 90.0, 120.0)]
    chunk.commit_result(*heard(longer, published[0], owned=12.0, decoded=13.5, lead=1.5), world.ports)
    chunk.commit_result(*heard(longer, published[1], words=(), owned=0.0, decoded=0.0, lead=0.0), world.ports)
    done = finish(world, longer, 3)
    assert (done.state, done.duration, done.words) == ("DONE", 72.0, 9)


def test_the_demo_model_is_named_in_the_warnings(world, planned):
    keep_all(world, planned)
    assert assemble.DEMO_WARNING in finish(world, planned, 0).warnings


def test_warnings_of_chunks_come_once_and_in_order(world, planned):
    keep_all(world, planned, warnings=("the audio stops at 40.2 s",))
    assert finish(world, planned, 0).warnings == ("the audio stops at 40.2 s", assemble.DEMO_WARNING)


def test_a_lost_result_is_transcribed_again(world, planned):
    keep_all(world, planned)
    world.pull("cpu-worker")
    (world.settings.state_dir / "work" / "chunks" / planned.id / "00001.json").unlink()
    assert finish(world, planned, 0).state == "PLANNED"
    assert [one.attributes["chunk"] for one in world.pull("cpu-worker")] == ["1"]
    chunk.commit_result(*heard(planned, planned.chunks[1], attempt="m-2"), world.ports)
    assert finish(world, planned, 1).state == "DONE"


def test_an_unknown_recording_is_nobodys_business(world):
    assert record.on_chunk_done(ChunkDone(recording="nobody", index=0), world.ports) is None


def test_words_in_the_overlap_are_not_repeated(world, planned):
    first, last = planned.chunks
    both = words("alpha bravo", start=29.5)
    chunk.commit_result(*heard(planned, first, words=both, decoded=31.5), world.ports)
    moved = tuple(replace(one, start=one.start - 30.0, end=one.end - 30.0) for one in both)
    chunk.commit_result(*heard(planned, last, words=moved), world.ports)
    assert outputs(world, finish(world, planned, 0))["transcript.txt"] == b"alpha bravo\n"
