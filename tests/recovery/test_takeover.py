from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from shared.costs import rows
from shared.errors import BadMedia, EngineLimit, EngineRefused, OverLimit
from shared.flow import chunk, dispatch, forget, record, upload
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.model import Fallback
from shared.recovery import fallback, takeover
from shared.state import documents
from shared.sweep import stuck
from tests.world import World, heard

TWO = frozenset({"parakeet-cpu", "deepgram"})
TOO_LARGE = EngineLimit("It does not fit.")


@pytest.fixture
def world(tmp_path):
    """A deployment of two engines, with workers that ask for nothing."""
    found = World(tmp_path, chunk_minutes=0.5, model="tiny")
    found.media.info = replace(found.media.info, duration=90.0)
    found.ports = replace(found.ports, engines=TWO)
    yield found
    found.close()


def planned(world, **metadata):
    """A recording with speakers that is planned, and the messages of its chunks."""
    recording = upload.on_upload(world.upload(**{"dropscribe-diarize": "true"} | metadata), world.ports)
    return recording, messages(world)


def messages(world):
    taken = [*world.pull("cpu-worker"), *world.pull("gpu-worker"), *world.pull("deepgram")]
    return [decode(one.data, ChunkMessage) for one in taken]


def now(world):
    (recording,) = documents.recordings(world.ports.records)
    return recording


def commit(world, message, engine="parakeet-cpu", **changes):
    """An engine hears a chunk."""
    result, row = heard(now(world), message.chunk, engine=engine, **changes)
    chunk.commit_result(result, replace(row, engine=engine), world.ports)
    for one in world.pull("merger"):
        record.on_chunk_done(decode(one.data, ChunkDone), world.ports)


def test_a_plan_of_another_engine_goes_on_with_the_numbers_of_the_one_before(world):
    recording, _ = planned(world)
    assert [one.index for one in recording.chunks] == [0, 1, 2]
    [one] = takeover.chunks_for("deepgram", recording, world.settings)
    assert (one.index, one.start, one.end, one.engine) == (3, 0.0, 90.0, "deepgram")
    after = replace(recording, chunks=(one,))
    back = takeover.chunks_for("parakeet-cpu", after, world.settings)
    assert [chunk.index for chunk in back] == [4, 5, 6]
    assert [replace(one, index=one.index - 4) for one in back] == list(recording.chunks)


def test_a_plan_beyond_the_limit_is_none(world):
    recording, _ = planned(world, **{"dropscribe-method": "deepgram"})
    with pytest.raises(OverLimit, match="needs 3 chunks or more"):
        takeover.chunks_for("parakeet-cpu", recording, replace(world.settings, max_recording_chunks=2))


def test_one_chunk_that_cannot_be_done_takes_the_whole_to_the_other_engine(world):
    _, (first, second, third) = planned(world)
    commit(world, first)
    assert fallback.hand_over(second, TOO_LARGE, world.ports).done
    taken = now(world)
    assert (taken.state, [one.engine for one in taken.chunks]) == ("PLANNED", ["deepgram"])
    assert taken.fallback == Fallback(engines=("deepgram",), whole=("parakeet-cpu",))
    assert (taken.decision.method, taken.decision.engine, taken.decision.model) == (
        "deepgram", "deepgram", "nova-3"
    )  # fmt: skip
    assert taken.decision.reason.endswith(
        "; Deepgram takes all of it over from Parakeet on a CPU; the warnings say why"
    )
    [message] = messages(world)
    assert (message.chunk.index, message.chunk.engine, message.turn, message.model) == (
        3, "deepgram", 0, "nova-3"
    )  # fmt: skip
    assert [(one.engine, one.reason) for one in message.tried] == [("parakeet-cpu", "It does not fit.")]
    assert chunk.is_wanted(message, world.ports)
    assert not any(chunk.is_wanted(one, world.ports) for one in (first, second, third))


