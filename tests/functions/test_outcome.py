from __future__ import annotations

import base64
import json

import pytest
from cloudevents.http import CloudEvent

from functions.outcome import acknowledged, pubsub_data, uploaded_object
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT
from shared.state import dead_letters, failure_log
from tests.world import World

RESOURCE = {"bucket": "audio", "name": "talk.mp3", "generation": "1"}


def event(kind, data):
    return CloudEvent({"type": kind, "source": "//test", "id": "event-1"}, data)


def notification(data, **attributes):
    message = {"messageId": "m-1", "data": base64.b64encode(data).decode(), "attributes": attributes}
    return event(PUBLISHED_EVENT, {"message": message})


def test_an_upload_comes_from_eventarc_or_as_a_notification_of_the_bucket():
    assert uploaded_object(event(FINALIZED_EVENT, RESOURCE)) == RESOURCE
    assert (
        uploaded_object(notification(json.dumps(RESOURCE).encode(), eventType="OBJECT_FINALIZE")) == RESOURCE
    )


@pytest.mark.parametrize(
    "told",
    [
        event("google.cloud.storage.object.v1.deleted", RESOURCE),
        event("google.cloud.storage.object.v1.metadataUpdated", RESOURCE),
        notification(json.dumps(RESOURCE).encode(), eventType="OBJECT_DELETE"),
    ],
)
def test_an_event_about_something_else_is_passed_over(told):
    assert uploaded_object(told) is None


@pytest.mark.parametrize(
    "told", [notification(b"no json", eventType="OBJECT_FINALIZE"), event(PUBLISHED_EVENT, {})]
)
def test_what_is_no_event_of_ours_is_refused(told):
    with pytest.raises(BadRequest):
        uploaded_object(told)


@pytest.mark.parametrize("told", [notification(b"rubbish"), event(FINALIZED_EVENT, {"bucket": "audio"})])
def test_what_no_repeat_can_mend_is_kept_and_acknowledged(told, tmp_path):
    world = World(tmp_path)
    for _ in range(2):
        with acknowledged(told, lambda: world.ports):
            raise BadRequest("never")
    [(_, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert kept["attributes"][dead_letters.ERROR] == "never"
    world.close()


@pytest.mark.parametrize("mended_later", [StoreUnavailable("away"), ConfigurationError("a role is missing")])
def test_what_a_repeat_may_mend_comes_again_and_is_noted(mended_later, tmp_path):
    world = World(tmp_path)
    told = notification(b"x", recording="abc", chunk="3")
    told.data["deliveryAttempt"] = 2
    with pytest.raises(type(mended_later)), acknowledged(told, lambda: world.ports, "merger"):
        raise mended_later
    [(key, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert key == "m-1.002"
    assert (noted["recording"], noted["chunk"], noted["where"]) == ("abc", 3, "merger")
    assert (noted["error"], noted["reason"]) == (type(mended_later).__name__, str(mended_later))
    world.close()


def test_a_mistake_of_the_program_comes_again_and_is_noted_too(tmp_path):
    world = World(tmp_path)
    with (
        pytest.raises(ZeroDivisionError),
        acknowledged(event(FINALIZED_EVENT, RESOURCE), lambda: world.ports),
    ):
        raise ZeroDivisionError("by nothing")
    [(_, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (noted["error"], noted["reason"]) == ("Exception", "ZeroDivisionError('by nothing')")
    assert len(noted["recording"]) == 26
    world.close()


def test_a_function_that_has_no_world_fails_with_what_is_missing():
    def connect():
        raise ConfigurationError("there are no credentials")

    with pytest.raises(ConfigurationError), acknowledged(notification(b"x"), connect):
        connect()


def test_data_that_are_not_base64_are_refused():
    with pytest.raises(BadRequest):
        pubsub_data(event(PUBLISHED_EVENT, {"message": {"data": "a"}}))
