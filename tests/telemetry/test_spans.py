from __future__ import annotations

import pytest

from shared.telemetry import about, flush, measure, metrics, span, spans
from shared.telemetry.context import current, of_recording, parse

PARENT = of_recording("abc")


def test_a_span_is_a_part_of_the_one_around_it(told):
    with about("abc", 2, PARENT), span("outer", attempt=1):
        outer = current().span
        with span("inner"):
            assert current().span != outer
    inner, outside = told.spans
    assert (inner.name, inner.parent, outside.parent) == ("inner", outside.id, parse(PARENT)[1])
    assert inner.trace == outside.trace == parse(PARENT)[0]
    assert outside.attributes == {"dropscribe.recording": "abc", "dropscribe.chunk": 2, "attempt": 1}
    assert outside.start <= inner.start <= inner.end <= outside.end


def test_a_span_says_what_ended_it_and_not_with_which_words(told):
    with pytest.raises(ValueError, match="secret"), about("abc", traceparent=PARENT), span("step"):
        raise ValueError("secret")
    [one] = told.spans
    assert one.error == "ValueError"
    assert "secret" not in repr(one)


def test_without_a_trace_there_is_no_span(told):
    with span("step"):
        assert not current().span
    assert told.spans == []


def test_without_sinks_a_span_changes_nothing():
    with about("abc", traceparent=PARENT), span("step"):
        assert current().traceparent == PARENT
    flush(1.0)


def test_a_recording_is_the_first_span_of_its_trace(told):
    spans.recording_ended(PARENT, 100.0, 160.0, state="DONE")
    [one] = told.spans
    assert (one.trace, one.id) == parse(PARENT)
    assert (one.parent, one.start, one.end, one.attributes) == ("", 100.0, 160.0, {"state": "DONE"})


def test_a_span_may_be_written_afterwards(told):
    with about("abc", traceparent=PARENT):
        spans.past("recognise", 2.0, windows=3)
    [one] = told.spans
    assert one.end - one.start == pytest.approx(2.0)
    assert one.attributes["windows"] == 3


def test_no_two_spans_have_the_same_id(told):
    with about("abc", traceparent=PARENT):
        for _ in range(100):
            spans.past("step", 0.0)
    assert len({one.id for one in told.spans}) == 100


def test_all_sinks_are_flushed(told):
    flush(0.5)
    assert told.flushed == [0.5]


def test_a_measurement_reaches_the_sinks_with_its_metric(told):
    measure("steps_total", where="merger", outcome="ok")
    assert told.of("steps_total") == [(1.0, {"where": "merger", "outcome": "ok"})]
    with pytest.raises(KeyError):
        measure("no_such_metric")
    metrics._sinks.clear()
    measure("no_such_metric")  # nobody listens, so nobody looks
