import datetime as dt
import json
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook

from shared.errors import ConfigurationError, Permanent, Transient
from shared.flow import erase, record, upload
from shared.messages import TRANSCRIPTS_READY, encode
from shared.state import documents
from shared.topology import WEBHOOKS, WEBHOOKS_BUDGET, topology
from shared.webhooks import deliver, outbox
from tests.measured import listening
from tests.webhooks.test_events import ALERT, ANSWER, FAILED, READY

OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8


class Receiver:
    """Takes calls, and answers with the next of some statuses; the last one stays. An exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    def __call__(self, url, headers, body):
        self.calls.append((url, dict(headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def said(self):
        return [(headers["webhook-id"], body) for _, headers, body in self.calls]


@pytest.fixture
def ports(world):
    url = "https://example.com/hook?token=t0ken"
    return replace(world.ports, settings=replace(world.ports.settings, webhook_url=url, webhook_secret=NEW))


def tell(ports, receiver, ready=READY, delivery=0, **attributes):
    deliver.on_transcript(encode(ready), attributes, ports, receiver, delivery=delivery)


def test_a_receiver_verifies_what_it_gets(world, ports):
    receiver = Receiver(200)
    tell(ports, receiver)
    (url, headers, body) = receiver.calls[0]
    assert url == ports.settings.webhook_url
    signed = Webhook(NEW).sign(headers["webhook-id"], _moment(world), body.decode())
    assert headers["webhook-signature"] == signed
    assert headers["webhook-timestamp"] == str(int(world.clock.now()))
    assert json.loads(body)["data"]["outputs"] == ["gs://t/transcript.json"]


def _moment(world):
    return dt.datetime.fromtimestamp(world.clock.now(), dt.UTC)


def test_while_the_secret_is_changed_both_sign(ports):
    receiver = Receiver(200)
    both = replace(ports, settings=replace(ports.settings, webhook_secret=f"{NEW} {OLD}"))
    tell(both, receiver)
    assert [one.split(",")[0] for one in receiver.calls[0][1]["webhook-signature"].split(" ")] == ["v1", "v1"]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_what_was_delivered_is_not_told_again(ports, status):
    receiver = Receiver(status)
    for _ in range(3):
        tell(ports, receiver)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    "answer", [301, 307, 400, 404, 429, 500, 503, Transient("example.com did not answer.")]
)
def test_every_try_has_the_same_id_and_bytes_and_a_signature_of_its_own(world, ports, answer):
    receiver = Receiver(answer, answer, 204)
    for usd in (0.01, 0.02, 0.03):
        ready = replace(READY, usd=usd)
        if len(receiver.calls) < 2:
            with pytest.raises(Transient, match=r"example\.com (answered|did not answer)") as raised:
                tell(ports, receiver, ready)
            assert "t0ken" not in str(raised.value)
        else:
            tell(ports, receiver, ready)
        world.clock.time += 600
    assert len(set(receiver.said)) == 1
    assert len({headers["webhook-signature"] for _, headers, _ in receiver.calls}) == 3


def test_a_crash_after_the_call_sends_the_same_again(ports, monkeypatch):
    receiver = Receiver(200)

    def away(*_):
        raise Transient("the records are away")

    with monkeypatch.context() as context:
        context.setattr(deliver.outbox, "close", away)
        with pytest.raises(Transient, match="records are away"):
            tell(ports, receiver)
    tell(ports, receiver)
    assert len(receiver.calls) == 2
    assert len(set(receiver.said)) == 1


def test_after_a_day_it_is_given_up_and_a_replay_opens_it_again(world, ports):
    receiver = Receiver(500)
    with pytest.raises(Transient):
        tell(ports, receiver)
    world.clock.time += 86_399
    with pytest.raises(Transient):
        tell(ports, receiver)
    world.clock.time += 1
    with pytest.raises(Permanent, match=r"tried for a day, the last time: example\.com answered 500.*replay"):
        tell(ports, receiver)
    receiver.answers = [200]
    tell(ports, receiver)
    assert len(receiver.calls) == 4
    assert len(set(receiver.said)) == 1


@pytest.mark.parametrize("days", [-400, 0, 1, 400])
def test_where_deliveries_are_counted_their_number_is_the_day_whatever_the_clock_says(world, ports, days):
    receiver = Receiver(500)
    with pytest.raises(Transient):
        tell(ports, receiver, delivery=1)
    world.clock.step(days * 86_400.0)
    with pytest.raises(Transient):
        tell(ports, receiver, delivery=deliver.DELIVERIES - 1)
    with pytest.raises(Permanent, match="tried for a day"):
        tell(ports, receiver, delivery=deliver.DELIVERIES)


def test_that_many_deliveries_take_a_day():
    for name in (WEBHOOKS, WEBHOOKS_BUDGET):
        policy = topology(webhooks=True).subscription(name)
        pauses = [policy.backoff(number) for number in range(1, deliver.DELIVERIES)]
        assert sum(pauses[:-1]) < outbox.DAY <= sum(pauses)


def test_a_mistake_of_the_program_ends_after_a_day_as_well(world, ports):
    receiver = Receiver(ValueError("oops"))
    with pytest.raises(ValueError, match="oops"):
        tell(ports, receiver)
    world.clock.time += 86_400
    with pytest.raises(Permanent, match="oops"):
        tell(ports, receiver)


def test_a_receiver_that_is_gone_is_not_asked_again(ports):
    receiver = Receiver(410)
    with pytest.raises(Permanent, match=r"answered 410: it accepts no more.*DROPSCRIBE_WEBHOOK_URL"):
        tell(ports, receiver)


def test_a_recording_that_fails_twice_is_told_twice(ports):
    receiver = Receiver(200)
    for life in ("0", "0", "1"):
        tell(ports, receiver, FAILED, life=life)
    assert [json.loads(body)["type"] for _, body in receiver.said] == ["transcript.failed"] * 2


def test_an_answer_is_an_event_of_its_own(ports):
    receiver = Receiver(200)
    tell(ports, receiver)
    tell(ports, receiver, ANSWER)
    tell(ports, receiver, replace(ANSWER, recording="", state="FAILED"))
    data = [json.loads(body) for _, body in receiver.said]
    assert [one["type"] for one in data] == ["transcript.done", "request.answered"]
    assert data[1]["data"]["metadata"] == {"a": "b"}


def test_a_share_of_a_budget_is_told_once(ports):
    receiver = Receiver(200)
    for alert in (ALERT, ALERT, replace(ALERT, percent=100)):
        deliver.on_budget(encode(alert), ports, receiver)
    assert [json.loads(body)["data"]["percent"] for _, body in receiver.said] == [80, 100]


def test_of_a_deleted_recording_nothing_is_told_and_nothing_is_kept(world, ports):
    receiver = Receiver(500)
    recording = upload.on_upload(world.upload(), world.ports)
    failed = record.fail(recording.id, Permanent("It is empty."), world.ports)
    ready = record.ending(failed, world.ports)
    with pytest.raises(Transient):
        tell(ports, receiver, ready, life="0")
    assert world.ports.records.count(documents.WEBHOOKS) == 1
    documents.change_recording(world.ports, failed.id, lambda one: replace(one, state="DELETED"))
    erase.erase(failed, world.ports, last=False)
    assert world.ports.records.count(documents.WEBHOOKS) == 0
    tell(ports, receiver, ready, life="0")
    assert (world.ports.records.count(documents.WEBHOOKS), len(receiver.calls)) == (0, 1)


def test_the_announcement_says_which_life_it_is(world):
    every = world.ports.queue.topology
    world.ports.queue.topology = replace(every, subscriptions=(*every.subscriptions, *_listening()))
    recording = upload.on_upload(world.upload(), world.ports)
    record.fail(recording.id, Permanent("It is empty."), world.ports)
    (one,) = world.pull(WEBHOOKS)
    assert (one.attributes["recording"], one.attributes["life"]) == (recording.id, "0")


def _listening():
    return [one for one in topology(webhooks=True).subscriptions if one.topic == TRANSCRIPTS_READY]


def test_without_an_address_there_is_nothing_to_call(world):
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_WEBHOOK_URL is not set"):
        deliver.call("msg_1", "{}", 0.0, world.settings, Receiver(200))


def test_what_became_of_calls_is_measured(world, ports):
    receiver = Receiver(500, 200)
    with listening() as told:
        with pytest.raises(Transient):
            tell(ports, receiver)
        tell(ports, receiver)
    assert [labels["outcome"] for _, labels in told.of("webhooks_total")] == ["failed", "delivered"]
