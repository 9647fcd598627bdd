from __future__ import annotations

import threading

import pytest

from shared.telemetry import context
from shared.telemetry.context import Context, about, about_message, attributes, current, of_recording, parse

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PARENT, (TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-00", (TRACE, SPAN)),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", (TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_a_traceparent_is_read_as_w3c_says(text, found):
    """Examples of https://www.w3.org/TR/trace-context/."""
    assert parse(text) == found


def test_a_recording_has_the_same_trace_wherever_it_is_asked_for():
    assert of_recording("abc") == of_recording("abc") != of_recording("abd")
    assert parse(of_recording("abc")) is not None


def test_a_recording_joins_the_trace_of_the_request_for_it():
    trace, span = parse(of_recording("abc", TRACE))
    assert trace == TRACE
    assert span == parse(of_recording("abc"))[1]


def test_what_is_said_about_a_thread_ends_with_the_body():
    with about("abc", 3, PARENT):
        assert current() == Context(recording="abc", chunk=3, trace=TRACE, span=SPAN)
        assert attributes() == {"traceparent": PARENT}
    assert current() == Context()
    assert attributes() == {}


def test_a_step_inside_adds_to_what_is_known_of_the_same_recording():
    with about("abc", 3, PARENT), about("abc"):
        assert current() == Context(recording="abc", chunk=3, trace=TRACE, span=SPAN)


def test_inside_a_trace_its_own_span_stays_the_parent():
    with (
        context.entered(Context(recording="abc", trace=TRACE, span="b" * 16)),
        about("abc", traceparent=PARENT),
    ):
        assert current().span == "b" * 16


def test_another_recording_takes_neither_chunk_nor_trace_along():
    with about("abc", 3, PARENT), about("xyz"):
        assert current() == Context(recording="xyz")


def test_a_recording_that_becomes_known_keeps_the_trace_of_its_request():
    with about(traceparent=PARENT), about("abc"):
        assert current() == Context(recording="abc", trace=TRACE, span=SPAN)


@pytest.mark.parametrize("wrong", ["", "rubbish", "00-1-2-3"])
def test_a_wrong_traceparent_is_ignored(wrong):
    with about("abc", 1, wrong):
        assert current() == Context(recording="abc", chunk=1)


@pytest.mark.parametrize(
    ("given", "chunk"), [({"chunk": "7"}, 7), ({}, None), ({"chunk": "x"}, None), ({"chunk": "9" * 30}, None)]
)
def test_a_message_says_what_it_is_about_and_an_old_one_has_no_trace(given, chunk):
    with about_message({"recording": "abc", **given}):
        assert current() == Context(recording="abc", chunk=chunk)


def test_threads_know_nothing_of_each_other():
    seen = []
    with about("abc", traceparent=PARENT):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [Context()]