def test_results_of_the_first_engine_are_not_used_whenever_they_come(world):
    _, (first, second, third) = planned(world)
    commit(world, first, text="never read")
    fallback.hand_over(second, TOO_LARGE, world.ports)
    [message] = messages(world)
    commit(world, third, text="too late")
    assert now(world).state == "PLANNED", "one result of the new plan is missing"
    assert documents.count_done(now(world), world.ports.records) == 0
    commit(world, message, engine="deepgram", text="one two", model="nova-3")
    done = now(world)
    assert (done.state, done.words) == ("DONE", 2)
    found = {row.chunk: fate for row, fate in zip(*rows.of_recording(done, world.ports), strict=True)}
    assert found == {0: "wasted", 2: "wasted", 3: "used"}


def test_what_was_not_used_still_counts_as_wasted_when_the_recording_is_deleted(world):
    recording, (first, second, _) = planned(world)
    commit(world, first)
    fallback.hand_over(second, TOO_LARGE, world.ports)
    [message] = messages(world)
    commit(world, message, engine="deepgram", model="nova-3")
    day = dt.datetime.fromtimestamp(world.clock.now(), dt.UTC).date()
    for last in (False, True):
        forget.forget(recording.id, world.ports, alone=last)
        account = rows.read(world.ports, day, day)
        found = {row.chunk: fate for row, fate in zip(account.rows, account.fates, strict=True)}
        assert found == {0: "wasted", 3: "used"}


def test_what_the_first_engine_says_of_the_file_is_void_once_another_has_it(world):
    _, (_, second, third) = planned(world)
    fallback.hand_over(second, TOO_LARGE, world.ports)
    fallback.give_up(third, BadMedia("limit", "Decoding took too much memory."), world.ports)
    assert now(world).state == "PLANNED"
    [message] = messages(world)
    fallback.give_up(message, BadMedia("limit", "It is too long."), world.ports)
    assert (now(world).state, now(world).reason) == ("FAILED", "It is too long.")


def test_what_was_said_of_the_file_before_it_was_tried_again_is_void(world):
    _, (first, second, _) = planned(world)
    fallback.give_up(first, BadMedia("limit", "Decoding took too much memory."), world.ports)
    upload.reopen(now(world), world.ports)
    upload.take(now(world).source, now(world).options, world.ports)
    fallback.give_up(second, BadMedia("limit", "Decoding took too much memory."), world.ports)
    assert now(world).state == "PLANNED"


def test_the_report_of_a_day_counts_them_as_wasted_too(world):
    _, (first, second, _) = planned(world)
    commit(world, first)
    fallback.hand_over(second, TOO_LARGE, world.ports)
    commit(world, messages(world)[0], engine="deepgram")
    (row, *_) = rows.of_recording(now(world), world.ports)[0]
    day = rows.dt.date.fromisoformat(row.day)
    account = rows.read(world.ports, day, day)
    assert {row.chunk: fate for row, fate in zip(account.rows, account.fates, strict=True)} == {
        0: "wasted", 3: "used"
    }  # fmt: skip


def test_two_chunks_that_are_given_up_at_once_are_one_take_over(world):
    recording, (first, second, _) = planned(world)
    fallback.hand_over(first, TOO_LARGE, world.ports)
    assert fallback.hand_over(second, TOO_LARGE, world.ports).done
    # As it was read before the other one took it over.
    chunks = takeover.chunks_for("deepgram", recording, world.settings)
    takeover.take_over(recording, chunks, (), world.ports)
    assert [one.index for one in now(world).chunks] == [3]
    assert len(messages(world)) == 1


@pytest.fixture
def hosted(tmp_path):
    """The same, where Deepgram comes first."""
    found = World(tmp_path, chunk_minutes=0.5, model="tiny", rollout_percent=0.0)
    found.media.info = replace(found.media.info, duration=90.0)
    found.ports = replace(found.ports, engines=TWO)
    yield found
    found.close()


