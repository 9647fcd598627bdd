"""A chunk that is done, but whose result is gone, is transcribed again, and its owner is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from shared.errors import Permanent, StoreUnavailable, UnderWay
from shared.flow import assemble, dispatch, record, redo, transcript_files, upload
from shared.flow.chunk import commit_result, result_name
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.state import documents
from shared.sweep import sweep
from tests.world import heard

WEEK = 7 * 86_400.0


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


def lose(world, recording, *indexes):
    """The lifecycle rule of the work bucket has deleted some results."""
    for index in indexes:
        world.ports.store.path_of("work", result_name(recording.id, index)).unlink()


def published(world):
    return sorted(decode(one.data, ChunkMessage).chunk.index for one in world.pull("cpu-worker"))


def merge(world, recording):
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


@pytest.fixture
def complete(world):
    """A recording of four chunks with all their results, whose merger was slow."""
    world.media.info = replace(world.media.info, duration=120.0)
    recording = upload.on_upload(world.upload(), world.ports)
    assert len(recording.chunks) == 4
    for one in recording.chunks:
        commit_result(*heard(recording, one, attempt="first"), world.ports)
    published(world)
    world.clock.time += WEEK
    return recording


def test_it_is_published_again_once_however_often_the_merger_is_told(world, complete):
    lose(world, complete, 1, 3)
    for _ in range(3):
        assert merge(world, complete).state == "PLANNED"
    assert published(world) == [1, 3]


def test_with_the_new_results_it_is_done_and_says_what_was_paid_twice(world, complete):
    lose(world, complete, 1, 3)
    merge(world, complete)
    for index in (1, 3):
        commit_result(*heard(complete, complete.chunks[index], attempt="second"), world.ports)
    done = merge(world, complete)
    assert done.state == "DONE"
    told = "The results of parts 2 and 4 of 4 were gone, so they were transcribed, and paid for, again."
    assert told in done.warnings
    assert world.ports.records.count(documents.LEDGER, {"recording": done.id}) == 6
    [transcript] = [name for name in done.outputs if name.endswith("transcript.json")]
    assert told in world.ports.store.load("transcripts", transcript).decode()


def test_a_rendering_of_results_that_were_gone_before_anybody_decided_on_it_does_not_stand(
    world, complete, monkeypatch
):
    def dies(*_):
        raise StoreUnavailable("the merger died")

    with monkeypatch.context() as patched:
        patched.setattr(record, "_decide", dies)
        with pytest.raises(StoreUnavailable, match="died"):
            merge(world, complete)
    lose(world, complete, 1, 3)
    merge(world, complete)
    for index in (1, 3):
        commit_result(*heard(complete, complete.chunks[index], "other", attempt="second"), world.ports)
    done = merge(world, complete)
    told = redo.warning(complete, [1, 3])
    assert (done.state, told in done.warnings) == ("DONE", True)
    [transcript] = [name for name in done.outputs if name.endswith("transcript.txt")]
    assert world.ports.store.load("transcripts", transcript).count(b"other") == 2


def test_one_that_lost_nothing_has_no_such_warning(world, complete):
    assert merge(world, complete).warnings == (assemble.DEMO_WARNING,)


def test_two_mergers_that_find_it_at_once_publish_it_once(world, complete, monkeypatch):
    lose(world, complete, 2)
    change, late = documents.change_recording, []

    def overtaken(ports, key, how):
        if not late:
            late.append(1)
            merge(world, complete)
        return change(ports, key, how)

    monkeypatch.setattr(documents, "change_recording", overtaken)
    merge(world, complete)
    assert published(world) == [2]
    assert stored(world, complete).published == 4


def test_a_merger_that_still_had_the_results_decides_nothing_once_another_found_them_gone(
    world, complete, monkeypatch
):
    keep = transcript_files.keep

    def overtaken(*asked):
        monkeypatch.setattr(transcript_files, "keep", keep)
        lose(world, complete, 2)
        merge(world, complete)
        assert stored(world, complete).published == 4
        return keep(*asked)

    monkeypatch.setattr(transcript_files, "keep", overtaken)
    assert merge(world, complete).state == "PLANNED"
    assert stored(world, complete).files == ()
    assert published(world) == [2]
    commit_result(*heard(complete, complete.chunks[2], attempt="second"), world.ports)
    assert merge(world, complete).state == "DONE"
    assert world.ports.records.count(documents.CHUNKS, {"recording": complete.id}) == 4


def test_a_merger_that_found_results_gone_leaves_a_transcript_alone_that_another_decided_on(
    world, complete, monkeypatch
):
    commit, path = redo.budget.commit, world.ports.store.path_of("work", result_name(complete.id, 2))
    result = path.read_bytes()
    lose(world, complete, 2)

    def refused(*_):
        raise StoreUnavailable("no")

    def overtaken(*asked, **more):
        monkeypatch.setattr(redo.budget, "commit", commit)
        path.write_bytes(result)
        with monkeypatch.context() as patch:
            patch.setattr(transcript_files, "write", refused)
            with pytest.raises(StoreUnavailable):
                merge(world, complete)
        path.unlink()
        return commit(*asked, **more)

    monkeypatch.setattr(redo.budget, "commit", overtaken)
    decided = merge(world, complete)
    assert (decided.state, len(decided.files)) == ("PLANNED", 6)
    assert published(world) == []
    done = merge(world, complete)
    assert done.state == "DONE"
    assert not any("gone" in line for line in done.warnings)
    assert world.ports.records.count(documents.CHUNKS, {"recording": done.id}) == 4


def test_whoever_finds_it_while_another_publishes_it_waits(world, complete):
    lose(world, complete, 2)
    now = world.clock.time
    documents.change_recording(world.ports, complete.id, lambda one: replace(one, published=0, planned=now))
    with pytest.raises(UnderWay):
        merge(world, complete)
    assert published(world) == []
    world.clock.time += dispatch.PUBLISHED_WITHIN + 1
    merge(world, complete)
    assert published(world) == [2], "it died"


def test_whoever_finds_more_when_some_are_under_way_leaves_it_to_the_last_of_them(world, complete):
    lose(world, complete, 2)
    merge(world, complete)
    assert published(world) == [2]
    lose(world, complete, 0)
    redo.again(stored(world, complete), [0, 2], world.ports)
    assert published(world) == []
    commit_result(*heard(complete, complete.chunks[2], attempt="second"), world.ports)
    merge(world, complete)
    assert published(world) == [0]


def test_the_message_of_a_lost_result_is_told_from_those_before(world, complete):
    before = dispatch.chunk_message(complete, complete.chunks[1], None, world.ports)
    lose(world, complete, 1)
    merge(world, complete)
    [again] = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    assert (again.life, again.turn) == (before.life, before.turn)
    assert again.planned > before.planned


@pytest.mark.parametrize("step", ["change", "delete", "publish"])
def test_a_merger_that_dies_on_the_way_leaves_nothing_behind(world, complete, monkeypatch, step):
    lose(world, complete, 0, 2)

    class DiedError(Exception):
        pass

    def died(*_, **__):
        raise DiedError

    with monkeypatch.context() as patch:
        where = {
            "change": (world.ports.records, "delete"),
            "delete": (redo.dispatch, "publish_chunks"),
            "publish": (redo.dispatch.capacity, "start_for"),
        }
        patch.setattr(*where[step], died)
        with pytest.raises(DiedError):
            merge(world, complete)
    for _ in range(4):
        world.clock.time += 60
        sweep.on_tick(world.ports)
        for one in world.pull("merger"):
            record.on_chunk_done(decode(one.data, ChunkDone), world.ports)
    assert set(published(world)) == {0, 2}
    for index in (0, 2):
        commit_result(*heard(complete, complete.chunks[index], attempt="second"), world.ports)
    assert merge(world, complete).state == "DONE"


def test_a_plan_that_goes_on_finds_the_result_of_an_earlier_chunk_gone(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        result, row = heard(recording, one)
        commit_result(replace(result, decoded=result.lead + result.owned + one.tail), row, world.ports)
    published(world)
    lose(world, recording, 0)
    assert len(merge(world, recording).chunks) == 2, "what comes next is not known before"
    assert published(world) == [0]
    commit_result(*heard(recording, recording.chunks[0], attempt="second"), world.ports)
    longer = merge(world, recording)
    assert len(longer.chunks) == 4
    assert published(world) == [2, 3]


def test_one_that_is_tried_again_after_a_week_is_done_in_the_end(world, complete):
    record.fail(complete.id, Permanent("no engine"), world.ports)
    lose(world, complete, 0)
    world.ports.records.delete(documents.CHUNKS, documents.chunk_key(complete.id, 1))
    lose(world, complete, 1)
    upload.reopen(stored(world, complete), world.ports)
    again = upload.take(complete.source, complete.options, world.ports)
    assert published(world) == [0, 1]
    for index in (0, 1):
        commit_result(*heard(again, again.chunks[index], attempt="second"), world.ports)
    done = merge(world, complete)
    assert done.state == "DONE"
    assert any("part 1 of 4" in line for line in done.warnings)


def test_which_results_are_gone_is_read_from_the_store(world, complete):
    assert redo.without_result(complete, world.ports) == []
    lose(world, complete, 1, 2)
    assert redo.without_result(complete, world.ports) == [1, 2]


def test_a_chunk_that_is_done_while_one_looks_has_its_result(world, monkeypatch):
    world.media.info = replace(world.media.info, duration=120.0)
    recording = upload.on_upload(world.upload(), world.ports)
    commit_result(*heard(recording, recording.chunks[0]), world.ports)
    store, listed = world.ports.store, world.ports.store.list

    def then_one_more_is_done(bucket, prefix=""):
        found = list(listed(bucket, prefix))
        monkeypatch.setattr(store, "list", listed)
        commit_result(*heard(recording, recording.chunks[1]), world.ports)
        return iter(found)

    monkeypatch.setattr(store, "list", then_one_more_is_done)
    assert redo.without_result(recording, world.ports) == []


@pytest.mark.parametrize("finds_it", ["the router", "the merger"])
def test_a_process_that_is_slow_to_forget_leaves_what_was_transcribed_since(
    world, complete, monkeypatch, finds_it
):
    lose(world, complete, 2)
    if finds_it == "the router":
        record.fail(complete.id, Permanent("no engine"), world.ports)
        upload.reopen(stored(world, complete), world.ports)
        go_on = partial(upload.take, complete.source, complete.options, world.ports)
    else:
        go_on = partial(merge, world, complete)
    records, delete = world.ports.records, world.ports.records.delete

    def overtaken(*asked, **more):
        monkeypatch.setattr(records, "delete", delete)
        world.clock.time += dispatch.PUBLISHED_WITHIN + 1
        go_on()
        commit_result(*heard(complete, complete.chunks[2], attempt="second"), world.ports)
        return delete(*asked, **more)

    monkeypatch.setattr(records, "delete", overtaken)
    go_on()
    assert records.delete == delete, "nothing was deleted"
    chunk = records.get(documents.CHUNKS, documents.chunk_key(complete.id, 2))
    assert chunk is not None
    assert chunk["attempt"] == "second"
    assert merge(world, complete).state == "DONE"
