"""Who gets a chunk that its engine gives up, and that it arrives there whoever dies on the way."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from shared import concurrency
from shared.adapters.engines import deepgram_answers
from shared.audio import Pcm
from shared.costs import budget
from shared.engines import ENGINES
from shared.errors import (
    BadMedia,
    BadRequest,
    ConfigurationError,
    EngineFailed,
    EngineLimit,
    EngineRefused,
    HandedOn,
    ModelUnavailable,
    Permanent,
    StoreUnavailable,
    UnderWay,
)
from shared.flow import assemble, chunk, dispatch, record, upload
from shared.flow.capacity import Start
from shared.hosted import hosted_chunk
from shared.messages import ChunkDone, ChunkMessage, decode, from_fields
from shared.model import Options
from shared.recovery import dead_letter, fallback, owner_messages
from shared.results import ChunkResult, Heard, LedgerRow
from shared.routing import flags
from shared.state import claims, documents, failure_log
from shared.sweep import observe
from tests.world import World, heard, words

ALL = frozenset(tuple(ENGINES))
TWO = frozenset({"parakeet-cpu", "deepgram"})


@pytest.mark.parametrize(
    ("error", "verdicts"),
    [
        (BadMedia("limit", "x"), "fail fail fail"),
        (BadRequest("x"), "fail fail fail"),
        (ModelUnavailable("x"), "next next next"),
        (EngineLimit("x"), "next next next"),
        (EngineRefused("key", "x"), "next next next"),
        (EngineRefused("credit", "x"), "next next next"),
        (EngineFailed("rate", "x"), "again again again"),
        (StoreUnavailable("x"), "again again again"),
        (ConfigurationError("x"), "again again again"),
        (RuntimeError("x"), "again again next"),
    ],
)
def test_the_class_of_the_error_decides(error, verdicts):
    assert [fallback.after_failure(error, attempt) for attempt in (1, 2, 3)] == verdicts.split()


# A deployment of two engines that do what they are told, one message at a time.


class Crash(BaseException):
    """The process is killed here: nobody catches that."""


class Dying:
    """A port whose process is killed at one of its calls that change something, before or after it."""

    CHANGES = frozenset({"create", "update", "publish", "publish_many"})

    def __init__(self, inner, plan):
        self._inner, self._plan = inner, plan

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        if name not in self.CHANGES:
            return method

        def call(*arguments, **named):
            plan = self._plan
            plan.count += plan.counting
            dies = plan.counting and plan.count == plan.at
            if dies and plan.before:
                raise Crash
            result = method(*arguments, **named)
            if dies:
                raise Crash
            return result

        return call


class Plan:
    def __init__(self, at=0, *, before=True):
        self.at, self.before, self.count, self.counting = at, before, 0, False


class Fake:
    """Deepgram: hears a word, or raises what comes next; counts what it charges for."""

    def __init__(self, errors=()):
        self.errors, self.charged = list(errors), 0

    def transcribe(self, job):
        if self.errors:
            error = self.errors.pop(0)
            self.charged += getattr(error, "billed_seconds", None) is not None
            raise error
        self.charged += 1
        return Heard(
            words=words("from deepgram"), seconds=job.seconds, request_id=f"r-{self.charged}",
            model="nova-3", revision="v", language="en",
        )  # fmt: skip


class Deployment:
    """Steps at their queues. `parakeet` are the errors that its engine raises before it works."""

    def __init__(self, folder, *, parakeet=(), deepgram=(), plan=None, twice=False, **settings):
        self.world = World(folder, chunk_minutes=0.5, model="tiny", **settings)
        self.world.media.decode = lambda *_, **__: Pcm(
            samples=np.full(480_000, 99, np.int16).tobytes(), start=0.0, owned=30.0
        )
        self.world.media.info = replace(self.world.media.info, duration=30.0)
        self.plan, self.parakeet, self.fake = plan or Plan(), list(parakeet), Fake(deepgram)
        self.work: list[tuple[int, str]] = []
        self.twice = twice
        ports = replace(self.world.ports, engines=TWO, hosted={"deepgram": self.fake})
        self.ports = replace(
            ports,
            records=Dying(ports.records, self.plan),
            queue=Dying(ports.queue, self.plan),
            store=Dying(ports.store, self.plan),
        )

    def worker(self, delivery):
        message = decode(delivery.data, ChunkMessage)
        if not chunk.is_wanted(message, self.ports):
            return
        self.work.append((message.turn, "parakeet-cpu"))
        if self.parakeet:
            error = self.parakeet.pop(0)
            if fallback.after_failure(error, delivery.attempt) == "again":
                raise error
            fallback.give_up(message, owner_messages.broken(error, delivery.attempt), self.ports)
            return
        result, row = heard(
            self.recording, message.chunk, attempt=f"{delivery.message_id}-{delivery.attempt}"
        )
        chunk.commit_result(replace(result, warnings=owner_messages.warnings(message)), row, self.ports)

    def hosted(self, delivery):
        message = decode(delivery.data, ChunkMessage)
        before = self.fake.charged
        try:
            hosted_chunk.on_chunk(message, self.ports, message_id=delivery.message_id)
        finally:
            if self.fake.charged > before:
                self.work.append((message.turn, "deepgram"))

    def buried(self, delivery):
        data = base64.b64encode(delivery.data).decode()
        letter = {"messageId": delivery.message_id, "data": data, "attributes": dict(delivery.attributes)}
        dead_letter.on_dead_letter(letter, self.ports)

    def merged(self, delivery):
        record.on_chunk_done(decode(delivery.data, ChunkDone), self.world.ports)

    def run(self, **metadata):
        upload.on_upload(self.world.upload(**metadata), self.ports)
        self.go_on()
        return self.recording

    def go_on(self):
        steps = {
            "gpu-worker": self.worker,
            "cpu-worker": self.worker,
            "deepgram": self.hosted,
            "dead-letters": self.buried,
            "merger": self.merged,
        }
        queue, busy = self.world.ports.queue, True
        while busy:
            busy = False
            for subscription, step in steps.items():
                for delivery in queue.pull(subscription, 10, 60.0):
                    busy = True
                    self.take(subscription, step, delivery)
            self.world.clock.time += 700.0  # past every pause

    def take(self, subscription, step, delivery):
        self.plan.counting = subscription != "merger"
        queue = self.world.ports.queue
        try:
            step(delivery)
            if self.twice:
                step(delivery)
        except (Exception, Crash) as error:  # noqa: BLE001 - as the process that delivers it
            if isinstance(error, Exception):
                failure_log.note(
                    error,
                    self.world.ports,
                    where=subscription,
                    message_id=delivery.message_id,
                    attempt=delivery.attempt,
                    attributes=delivery.attributes,
                )
            queue.nack(subscription, delivery.lease, f"{type(error).__name__}: {error}")
        else:
            queue.ack(subscription, delivery.lease)
        finally:
            self.plan.counting = False

    @property
    def recording(self):
        (recording,) = documents.recordings(self.world.ports.records)
        return recording

    def rows(self):
        found = self.world.ports.records.query(documents.LEDGER)
        return [from_fields(fields, LedgerRow) for _, fields in found]

    def close(self):
        self.world.close()


@pytest.fixture
def deployment(tmp_path):
    made = []

    def make(**given):
        made.append(Deployment(tmp_path / str(len(made)), **given))
        return made[-1]

    yield make
    for one in made:
        one.close()


def result_of(one):
    data = one.world.ports.store.load("work", chunk.result_name(one.recording.id, 0))
    return decode(data, ChunkResult)


BROKEN = [RuntimeError("device-side assert")] * 3
REFUSED = EngineRefused("credit", "The Deepgram project has no credit.")
SCENARIOS = {
    "the worker's engine breaks": {"parakeet": BROKEN},
    "no weights": {"parakeet": [ModelUnavailable("No weights.")]},
    "no credit": {"deepgram": [REFUSED], "rollout_percent": 0.0},
    "no network for long": {"deepgram": [EngineFailed("unreachable", "Away.")] * 8, "rollout_percent": 0.0},
    "an answer is lost": {
        "deepgram": [EngineFailed("lost", "Gone.", billed_seconds=30.0)] * 8, "rollout_percent": 0.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_another_engine_does_what_one_cannot_and_the_owner_is_told(deployment, scenario):
    one = deployment(**SCENARIOS[scenario])
    done = one.run()
    assert done.state == "DONE"
    other = "parakeet-cpu" if "rollout_percent" in SCENARIOS[scenario] else "deepgram"
    assert result_of(one).engine == other
    [warning] = done.warnings[:1]
    assert "transcribed parts that another engine could not" in warning
    [note] = [
        fields
        for _, fields in one.world.ports.records.query(failure_log.FAILURES)
        if fields["code"] == HandedOn.code
    ]
    assert (note["error"], note["chunk"]) == ("HandedOn", 0)
    # A lost answer may be charged for each time; what was refused is not.
    rows = Counter((row.engine, row.outcome) for row in one.rows() if row.outcome != "failed")
    assert rows == Counter({(other, "heard"): 1}) + Counter(
        {("deepgram", "lost"): 3} if "lost" in scenario else {}
    )


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whoever_dies_on_the_way_there_is_one_transcript_and_a_row_for_every_charge(
    deployment, scenario, before
):
    calm = deployment(**SCENARIOS[scenario])
    calm.run()
    # Deliveries before the last two differ in nothing from those.
    for at in range(max(1, calm.plan.count - 14), calm.plan.count + 1):
        one = deployment(plan=Plan(at, before=before), **SCENARIOS[scenario])
        assert one.run().state == "DONE", at
        assert one.world.ports.records.count(documents.CHUNKS) == 1
        assert len(dict(set(one.work))) == len(set(one.work)), "no turn has two engines"
        rows = [row for row in one.rows() if row.engine == "deepgram"]
        # One row may be for a call that was about to be made: nobody can know that it was not.
        charged = [row for row in rows if row.outcome != "failed"]
        assert one.fake.charged <= len(charged) <= one.fake.charged + 1, at
        assert all(bool(row.billed_seconds) == (row in charged) for row in rows)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_messages_that_come_twice_change_nothing(deployment, scenario):
    one = deployment(twice=True, **SCENARIOS[scenario])
    assert one.run().state == "DONE"
    assert sum(row.outcome == "heard" for row in one.rows()) == 1


def test_the_process_that_dies_between_an_answer_and_its_row_leaves_a_row_all_the_same(deployment):
    one = deployment(rollout_percent=0.0)
    update = one.ports.records.update

    def dies(collection, key, change):
        if collection == documents.LEDGER and one.fake.charged == 1:
            raise Crash
        return update(collection, key, change)

    one.ports.records.update = dies
    assert one.run().state == "DONE"
    assert one.fake.charged == 2
    assert sorted(row.outcome for row in one.rows()) == ["heard", "open"]
    assert record.cost(one.recording.id, one.world.ports) == pytest.approx(2 * 30 / 60 * 0.0077)


def test_without_an_engine_left_it_fails_with_what_each_of_them_said(deployment):
    one = deployment(parakeet=BROKEN, deepgram=[EngineFailed("server", "Deepgram had an error.")] * 8)
    failed = one.run()
    assert (failed.state, failed.code) == ("FAILED", "NoEngineLeft")
    assert failed.reason.startswith("No engine could transcribe part 1 of 1 of the recording. ")
    assert "Parakeet on a CPU: The engine failed 3 times" in failed.reason
    assert "Deepgram: Gave up after 8 tries in deepgram:" in failed.reason
    assert "Deepgram had an error." in failed.reason
    assert failed.reason.endswith("Transcribe it again to start over.")


def test_a_recording_that_is_tried_again_starts_with_its_own_engine_and_old_messages_are_void(deployment):
    one = deployment(parakeet=BROKEN, deepgram=[EngineFailed("server", "No.")] * 8)
    one.run()
    old = ChunkMessage(
        recording=one.recording.id, source=one.recording.source, options=Options(),
        audio=one.recording.audio, chunk=one.recording.chunks[0], model="tiny", turn=1,
    )  # fmt: skip
    upload.reopen(one.recording, one.ports)
    assert not chunk.is_wanted(old, one.ports)
    upload.take(one.recording.source, one.recording.options, one.ports)
    one.go_on()
    assert one.recording.state == "DONE"
    assert result_of(one).engine == "parakeet-cpu"
    assert one.recording.warnings == (assemble.DEMO_WARNING,)


@pytest.mark.parametrize(
    ("settings", "metadata", "why"),
    [
        ({"enable_fallback": False}, {}, "ENABLE_FALLBACK is off"),
        ({}, {"dropscribe-method": "parakeet"}, "parakeet was asked for"),
        ({"method": "parakeet"}, {}, "parakeet was asked for"),
    ],
)
def test_where_no_other_engine_may_it_fails_and_says_so(deployment, settings, metadata, why):
    one = deployment(parakeet=BROKEN, **settings)
    failed = one.run(**metadata)
    assert (failed.state, failed.code) == ("FAILED", "EngineLimit")
    assert failed.reason.endswith(f" No other engine was tried: {why}.")
    assert one.fake.charged == 0


def test_fallback_is_switched_off_and_on_while_everything_runs(deployment):
    one = deployment(parakeet=BROKEN)
    flags.change({"ENABLE_FALLBACK": "false"}, one.ports)
    assert one.run().state == "FAILED"
    flags.change({"ENABLE_FALLBACK": "true"}, one.ports)
    one.parakeet = list(BROKEN)
    upload.reopen(one.recording, one.ports)
    upload.take(one.recording.source, one.recording.options, one.ports)
    one.go_on()
    assert one.recording.state == "DONE"


@pytest.mark.parametrize("error", [BadMedia("limit", "Too much."), BadRequest("No such track.")])
def test_what_is_wrong_with_the_recording_goes_to_nobody_else(deployment, error):
    one = deployment(parakeet=[error])
    failed = one.run()
    assert (failed.state, failed.reason) == ("FAILED", str(error))
    assert one.fake.charged == 0


@pytest.mark.parametrize(
    "said", ["failed to process audio: corrupt or unsupported data", "No such language."]
)
def test_what_deepgram_cannot_read_or_do_goes_to_parakeet(deployment, said):
    refused = deepgram_answers.refusal(400, {"err_code": "Bad Request", "err_msg": said})
    one = deployment(deepgram=[refused], rollout_percent=0.0)
    done = one.run()
    assert (done.state, [engine for _, engine in one.work]) == ("DONE", ["parakeet-cpu"])
    assert said in done.warnings[0]


def test_a_chunk_that_has_its_result_is_not_given_up_when_its_message_is(deployment):
    one = deployment()
    upload.on_upload(one.world.upload(), one.ports)
    [delivery] = one.world.ports.queue.pull("cpu-worker", 1, 60.0)
    one.worker(delivery)
    one.buried(delivery)
    one.go_on()
    assert one.recording.state == "DONE"
    assert claims.of_recording(one.recording.id, one.world.ports.records) == {}


def test_a_chunk_of_deepgrams_goes_to_parakeet_with_its_weights(deployment):
    one = deployment(rollout_percent=0.0)
    upload.on_upload(one.world.upload(), one.ports)
    [delivery] = one.world.ports.queue.pull("deepgram", 1, 60.0)
    message = decode(delivery.data, ChunkMessage)
    assert fallback.hand_over(message, REFUSED, one.ports).done
    [next_] = one.world.pull("cpu-worker")
    after = decode(next_.data, ChunkMessage)
    assert (message.model, after.model) == ("nova-3", "tiny")
    assert (after.turn, after.chunk.engine) == (1, "parakeet-cpu")
    assert [(tried.engine, tried.error) for tried in after.tried] == [("deepgram", "EngineRefused")]


def test_a_hand_over_says_what_became_of_the_chunk(deployment):
    one = deployment()
    recording = upload.on_upload(one.world.upload(), one.ports)
    [first] = dispatch.missing(recording, one.ports)
    assert fallback.hand_over(first, BROKEN[0], one.ports).outcome == "handed"
    assert fallback.hand_over(first, BROKEN[0], one.ports).outcome == "unwanted"
    [second] = dispatch.missing(recording, one.ports)
    assert fallback.hand_over(second, REFUSED, one.ports) == fallback.HandOver(outcome="no engine")


def test_a_recording_of_which_nothing_is_missing_any_more_is_not_counted_as_handed_over(
    deployment, monkeypatch
):
    one = deployment()
    recording = upload.on_upload(one.world.upload(), one.ports)
    [missing] = dispatch.missing(recording, one.ports)
    chunk.commit_result(*heard(recording, missing.chunk), one.ports)
    monkeypatch.setattr(dispatch, "missing", lambda *_: [missing])
    assert fallback.hand_over_missing(recording, BROKEN[0], one.ports) == ["unwanted"]


def test_a_push_of_what_is_stuck_goes_to_the_engine_whose_it_is(deployment):
    one = deployment(rollout_percent=0.0)
    recording = upload.on_upload(one.world.upload(), one.ports)
    [delivery] = one.world.ports.queue.pull("deepgram", 1, 60.0)
    fallback.hand_over(decode(delivery.data, ChunkMessage), REFUSED, one.ports)
    one.world.pull("cpu-worker")
    upload.take(recording.source, recording.options, one.ports, again=True)
    assert [decode(again.data, ChunkMessage).turn for again in one.world.pull("cpu-worker")] == [1]
    assert observe.backlog_of(one.ports).chunks == {"main": 1}


def test_two_hand_overs_at_once_are_one(deployment):
    one = deployment()
    upload.on_upload(one.world.upload(), one.ports)
    [delivery] = one.world.ports.queue.pull("cpu-worker", 1, 60.0)
    message = decode(delivery.data, ChunkMessage)
    real = claims.change

    def meanwhile(first, how, ports):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(claims, "change", real)
            fallback.hand_over(message, Permanent("the other one"), one.ports)
        return real(first, how, ports)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "change", meanwhile)
        assert fallback.hand_over(message, Permanent("this one"), one.ports).done
    [claim] = claims.of_recording(one.recording.id, one.ports.records).values()
    assert (claim.turn, [tried.reason for tried in claim.tried]) == (1, ["the other one"])
    assert len(one.world.pull("deepgram")) == 1


def test_while_a_call_is_under_way_another_message_about_the_chunk_makes_none(deployment):
    one = deployment(rollout_percent=0.0)
    upload.on_upload(one.world.upload(), one.ports)
    [delivery] = one.world.ports.queue.pull("deepgram", 1, 60.0)
    message, calls = decode(delivery.data, ChunkMessage), []
    inner = one.fake.transcribe

    def slow(job):
        calls.append(job.tag)
        if len(calls) == 1:
            with pytest.raises(UnderWay):
                hosted_chunk.on_chunk(message, one.ports, message_id="another")
        return inner(job)

    one.fake.transcribe = slow
    hosted_chunk.on_chunk(message, one.ports, message_id=delivery.message_id)
    assert (len(calls), one.fake.charged) == (1, 1)


def test_the_guard_of_parakeets_share_counts_what_parakeet_gave_up(deployment):
    one = deployment(parakeet=BROKEN)
    one.run()
    other = deployment(deepgram=[REFUSED], rollout_percent=0.0)
    other.run()
    for which, fallbacks in ((one, 1), (other, 0)):
        [(_, note)] = [
            (key, fields)
            for key, fields in which.world.ports.records.query(failure_log.FAILURES)
            if fields["code"] == HandedOn.code
        ]
        which.world.clock.time = note["time"] + 180.0
        seen = observe.observe(observe.Backlog(), {"main": Start(tasks=0, reason="")}, which.ports)
        assert sum(minute.fallbacks for minute in seen.minutes) == fallbacks


def test_a_failure_says_why_the_chunk_was_given_up_and_not_that_it_was(deployment):
    one = deployment(parakeet=BROKEN)
    one.run()
    assert "gave it up" not in failure_log.last_reasons(
        failure_log.About(recording=one.recording.id, chunk=0), one.ports.records
    )


@pytest.fixture
def broke(tmp_path):
    """A deployment whose Parakeet has no weights; called with its budgets and the number of recordings."""
    opened = []

    def run(recordings=1, **budgets):
        errors = [ModelUnavailable("no weights")] * recordings
        one = Deployment(tmp_path / str(len(opened)), parakeet=errors, **budgets)
        opened.append(one)
        for number in range(recordings):
            upload.on_upload(one.world.upload(name=f"{number}.wav"), one.ports)
            one.go_on()
        found = documents.recordings(one.world.ports.records)
        return one, sorted(found, key=lambda recording: recording.source.name)

    yield run
    for one in opened:
        one.world.close()


def test_a_hard_budget_has_room_for_what_is_handed_over_or_it_is_not_handed_over(broke):
    one, [recording] = broke(budget_daily_usd=0.001)
    assert one.fake.charged == 0
    assert recording.state == "FAILED"
    assert "No other engine was tried: the daily budget is too small" in recording.reason
    assert "Raise DROPSCRIBE_BUDGET_DAILY_USD and submit the recording again" in recording.reason


def test_of_two_that_are_handed_over_a_hard_budget_takes_as_many_as_fit(broke):
    one, recordings = broke(recordings=2, budget_monthly_usd=0.005)
    assert one.fake.charged == 1
    assert [recording.state for recording in recordings] == ["DONE", "FAILED"]
    assert "the monthly budget is used up" in recordings[1].reason


@pytest.mark.parametrize("budgets", [{}, {"budget_daily_usd": 0.001, "budget_mode": "soft"}])
def test_without_a_hard_budget_whatever_fails_is_handed_over(broke, budgets):
    one, recordings = broke(recordings=2, **budgets)
    assert one.fake.charged == 2
    assert {recording.state for recording in recordings} == {"DONE"}


def test_a_worker_that_knows_no_budget_keeps_that_of_the_deployment(broke):
    one, _ = broke(recordings=0, budget_daily_usd=0.001)
    budget.sum_up(one.ports)
    one.ports = replace(one.ports, settings=replace(one.ports.settings, budget_daily_usd=0.0))
    one.parakeet = [ModelUnavailable("no weights")]
    assert one.run().state == "FAILED"
    assert one.fake.charged == 0


def test_whoever_finds_the_room_taken_for_a_moment_asks_again(broke, monkeypatch):
    one, _ = broke(recordings=0, budget_daily_usd=0.003)
    budget.commit("another", 0.002, one.ports)
    gone = budget.Commitment(usd=0.002, state="closed", counts=False, changed=0.0)
    monkeypatch.setattr(concurrency, "sleep", lambda _: budget._put("another", gone, one.ports))
    assert budget.count_in("this", "0.deepgram", 0.002, one.ports).action == "go"
    assert budget.committed(one.ports) == pytest.approx(0.002)


def test_a_raised_budget_counts_at_once(broke):
    one, [recording] = broke(budget_daily_usd=0.001)
    assert recording.state == "FAILED"
    one.ports = replace(one.ports, settings=replace(one.ports.settings, budget_daily_usd=1.0))
    assert budget.count_in(recording.id, "0.deepgram", 0.002, one.ports).action == "go"
