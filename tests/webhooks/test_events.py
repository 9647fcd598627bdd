import json
from dataclasses import replace

import jsonschema
import pytest

from shared.messages import BudgetAlert, TranscriptReady
from shared.webhooks import events
from tests.test_architecture import ROOT

READY = TranscriptReady(
    recording="r", source="gs://audio/talk.mp3", state="DONE", outputs=("gs://t/transcript.json",), reason="",
    duration=1.5, method="parakeet", usd=0.01,
)  # fmt: skip
ALERT = BudgetAlert(
    period="day", which="2026-11-20", percent=80, limit_usd=10.0, spent_usd=8.0, committed_usd=0.5,
    forecast_usd=None, held=False,
)  # fmt: skip
FAILED = replace(READY, state="FAILED", outputs=(), reason="It is empty.", code="empty")
ANSWER = replace(READY, request_id="q 1", metadata={"a": "b"})
EVERY = [
    events.of_transcript(READY, "0"), events.of_transcript(FAILED, "0"),
    events.of_transcript(replace(FAILED, state="CANCELLED"), "0"), events.of_transcript(ANSWER, "0"),
    events.of_budget(ALERT), events.of_test("x"),
]  # fmt: skip
SCHEMA = json.loads((ROOT / "docs" / "webhook.schema.json").read_text("utf-8"))


def test_there_is_an_event_of_each_type():
    assert tuple(one.type for one in EVERY) == events.TYPES


def test_any_two_facts_have_two_ids_and_each_keeps_its_own():
    more = [
        events.of_transcript(FAILED, "1"),
        events.of_transcript(replace(ANSWER, request_id="q 2"), "0"),
        events.of_budget(replace(ALERT, percent=100)),
        events.of_budget(replace(ALERT, which="2026-11-21")),
    ]
    ids = [one.id for one in (*EVERY, *more)]
    assert len(set(ids)) == len(ids)
    assert events.of_transcript(replace(READY, usd=0.02), "0").id == ids[0]
    assert all(one.startswith("msg_") and one.isascii() and len(one) == 36 for one in ids)


@pytest.mark.parametrize("event", EVERY, ids=lambda one: one.type)
def test_a_payload_is_what_its_schema_says(event):
    payload = json.loads(event.payload(1_795_000_000.25))
    jsonschema.Draft202012Validator(SCHEMA).validate(payload)
    assert payload["timestamp"] == "2026-11-18T11:06:40.250Z"
    assert payload["type"] == event.type


def test_the_schema_refuses_what_is_never_sent():
    good = json.loads(EVERY[0].payload(0.0))
    bad = [
        good | {"type": "transcript.lost"},
        good | {"data": {}},
        good | {"timestamp": 1},
        good | {"more": 1},
    ]
    assert not any(jsonschema.Draft202012Validator(SCHEMA).is_valid(one) for one in bad)
