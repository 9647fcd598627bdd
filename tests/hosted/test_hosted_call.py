"""One message makes one call of a hosted engine, however it is delivered, and each call has the row that it deserves."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace

import numpy as np
import pytest

from shared.audio import Pcm
from shared.costs import budget, rows, summary
from shared.errors import (
    BucketRefused,
    EngineFailed,
    EngineLimit,
    Permanent,
    StoreUnavailable,
    Transient,
    UnderWay,
)
from shared.flow import chunk, record, upload
from shared.hosted import hosted_call, hosted_chunk
from shared.messages import ChunkDone, ChunkMessage, decode, from_fields
from shared.ports import Ports
from shared.recovery import fallback
from shared.results import Heard, LedgerRow
from shared.state import documents, failure_log, ledger, patience
from tests.world import words

MIDNIGHT = 1_795_219_200.0
"""2026-11-21T00:00:00Z."""


class Service:
    """Hears 20 s; does something else during its first call."""

    def __init__(self):
        self.calls, self.meanwhile, self.error = 0, None, None

    def transcribe(self, _job):
        self.calls += 1
        number = self.calls
        if self.meanwhile is not None and number == 1:
            self.meanwhile()
        if self.error is not None:
            raise self.error
        return Heard(
            words=words("one two"), seconds=20.0, request_id=f"q{number}", model="nova-3", revision="v", language="en"
        )  # fmt: skip


@pytest.fixture
def service(world):
    world.media.info = replace(world.media.info, duration=20.0)
    world.media.decode = lambda *_, **__: Pcm(
        samples=np.full(20 * 16_000, 99, np.int16).tobytes(), start=0.0, owned=20.0
    )
    made = Service()
    world.ports = replace(
        world.ports, hosted={"deepgram": made}, engines=frozenset({"parakeet-cpu", "deepgram"})
    )
    return made


@pytest.fixture
def message(world, service):
    upload.on_upload(world.upload(**{"dropscribe-method": "deepgram"}), world.ports)
    (one,) = world.pull("deepgram")
    return decode(one.data, ChunkMessage)


def deliver(message, world):
    hosted_chunk.on_chunk(message, world.ports, message_id="m")


def found(world):
    return [from_fields(fields, LedgerRow) for _, fields in world.ports.records.query(documents.LEDGER)]


def killed(*_):
    raise KeyboardInterrupt


def at_results(store, instead):
    """`create` of a store, with something else in its place where a result is stored."""
    create = store.create
    return lambda bucket, name, *given: (instead if name.endswith(".json") else create)(bucket, name, *given)


def test_a_message_delivered_twice_at_once_makes_one_call(world, service, message):
    refused = []

    def copy():
        with pytest.raises(Transient) as raised:
            deliver(message, world)
        refused.append(raised.value)

    service.meanwhile = copy
    deliver(message, world)
    deliver(message, world)
    assert (service.calls, len(refused)) == (1, 1)
    [row] = found(world)
    used = world.ports.records.get(documents.CHUNKS, f"{message.recording}.00000")["attempt"]
    assert (row.outcome, row.attempt, row.request_id) == ("heard", used, "q1")
    failure_log.note(refused[0], world.ports, where="deepgram", message_id="m", attributes={})
    assert world.ports.records.count(failure_log.FAILURES) == 0, "it did not fail"


def test_a_copy_that_comes_while_the_result_is_stored_makes_no_call_either(
    world, service, message, monkeypatch
):
    store, raised = world.ports.store, []
    create = store.create

    def slow(*arguments):
        with pytest.raises(Transient) as refused:
            deliver(message, world)
        raised.append(refused)
        return create(*arguments)

    monkeypatch.setattr(store, "create", at_results(store, slow))
    deliver(message, world)
    assert (service.calls, len(raised)) == (1, 1)


def test_a_copy_that_slept_over_the_whole_call_makes_none(world, service, message):
    decode_ = world.media.decode

    def asleep(*arguments, **named):
        world.media.decode = decode_
        deliver(message, world)
        world.clock.time += 3600.0
        return decode_(*arguments, **named)

    world.media.decode = asleep
    deliver(message, world)
    assert service.calls == 1


def test_a_hand_over_during_a_call_leaves_its_row_to_the_call(world, service, message, monkeypatch):
    message = replace(message, audio=replace(message.audio, duration=None))
    monkeypatch.setattr(world.ports.store, "signed_url", lambda *_: "https://x")
    service.meanwhile = lambda: fallback.hand_over(message, EngineLimit("x"), world.ports)
    deliver(message, world)
    [row] = found(world)
    assert (row.outcome, row.billed_seconds, row.request_id) == ("heard", 20.0, "q1")
    assert row.usd == pytest.approx(20 / 60 * 0.0077)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86_400.0])
def test_a_clock_that_is_set_during_a_call_does_not_repeat_it(world, service, message, step):
    world.ports = replace(world.ports, process="one")

    def copy():
        world.clock.step(step)
        with pytest.raises(Transient):
            deliver(message, world)

    service.meanwhile = copy
    deliver(message, world)
    deliver(message, world)
    assert service.calls == 1


def test_a_killed_call_is_not_waited_for_until_a_clock_that_was_set_back_has_caught_up(
    world, service, message
):
    service.meanwhile = killed
    with pytest.raises(KeyboardInterrupt):
        deliver(message, world)
    world.clock.step(-3600.0)
    deliver(message, world)
    assert service.calls == 2


def test_a_killed_call_is_open_then_lost_and_made_again_after_its_time(world, service, message):
    service.meanwhile = killed
    with pytest.raises(KeyboardInterrupt):
        deliver(message, world)
    [row] = found(world)
    assert (row.outcome, row.billed_seconds) == ("open", 20.0)
    assert ledger.as_of(row, world.clock.now()).outcome == "open"
    with pytest.raises(Transient):
        deliver(message, world)
    assert service.calls == 1
    world.clock.time += hosted_call.PATIENCE + hosted_call.KEEPING
    assert ledger.as_of(row, world.clock.now()).outcome == "lost"
    deliver(message, world)
    assert service.calls == 2
    record.on_chunk_done(ChunkDone(recording=message.recording, index=0), world.ports)
    today = dt.datetime.fromtimestamp(world.clock.now(), dt.UTC).date()
    account = rows.read(world.ports, today - dt.timedelta(days=1), today)
    assert sorted(account.fates) == ["lost", "used"]
    assert summary.total(account).wasted == pytest.approx(20 / 60 * 0.0077)


def test_a_call_whose_process_is_known_to_be_gone_is_made_again_at_once(world, service, message, monkeypatch):
    monkeypatch.setattr(Ports, "is_gone", lambda _, process: process == "first")
    service.meanwhile = killed
    world.ports = replace(world.ports, process="first")
    with pytest.raises(KeyboardInterrupt):
        deliver(message, world)
    world.ports = replace(world.ports, process="second")
    deliver(message, world)
    assert service.calls == 2
    found_rows = sorted(found(world), key=lambda row: row.attempt)
    assert [ledger.as_of(row, world.clock.now()).outcome for row in found_rows] == ["lost", "heard"]


def test_a_row_whose_reply_was_lost_keeps_nobody_waiting_on_one_machine(world, service, message, monkeypatch):
    world.ports = replace(world.ports, process="one")
    begin = ledger.begin

    def lost(*given):
        begin(*given)
        raise StoreUnavailable("the reply was lost")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "begin", lost)
        with pytest.raises(StoreUnavailable):
            deliver(message, world)
    deliver(message, world)
    assert service.calls == 1


def lose_the_reply(world, monkeypatch, *, more_fail=0):
    """The next row of the ledger is written, but its reply is lost; then some changes fail as well."""
    records, left = world.ports.records, [more_fail]
    create, update = records.create, records.update

    def created(collection, *given):
        done = create(collection, *given)
        if collection == documents.LEDGER:
            monkeypatch.setattr(records, "create", create)
            raise StoreUnavailable("the reply was lost")
        return done

    def updated(collection, *given):
        if collection == documents.LEDGER and left[0]:
            left[0] -= 1
            raise StoreUnavailable("refused")
        return update(collection, *given)

    monkeypatch.setattr(records, "create", created)
    monkeypatch.setattr(records, "update", updated)


def test_a_row_whose_reply_was_lost_keeps_nobody_waiting_in_a_project_and_is_free(
    world, service, message, monkeypatch
):
    assert world.ports.process == ""
    lose_the_reply(world, monkeypatch)
    with pytest.raises(StoreUnavailable):
        deliver(message, world)
    [row] = found(world)
    assert (row.outcome, row.usd, row.billed_seconds) == ("failed", 0.0, None)
    deliver(message, world)
    assert service.calls == 1
    assert sorted(row.outcome for row in found(world)) == ["failed", "heard"]


def test_a_row_that_cannot_be_taken_back_is_waited_for(world, service, message, monkeypatch):
    lose_the_reply(world, monkeypatch, more_fail=1)
    for error in (StoreUnavailable, UnderWay):
        with pytest.raises(error):
            deliver(message, world)
    assert service.calls == 0


def test_a_row_that_another_process_began_is_not_taken_back(world, service, message, monkeypatch):
    records, create = world.ports.records, world.ports.records.create

    def refused(collection, key, fields):
        if collection != documents.LEDGER:
            return create(collection, key, fields)
        create(collection, key, fields | {"time": fields["time"] + 1e-3})
        raise StoreUnavailable("refused")

    monkeypatch.setattr(records, "create", refused)
    with pytest.raises(StoreUnavailable):
        deliver(message, world)
    assert [row.outcome for row in found(world)] == ["open"]


def test_an_answer_that_its_process_took_along_is_asked_for_at_once(world, service, message, monkeypatch):
    monkeypatch.setattr(Ports, "is_gone", lambda _, process: process == "first")
    world.ports = replace(world.ports, process="first")
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "create", at_results(world.ports.store, killed))
        with pytest.raises(KeyboardInterrupt):
            deliver(message, world)
    world.ports = replace(world.ports, process="second")
    deliver(message, world)
    assert service.calls == 2


def test_an_answer_that_was_stored_but_not_noted_is_not_asked_for_again(world, service, message, monkeypatch):
    create = world.ports.records.create
    with monkeypatch.context() as patch:
        patch.setattr(
            world.ports.records,
            "create",
            lambda collection, *given: (killed if collection == documents.CHUNKS else create)(
                collection, *given
            ),
        )
        with pytest.raises(KeyboardInterrupt):
            deliver(message, world)
    deliver(message, world)
    assert (service.calls, world.ports.records.count(documents.CHUNKS)) == (1, 1)
    [done] = [decode(one.data, ChunkDone) for one in world.pull("merger")]
    assert (done.recording, done.index) == (message.recording, 0)


def test_what_stands_in_the_place_of_an_answer_ends_the_recording_before_anything_is_paid(
    world, service, message
):
    world.ports.store.create("work", chunk.result_name(message.recording, 0), b"garbage", "text/plain")
    deliver(message, world)
    ended = documents.get_recording(world.ports.records, message.recording)
    assert (service.calls, ended.state, ended.code) == (0, "FAILED", "Damaged")
    assert f"gs://work/{chunk.result_name(message.recording, 0)} cannot be read" in ended.reason


def test_an_answer_that_can_never_be_stored_is_not_asked_for_again(world, service, message, monkeypatch):
    def refused(*_):
        raise Permanent("Cloud Storage refuses to write it.")

    monkeypatch.setattr(world.ports.store, "create", at_results(world.ports.store, refused))
    deliver(message, world)
    ended = documents.get_recording(world.ports.records, message.recording)
    assert (service.calls, [row.outcome for row in found(world)]) == (1, ["heard"])
    assert ended.reason.startswith("Cloud Storage refuses to write it.")


def test_an_answer_that_comes_late_turns_its_row_into_what_it_was(world, service, message):
    def late():
        world.clock.time += 3600.0
        deliver(message, world)

    service.meanwhile = late
    deliver(message, world)
    assert service.calls == 2
    assert sorted((row.outcome, row.request_id) for row in found(world)) == [("heard", "q1"), ("heard", "q2")]


def test_a_call_that_failed_without_a_charge_has_its_row_too(world, service, message):
    service.error = EngineFailed("server", "Oops.")
    with pytest.raises(EngineFailed):
        deliver(message, world)
    [row] = found(world)
    assert (row.outcome, row.usd, row.billed_seconds) == ("failed", 0.0, 0.0)


def test_what_nobody_foresaw_may_be_charged_for(world, service, message):
    service.error = ValueError("a mistake of ours")
    with pytest.raises(ValueError, match="mistake"):
        deliver(message, world)
    [row] = found(world)
    assert (row.outcome, row.billed_seconds) == ("lost", 20.0)


def test_a_call_over_midnight_counts_once_in_the_sums_of_the_days(world, service, message):
    ports = replace(world.ports, settings=replace(world.settings, budget_daily_usd=1.0))
    world.clock.time = MIDNIGHT - 60.0

    def after_midnight():
        assert budget.sum_up(ports).days["2026-11-20"] == pytest.approx(20 / 60 * 0.0077)
        world.clock.time = MIDNIGHT + 60.0

    service.meanwhile = after_midnight
    hosted_chunk.on_chunk(message, ports, message_id="m")
    for _ in range(2):
        world.clock.time += 3600.0
        days = budget.sum_up(ports).days
    assert (days["2026-11-20"], days["2026-11-21"]) == (0.0, pytest.approx(20 / 60 * 0.0077))


def test_an_answer_that_could_not_be_kept_is_asked_for_again_a_minute_later(
    world, service, message, monkeypatch
):
    def away(*_):
        raise StoreUnavailable("not now")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "create", at_results(world.ports.store, away))
        patch.setattr(hosted_chunk, "PATIENCE", 0.0)
        with pytest.raises(StoreUnavailable):
            deliver(message, world)
    world.clock.time += hosted_call.KEEPING
    deliver(message, world)
    assert [row.attempt for row in found(world)] == ["1", "2"]


def refuse(monkeypatch, port, method, times):
    """Let a port refuse some calls; gives how many it has refused."""
    refused, right = [], getattr(port, method)

    def refusing(*given):
        if len(refused) < times:
            refused.append(given)
            raise StoreUnavailable("not now")
        return right(*given)

    monkeypatch.setattr(port, method, at_results(port, refusing) if method == "create" else refusing)
    return refused


@pytest.mark.parametrize(
    ("port", "method"), [("store", "create"), ("records", "update"), ("queue", "publish")]
)
def test_an_answer_is_kept_until_it_can_be_stored_and_asked_for_once(
    world, service, message, monkeypatch, port, method
):
    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 0.01)
    refused = refuse(monkeypatch, getattr(world.ports, port), method, 4)
    deliver(message, world)
    assert (len(refused), service.calls) == (4, 1)
    [row] = found(world)
    assert (row.attempt, row.outcome) == ("1", "heard")
    assert world.ports.records.count(documents.CHUNKS) == 1


def test_an_engine_is_not_paid_while_its_answer_could_not_be_stored(world, service, message, monkeypatch):
    """Also in a bucket that can be read."""

    def refuse_results(bucket, name, *_):
        raise BucketRefused(f"Cannot write {name}: this process may not write in {bucket}.")

    with monkeypatch.context() as patched:
        patched.setattr(world.ports.store, "create", refuse_results)
        with pytest.raises(BucketRefused, match="may not write in work"):
            deliver(message, world)
    assert (service.calls, found(world)) == (0, [])
    deliver(message, world)
    assert (service.calls, [row.outcome for row in found(world)]) == (1, ["heard"])


def test_the_row_of_a_call_without_an_answer_is_ended_once_it_can_be(world, service, message, monkeypatch):
    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 0.01)
    refused = refuse(monkeypatch, world.ports.records, "update", 4)
    service.error = EngineFailed("lost", "It was lost.", billed_seconds=20.0)
    with pytest.raises(EngineFailed):
        deliver(message, world)
    assert len(refused) == 4
    [row] = found(world)
    assert (row.outcome, row.billed_seconds) == ("lost", 20.0)


def test_a_process_that_is_to_end_keeps_no_answer(world, service, message, monkeypatch):
    refuse(monkeypatch, world.ports.store, "create", 1)
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoreUnavailable):
        hosted_chunk.on_chunk(message, world.ports, message_id="m", stop=stop)


def test_another_delivery_waits_as_long_as_an_answer_may_be_kept(world, service, message, monkeypatch):
    def another(*_):
        world.clock.time += hosted_chunk.PATIENCE
        with pytest.raises(UnderWay):
            deliver(message, world)
        patch.undo()
        raise StoreUnavailable("not now")

    monkeypatch.setattr(patience, "SHORTEST_PAUSE", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "create", at_results(world.ports.store, another))
        deliver(message, world)
    assert service.calls == 1
