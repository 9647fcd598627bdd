"""Errors in OpenAI's form, and which of them its clients repeat."""

from __future__ import annotations

import json

import pytest

from console.openai import errors
from shared import errors as ours


def test_the_body_has_the_four_fields_of_openai():
    error = errors.invalid('A "quoted" <b>value</b>.', "language")
    assert json.loads(error.body) == {
        "error": {
            "message": 'A "quoted" <b>value</b>.',
            "type": "invalid_request_error",
            "param": "language",
            "code": "invalid_value",
        }
    }


@pytest.mark.parametrize(
    ("code", "status", "kind", "said", "repeated"),
    [
        ("not-media", 400, "invalid_request_error", "not_media", False),
        ("BadRequest", 400, "invalid_request_error", "bad_request", False),
        ("too-large", 413, "invalid_request_error", "too_large", False),
        ("too-long", 400, "invalid_request_error", "too_long", False),
        ("quota", 429, "requests", "rate_limit_exceeded", True),
        ("cancelled", 400, "invalid_request_error", "cancelled", False),
        ("deleted", 400, "invalid_request_error", "deleted", False),
        ("NoEngineLeft", 500, "server_error", "no_engine_left", False),
        ("timeout", 500, "server_error", "timeout", False),
    ],
)
def test_a_recording_without_a_transcript_is_an_error_by_its_code(code, status, kind, said, repeated):
    error = errors.ended_without(code, "Because.")
    assert (error.status, error.type, error.code, error.message) == (status, kind, said, "Because.")
    # OpenAI's clients repeat 429 and 5xx by themselves, unless they are told not to.
    assert (error.headers.get("x-should-retry") != "false") == repeated


@pytest.mark.parametrize(
    ("error", "status", "repeated"),
    [
        (ours.BadMedia("encrypted", "It is encrypted."), 400, True),
        (ours.BadRequest("No."), 400, True),
        (ours.OverLimit("too-large", "Too large."), 413, False),
        (ours.StoreUnavailable("Later."), 503, True),
        (ours.ConfigurationError("A bucket is missing."), 503, True),
        (ours.Permanent("Never."), 500, False),
    ],
)
def test_what_happens_while_a_request_is_taken_in_has_a_status_of_its_own(error, status, repeated):
    found = errors.of(error)
    assert (found.status, found.message) == (status, str(error))
    assert (found.headers.get("x-should-retry") != "false") == repeated


def test_a_held_recording_is_no_quota_that_a_client_should_try_again_at_once():
    error = errors.held("The day's budget is used up.")
    assert (error.status, error.code, error.headers["x-should-retry"]) == (429, "insufficient_quota", "false")
    assert "not charged twice" in error.message


def test_what_is_too_large_is_said_with_both_sizes_and_the_way_in():
    error = errors.too_large(3_000_000_000, 32_000_000, "Use the page.")
    assert error.message == "The request has 3 GB, more than the 32 MB that this server takes. Use the page."
    assert errors.too_large(None, 32_000_000, "Use the page.").message.startswith(
        "The request is larger than"
    )
