"""Steps of a recording's trace, with their durations.

A sink gets a span when it ends. The span of the recording itself is written when the recording ends: its process is
another one than that of its upload.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from shared import concurrency
from shared.telemetry import context

Value = str | int | float | bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A step that has ended."""

    name: str
    """What was done, one of few."""
    trace: str
    """Id of its trace, 32 hexadecimal digits."""
    id: str
    """16 hexadecimal digits."""
    parent: str
    """Id of the span that it is a part of; empty for a trace's first."""
    start: float
    """Seconds since 1970."""
    end: float
    """Seconds since 1970."""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    """Keys, counts and names; never texts of people."""
    error: str = ""
    """Class of the error that ended it; empty if it succeeded."""


class SpanSink(Protocol):
    """Sends spans somewhere."""

    def ended(self, span: Span) -> None:
        """Take a span; must not wait, and must not raise."""

    def flush(self, seconds: float) -> None:
        """Send what was taken, within some seconds; must not raise."""


_sinks: list[SpanSink] = []


def add_sink(sink: SpanSink) -> None:
    """Send all spans of this process there too."""
    _sinks.append(sink)


def flush(seconds: float) -> None:
    """Send what was taken so far, within about `seconds`; nothing happens without sinks."""
    for sink in _sinks:
        sink.flush(seconds)


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[None]:
    """Time the body as a part of the span that is open in this thread. Without a trace or a sink it does nothing."""
    before = context.current()
    if not _sinks or not before.trace:
        yield
        return
    mine, start, error = _new_id(), time.time(), ""
    try:
        with context.entered(replace(before, span=mine)):
            yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        written(
            Span(
                name=name,
                trace=before.trace,
                id=mine,
                parent=before.span,
                start=start,
                end=time.time(),
                attributes=_of(before) | attributes,
                error=error,
            )
        )


def recording_ended(traceparent: str, created: float, finished: float, **attributes: Value) -> None:
    """Write the span of a whole recording, the first one of its trace; both times are seconds since 1970."""
    ids = context.parse(traceparent)
    if ids is not None and _sinks:
        found = Span(name="recording", trace=ids[0], id=ids[1], parent="", start=created, end=finished)
        written(replace(found, attributes=_of(context.current()) | attributes))


def past(name: str, seconds: float, **attributes: Value) -> None:
    """Write a span that ends now and took some seconds, e.g. a chunk's part in a batch of several."""
    here = context.current()
    if _sinks and here.trace:
        end = time.time()
        found = Span(
            name=name, trace=here.trace, id=_new_id(), parent=here.span, start=end - seconds, end=end
        )
        written(replace(found, attributes=_of(here) | attributes))


def written(span: Span) -> None:
    """Give a span to all sinks."""
    for sink in _sinks:
        sink.ended(span)


def _of(here: context.Context) -> dict[str, Value]:
    found: dict[str, Value] = {"dropscribe.recording": here.recording} if here.recording else {}
    return found if here.chunk is None else found | {"dropscribe.chunk": here.chunk}


def _new_id() -> str:
    """16 hexadecimal digits that no other span has."""
    return concurrency.new_id()[:16]
