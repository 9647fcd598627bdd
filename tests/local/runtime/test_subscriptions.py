"""The steps of one process, by the subscriptions that call them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook

from local.backend import remembered
from local.backend.embedded_ports import embedded_topology, open_ports
from local.backend.sqlite.queue import SqliteQueue
from local.runtime import subscriptions
from local.runtime.events import object_resource, pushed
from local.runtime.push import PushLoop
from shared.audio import Pcm
from shared.errors import BadMedia, ConfigurationError, EngineFailed, EngineRefused, Transient, UnderWay
from shared.flow import dispatch, upload
from shared.messages import AUDIO_FINALIZED, BUDGET_ALERTS, TRANSCRIPTS_READY, TranscriptReady, encode
from shared.model import Options
from shared.settings import Settings
from shared.state import dead_letters, documents, failure_log
from shared.topology import EXPORTER, ROUTER, WEBHOOKS, WEBHOOKS_BUDGET
from tests.adapters.web.test_webhook_call import OK, receiver
from tests.webhooks.test_events import ALERT, READY
from tests.world import ScriptedMedia

BUSY = b"HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n"


class Service:
    """Raises what it is told to."""

    def __init__(self, error):
        self.error = error

    def transcribe(self, _job):
        raise self.error


@pytest.fixture
def ports(tmp_path):
    opened = open_ports(Settings(state_dir=tmp_path, method="deepgram", chunk_minutes=10))
    media = ScriptedMedia()
    media.decode = lambda *_, **__: Pcm(samples=b"\x99\x01" * 960_000, start=0.0, owned=60.0)
    yield replace(opened, media=media, engines=frozenset({"deepgram"}))
    opened.close()


def test_every_subscription_of_one_machine_but_the_workers_has_its_step(ports):
    ours = {"gpu-worker", "gpu-worker-canary", "cpu-worker"}
    assert set(subscriptions.in_process(ports)) == {
        one.name for one in embedded_topology().subscriptions if one.name not in {*ours, "deepgram"}
    }
    hosted = subscriptions.in_process(replace(ports, hosted={"deepgram": Service(None)}))
    assert {*hosted, *ours} == {one.name for one in embedded_topology().subscriptions}
    assert EXPORTER in hosted


def test_an_address_is_told_on_one_machine_of_what_ends_there(tmp_path, until):
    secret = "whsec_" + "c2Vj" * 8
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        settings = Settings(state_dir=tmp_path, webhook_url=url, webhook_secret=secret)
        opened = open_ports(settings)
        try:
            ready = TranscriptReady(
                recording="", source="", state="FAILED", outputs=(), reason="It is empty.", duration=None,
                method=None, usd=0.0, request_id="q",
            )  # fmt: skip
            opened.queue.publish(TRANSCRIPTS_READY, encode(ready), {"request_id": "q"})
            told = subscriptions.webhooks(opened)
            assert told.keys() == {WEBHOOKS, WEBHOOKS_BUDGET}
            loops = [PushLoop(opened.queue, name, step) for name, step in told.items()]
            for loop in loops:
                loop.start()
            until(
                lambda: [one["state"] for _, one in opened.records.query(documents.WEBHOOKS)] == ["delivered"]
            )
            for loop in loops:
                loop.stop()
        finally:
            opened.close()
    head, body = taken[0].split(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert Webhook(secret).verify(body, headers)["type"] == "request.answered"
    assert len(taken) == 1


def test_an_address_that_fails_is_told_again_although_the_clock_was_set_by_a_day(world, tmp_path):
    secret = "whsec_" + "c2Vj" * 8
    with receiver(lambda it: it.sendall(BUSY)) as (url, taken):
        settings = Settings(state_dir=tmp_path, webhook_url=url, webhook_secret=secret)
        told = subscriptions.webhooks(replace(world.ports, settings=settings))
        queue = SqliteQueue(world.database, world.clock, embedded_topology(webhooks=True))
        for topic, message in ((TRANSCRIPTS_READY, READY), (BUDGET_ALERTS, ALERT)):
            queue.publish(topic, encode(message), {"life": "0"})
        for _ in range(3):
            for name, step in told.items():
                [one] = queue.pull(name, 1, 60.0)
                with pytest.raises(Transient, match="answered 503"):
                    step(pushed(queue.topology.subscription(name), one))
                queue.nack(name, one.lease)
            world.clock.time += 3600.0
            world.clock.step(86_400.0)
    assert len(taken) == 6
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 0


def test_without_an_address_nobody_listens(ports):
    assert subscriptions.webhooks(ports) == {}
    with pytest.raises(ConfigurationError):
        ports.queue.topology.subscription(WEBHOOKS)


@pytest.fixture
def chunk(ports, tmp_path):
    """A chunk for Deepgram; gives its recording, and calls the step with an attempt of its delivery."""
    (tmp_path / "talk.wav").write_bytes(b"sound")
    recording = upload.on_object(ports.file(tmp_path / "talk.wav"), ports)
    (delivery,) = ports.queue.pull("deepgram", 1, 60.0)

    def deliver(error, attempt):
        hosted = replace(ports, hosted={"deepgram": Service(error)})
        event = pushed(embedded_topology().subscription("deepgram"), replace(delivery, attempt=attempt))
        subscriptions.in_process(hosted)["deepgram"](event)

    def state():
        return documents.get_recording(ports.records, recording.id).state

    return deliver, state


def test_without_a_connection_it_is_given_up_after_a_few_calls(chunk):
    deliver, state = chunk
    offline = EngineFailed("unreachable", "No connection to Deepgram.")
    for attempt in range(1, subscriptions.OFFLINE_TRIES):
        with pytest.raises(EngineFailed):
            deliver(offline, attempt)
    assert state() == "PLANNED"
    deliver(offline, subscriptions.OFFLINE_TRIES)
    assert state() == "FAILED"


def test_deliveries_that_were_no_calls_do_not_count_as_calls_without_a_connection(chunk):
    deliver, state = chunk
    with pytest.raises(EngineFailed):
        deliver(EngineFailed("unreachable", "No connection to Deepgram."), 7)
    assert state() == "PLANNED"


def test_a_key_that_does_not_work_is_given_up_at_once(chunk):
    deliver, state = chunk
    deliver(EngineRefused("key", "Deepgram refused the key."), 1)
    assert state() == "FAILED"


def test_another_failure_is_left_to_the_next_delivery(chunk):
    deliver, state = chunk
    with pytest.raises(EngineFailed):
        deliver(EngineFailed("server", "Oops."), 7)
    assert state() == "PLANNED"


def test_the_number_of_the_delivery_is_in_the_note_of_what_ended_it(chunk, ports):
    deliver, state = chunk
    deliver(BadMedia("undecodable", "It is damaged."), 3)
    assert state() == "FAILED"
    [noted] = [fields for _, fields in ports.records.query(failure_log.FAILURES)]
    assert (noted["attempt"], noted["where"]) == (3, "deepgram")


def published(ports, topic, data, attributes=None):
    """The body of the push of a message, for the step of its subscription."""
    ports.queue.publish(topic, data, attributes)
    [subscription] = [one for one in embedded_topology().subscriptions if one.topic == topic]
    [delivery] = ports.queue.pull(subscription.name, 1, 60.0)
    return pushed(subscription, delivery)


def test_a_file_of_the_inbox_that_up_did_not_plan_gets_the_weights_of_up_and_not_those_of_another_command(
    tmp_path,
):
    settings = Settings(state_dir=tmp_path, model="weights-of-up", method="parakeet")
    with closing(open_ports(settings)) as ports:
        remembered.remember_defaults(settings, ports.records)
    other = Settings(state_dir=tmp_path, model="weights-of-transcribe", inbox=tmp_path / "inbox")
    (tmp_path / "inbox").mkdir()
    for folder in ("inbox", "."):
        (tmp_path / folder / "talk.wav").write_bytes(b"sound")
    with closing(open_ports(other)) as opened:
        ports = replace(opened, media=ScriptedMedia(), engines=frozenset({"parakeet-cpu"}))
        router = subscriptions.in_process(ports, remembered.as_up(other, ports.records))[ROUTER]
        mine = ports.file(tmp_path / "talk.wav")
        for source in (ports.store.stat("audio", "talk.wav"), mine):
            router(published(ports, AUDIO_FINALIZED, object_resource(source)))
        weights = {
            one.source.bucket: one.weights["parakeet-cpu"] for one in documents.recordings(ports.records)
        }
    assert weights == {"audio": "weights-of-up", mine.bucket: "weights-of-transcribe"}


def test_an_event_that_comes_while_another_publishes_the_plan_comes_again_and_is_no_failure(ports, tmp_path):
    (tmp_path / "talk.wav").write_bytes(b"sound")
    source = ports.file(tmp_path / "talk.wav")
    made = upload.freeze_plan(upload.accept(source, Options(), ports), ports)
    planned = made.record
    assert made.by_us
    body, step = (
        published(ports, AUDIO_FINALIZED, object_resource(source)),
        subscriptions.in_process(ports)[ROUTER],
    )
    with pytest.raises(UnderWay):
        step(body)
    assert failure_log.last_trouble(planned.id, ports.records) == ""
    dispatch.publish_chunks(planned, ports, ours=True)
    step(body)
    assert ports.queue.pending("deepgram") == len(planned.chunks)