def test_a_recording_of_deepgrams_goes_to_workers_in_chunks_of_theirs(hosted):
    _, [message] = planned(hosted)
    assert (message.chunk.engine, message.chunk.end) == ("deepgram", 90.0)
    fallback.give_up(message, EngineRefused("credit", "No credit."), hosted.ports)
    found = messages(hosted)
    assert [(one.chunk.index, one.chunk.engine, one.model) for one in found] == [
        (index, "parakeet-cpu", "tiny") for index in (1, 2, 3)
    ]
    assert {one.tried[0].engine for one in found} == {"deepgram"}


def test_when_both_kinds_gave_it_up_it_ends_with_what_each_of_them_said(hosted):
    _, [message] = planned(hosted)
    fallback.give_up(message, EngineRefused("credit", "No credit."), hosted.ports)
    _, second, _ = messages(hosted)
    fallback.give_up(second, TOO_LARGE, hosted.ports)
    failed = now(hosted)
    assert (failed.state, failed.code) == ("FAILED", "NoEngineLeft")
    assert failed.reason == (
        "No engine could transcribe part 2 of 3 of the recording. Deepgram: No credit. "
        "Parakeet on a CPU: It does not fit."
    )


def test_one_that_is_tried_again_goes_on_where_it_is_and_may_be_taken_over_once_more(hosted):
    _, [message] = planned(hosted)
    fallback.give_up(message, EngineRefused("credit", "No credit."), hosted.ports)
    first, second, _ = messages(hosted)
    commit(hosted, first)
    fallback.give_up(second, TOO_LARGE, hosted.ports)
    upload.reopen(now(hosted), hosted.ports)
    upload.take(now(hosted).source, now(hosted).options, hosted.ports)
    second, third = messages(hosted)
    assert [(one.chunk.index, one.tried) for one in (second, third)] == [(2, ()), (3, ())]
    fallback.give_up(third, TOO_LARGE, hosted.ports)
    [message] = messages(hosted)
    assert (message.chunk.index, message.chunk.engine) == (4, "deepgram")
    commit(hosted, message, engine="deepgram")
    assert now(hosted).state == "DONE"


def test_a_plan_whose_messages_were_not_published_is_pushed_by_the_sweeper(world, monkeypatch):
    _, (first, *_) = planned(world)

    def dies(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "publish_chunks", dies)
        with pytest.raises(KeyboardInterrupt):
            fallback.hand_over(first, TOO_LARGE, world.ports)
    assert (now(world).published, messages(world)) == (0, [])
    assert not chunk.is_wanted(first, world.ports), "so its message is acknowledged"
    stuck.push_stuck(world.ports)
    world.clock.time += 2 * stuck.SOONEST
    stuck.push_stuck(world.ports)
    [message] = messages(world)
    assert message.chunk.index == 3


def test_where_a_budget_has_no_room_for_the_whole_it_fails_and_says_so(world):
    # Half a minute would fit, which is 0.005; a minute and a half are 0.015.
    settings = replace(world.settings, budget_daily_usd=0.01)
    world.ports = replace(world.ports, settings=settings)
    _, (first, *_) = planned(world)
    fallback.give_up(first, TOO_LARGE, world.ports)
    failed = now(world)
    assert failed.state == "FAILED"
    assert "It does not fit. No other engine was tried: the daily budget" in failed.reason
    assert [one.index for one in failed.chunks] == [0, 1, 2]


def test_where_its_plan_would_be_beyond_a_limit_it_fails_and_says_so(hosted):
    hosted.ports = replace(hosted.ports, settings=replace(hosted.ports.settings, max_recording_chunks=2))
    _, [message] = planned(hosted)
    fallback.give_up(message, EngineRefused("credit", "No credit."), hosted.ports)
    failed = now(hosted)
    assert failed.state == "FAILED"
    assert "No other engine was tried: The recording needs 3 chunks or more" in failed.reason


@pytest.mark.parametrize("asked", [{"dropscribe-method": "parakeet"}, {"dropscribe-model": "other"}])
def test_who_asked_for_one_engine_gets_no_other(world, asked):
    _, (first, *_) = planned(world, **asked)
    fallback.give_up(first, TOO_LARGE, world.ports)
    assert now(world).state == "FAILED"
    assert messages(world) == []
