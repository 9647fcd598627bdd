"""What may be posted to a function, and what nobody would post."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.push import Push, read, unreadable
from local.runtime.events import object_resource
from shared.errors import BadRequest
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT, ChunkMessage, TranscribeRequest, to_fields
from shared.model import Chunk, Options, StoredObject
from shared.state import dead_letters
from tests.functions.test_entrypoints import PUSHED
from tests.world import ScriptedMedia

DATA = b"\x00data\xff"
MESSAGE = {"data": base64.b64encode(DATA).decode(), "attributes": {"a": "é"}, "messageId": "17"}
PUSH = Push(message_id="17", data=DATA, attributes={"a": "é"}, attempt=4)
BODY = {"message": MESSAGE, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 4}
EVENT = {"specversion": "1.0", "id": "event", "source": "//test", "type": PUBLISHED_EVENT}
IN_HEADERS = {f"ce-{name}": value for name, value in EVENT.items()}
ALL_IN_BODY = {"content-type": "application/cloudevents+json; charset=utf-8"}


def as_json(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, as_json(BODY)),
        ({"content-type": "application/json"}, as_json(BODY)),
        (IN_HEADERS, as_json(BODY)),
        (ALL_IN_BODY, as_json(EVENT | {"data": BODY})),
        (ALL_IN_BODY, as_json(EVENT | {"data_base64": base64.b64encode(as_json(BODY)).decode()})),
        ({}, as_json(BODY | {"message": {**MESSAGE, "messageId": None, "message_id": 17}, "more": [1]})),
    ],
)
def test_a_message_is_the_same_however_it_is_wrapped(headers, body):
    assert read(headers, body) == PUSH


def test_what_pubsub_leaves_out_is_empty():
    assert read({}, b'{"message": {"attributes": {"a": "b"}, "messageId": "1"}}') == Push(
        message_id="1", attributes={"a": "b"}
    )
    assert read({}, b'{"message": {"data": "", "messageId": "1"}}') == Push(message_id="1")


@pytest.mark.parametrize("attempt", [0, -1, 1.5, True, "3", None, [], 10**30])
def test_what_is_no_number_of_a_delivery_is_none(attempt):
    assert read({}, as_json(BODY | {"deliveryAttempt": attempt})).attempt == 0


@pytest.mark.parametrize("kind", [FINALIZED_EVENT, "google.cloud.storage.object.v1.deleted"])
def test_the_event_of_a_bucket_is_read_as_its_notification(kind):
    resource = {"bucket": "audio", "name": "é"}
    told = "OBJECT_FINALIZE" if kind == FINALIZED_EVENT else kind
    for headers, body in (
        (IN_HEADERS | {"ce-type": kind}, resource),
        (ALL_IN_BODY, EVENT | {"type": kind, "data": resource}),
    ):
        posted = read(headers, as_json(body))
        assert (posted.message_id, posted.attributes) == ("event", {"eventType": told})
        assert json.loads(posted.data) == resource


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"message": 5}', b'{"message": null}',
        as_json({"message": {"data": "a"}}), as_json({"message": {"data": "é"}}),
        as_json({"message": {"data": 5}}), as_json({"message": {"attributes": {"a": 1}}}),
        b'{"message": {"attributes": {"a": "\\ud800"}}}',
    ],
)  # fmt: skip
def test_what_is_no_message_is_a_bad_request_and_all_of_it_stands_for_one(body):
    for headers in ({}, IN_HEADERS, ALL_IN_BODY):
        with pytest.raises(BadRequest):
            read(headers, body)
    assert unreadable({}, body).data == body
    assert unreadable({}, body).message_id == unreadable({}, body).message_id


@pytest.mark.parametrize("given", ["a/b", "..", "__x__/", "__x__", "", "é", "x" * 2000, "a b"])
def test_an_id_that_cannot_name_a_document_is_replaced_by_one_that_can(given):
    posted = read({}, as_json({"message": {"messageId": given}}))
    assert posted.message_id == read({}, as_json({"message": {"messageId": given}})).message_id
    assert posted.message_id.isalnum()
    assert len(posted.message_id) == 64


numbers = st.integers() | st.floats() | st.sampled_from([10**30, 2**63, -1, 1e999])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def fields_of(document, above=()):
    """Where each value of nested objects stands."""
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from fields_of(value, (*above, name))


@st.composite
def damaged(draw, document):
    """A good document, of which up to two fields are other values or are missing."""
    found = json.loads(json.dumps(document))
    for path in draw(st.lists(st.sampled_from(list(fields_of(document))), max_size=2)):
        *above, name = path
        inner = found
        for step in above:
            inner = inner.get(step) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            if draw(st.booleans()):
                inner[name] = draw(usual | values)
            else:
                inner.pop(name, None)
    return found


usual = st.sampled_from(
    ["", "0", "-1", "a/b", "..", "\x00", "x" * 300, 0, 1, -1, 2.0, {}, [], None, 2**63, True]
)
RESOURCE = json.loads(object_resource(StoredObject(bucket="audio", name="talk.wav", generation=1, size=5)))
CHUNK = ChunkMessage(
    recording="r" * 26, source=StoredObject(bucket="audio", name="talk.wav", generation=1, size=5), options=Options(),
    audio=ScriptedMedia().info, chunk=Chunk(index=0, start=0.0, end=30.0, lead=0.0, tail=0.0, engine="deepgram"), model="nova-3",
)  # fmt: skip
REQUEST = TranscribeRequest(uri="gs://audio/talk.wav", request_id="r", options=Options(), metadata={"a": "b"})
GOOD = [RESOURCE, to_fields(CHUNK), {"recording": "r" * 26, "index": 0}, to_fields(REQUEST)]
sources = damaged(RESOURCE)
nested = st.integers(1, 5000).map(
    lambda deep: b'{"request_id": "r", "x": ' + b"[" * deep + b"]" * deep + b"}"
)
payloads = st.one_of(*map(damaged, GOOD), values).map(as_json) | st.binary(max_size=99) | nested
attributes = st.dictionaries(
    st.sampled_from(
        ["recording", "chunk", "request_id", "eventType", dead_letters.SOURCE, dead_letters.COUNT]
    ),
    st.sampled_from(["r" * 26, "0", "9" * 5000, "٣", "OBJECT_FINALIZE", "requests", ""])
    | st.text(max_size=9),
)
whole = st.fixed_dictionaries(
    {"data": payloads.map(lambda data: base64.b64encode(data).decode()), "attributes": attributes},
    optional={"messageId": st.text(max_size=9)},
)
messages = whole | whole.flatmap(damaged)
pushes = st.fixed_dictionaries(
    {}, optional={"message": messages | values, "deliveryAttempt": values | st.just(2)}
)
events = st.fixed_dictionaries(
    {"type": st.sampled_from([PUBLISHED_EVENT, FINALIZED_EVENT, "other"]) | values},
    optional={"id": values, "data": pushes | sources | values, "data_base64": st.text(max_size=9)},
)
bodies = (pushes | events | sources | values).map(as_json) | st.binary(max_size=99) | nested
latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            ["application/json", "application/cloudevents+json", "application/x-www-form-urlencoded", "text"]
        )
        | latin,
        "ce-type": st.sampled_from([PUBLISHED_EVENT, FINALIZED_EVENT]) | latin,
        "ce-id": st.sampled_from(["1", "a/b"]) | latin,
        "ce-specversion": latin,
    },
)


@pytest.mark.parametrize(("source", "target"), PUSHED)
def test_whatever_is_posted_is_done_or_kept_and_comes_again_only_where_that_may_help(
    world, serve, source, target
):
    posted = serve(source, target)

    # One world for all examples is meant: what an earlier one has left is a case as well.
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(headers, bodies)
    def fuzz(headers, body):
        letters = world.ports.records.count(dead_letters.DEAD_LETTERS)
        answer = posted.post("/", headers=headers, data=body)
        if answer.status_code != 200:
            assert answer.status_code == 500
            assert "X-Google-Status" not in answer.headers, "the framework says so of all but our own errors"
            return
        try:
            read({name.lower(): value for name, value in headers.items()}, body)
        except BadRequest:
            again = posted.post("/", headers=headers, data=body).status_code
            kept = world.ports.records.count(dead_letters.DEAD_LETTERS)
            assert (again, kept) in {(200, letters), (200, letters + 1)}
            assert kept

    fuzz()
