"""The functions that call the webhook URL: its response decides whether a message is redelivered."""

import base64
import datetime as dt
import json
from dataclasses import replace

import pytest
from standardwebhooks.webhooks import Webhook

from shared.messages import encode
from shared.state import dead_letters
from tests.adapters.web.test_webhook_call import OK, receiver
from tests.webhooks.test_events import ALERT, READY

SECRET = "whsec_" + "c2Vj" * 8
BUSY = b"HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 G\r\nContent-Length: 0\r\n\r\n"
TOLD = {"on_transcript": (READY, "transcript.done"), "on_budget": (ALERT, "budget.reached")}


@pytest.fixture
def post(world, serve):
    """Posts a message to a function and gives its status."""

    def posted(target, url, **settings):
        given = replace(world.ports.settings, webhook_url=url, webhook_secret=SECRET, **settings)
        world.ports = replace(world.ports, settings=given)
        data = base64.b64encode(encode(TOLD[target][0])).decode()
        body = {"message": {"data": data, "messageId": "17", "attributes": {"life": "0"}}}
        return serve("webhooks", target).post("/", json=body).status_code

    return posted


@pytest.mark.parametrize("target", TOLD)
def test_a_signed_call_is_made_and_the_message_is_done(post, target):
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        assert [post(target, url), post(target, url)] == [200, 200]
    (head, body) = taken[0].split(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    moment = int(headers["webhook-timestamp"])
    assert len(taken) == 1
    assert json.loads(body)["type"] == TOLD[target][1]
    assert headers["webhook-signature"] == signed(headers["webhook-id"], moment, body)


def signed(webhook_id, moment, body):
    return Webhook(SECRET).sign(webhook_id, dt.datetime.fromtimestamp(moment, dt.UTC), body.decode())


@pytest.mark.parametrize("target", TOLD)
def test_a_receiver_that_is_busy_has_the_message_delivered_again(world, post, target):
    with receiver(lambda it: it.sendall(BUSY)) as (url, taken):
        assert [post(target, url), post(target, url)] == [500, 500]
    ids = {one.split(b"webhook-id: ")[1].split(b"\r\n")[0] for one in taken}
    assert (len(taken), len(ids)) == (2, 1)
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 0


@pytest.mark.parametrize("target", TOLD)
def test_after_a_day_and_where_nobody_wants_it_the_message_is_a_dead_letter(world, post, target):
    with receiver(lambda it: it.sendall(BUSY)) as (url, _):
        assert post(target, url) == 500
        world.clock.time += 86_400
        assert post(target, url) == 200
    [(key, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    letter = dead_letters.find(key, world.ports.records)
    assert letter.source == {"on_transcript": "webhooks", "on_budget": "webhooks-budget"}[target]
    assert "tried for a day, the last time: 127.0.0.1 answered 503" in str(kept)
    world.ports.records.delete(dead_letters.DEAD_LETTERS, key)
    with receiver(lambda it: it.sendall(GONE)) as (url, _):
        assert post(target, url) == 200
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


def test_a_project_calls_no_address_of_its_own_network(world, post):
    with receiver(lambda it: it.sendall(OK)) as (url, taken):
        address = url.replace("http://", "https://")
        assert post("on_transcript", address, platform="google", project="a-project") == 500
        assert taken == []
