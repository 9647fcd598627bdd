from __future__ import annotations

import base64
import json

import pytest
from cloudevents.http import CloudEvent

from functions.outcome import acknowledged, pubsub_data, uploaded_object
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT

RESOURCE = {"bucket": "audio", "name": "talk.mp3", "generation": "1"}


def event(kind, data):
    return CloudEvent({"type": kind, "source": "//test"}, data)


def notification(data, **attributes):
    message = {"data": base64.b64encode(data).decode(), "attributes": attributes}
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
        notification(b"no json", eventType="OBJECT_FINALIZE"),
        event(PUBLISHED_EVENT, {}),
    ],
)
def test_what_is_no_finished_upload_is_refused(told):
    with pytest.raises(BadRequest):
        uploaded_object(told)


def test_only_what_no_repeat_can_mend_is_acknowledged():
    with acknowledged():
        raise BadRequest("never")
    for mended_later in (StoreUnavailable("away"), ConfigurationError("a role is missing")):
        with pytest.raises(type(mended_later)), acknowledged():
            raise mended_later


def test_data_that_are_not_base64_are_refused():
    with pytest.raises(BadRequest):
        pubsub_data(event(PUBLISHED_EVENT, {"message": {"data": "a"}}))
