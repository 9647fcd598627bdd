"""Which recording and chunk a thread works on, and where in the trace: W3C Trace Context.

https://www.w3.org/TR/trace-context/#traceparent-header

A recording has one trace, from its upload to its transcript. Its id is derived from the recording's key, or adopted
from the request that asked for it. So two deliveries of one upload, a sweep days later, and a document from before
this field all have the same trace, and no random number is needed.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRACEPARENT = "traceparent"
"""Attribute of a message."""

_FORM = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a thread works on."""

    recording: str = ""
    """Key of the recording; empty if it is about none."""
    chunk: int | None = None
    """Index of the chunk."""
    trace: str = ""
    """Id of the trace, 32 hexadecimal digits; empty if there is none."""
    span: str = ""
    """Id of the span that is open, 16 hexadecimal digits."""

    @property
    def traceparent(self) -> str:
        """The same for a message; empty if there is no trace."""
        return f"00-{self.trace}-{self.span}-01" if self.trace else ""


_current: ContextVar[Context] = ContextVar("dropscribe_context")
_NOTHING = Context()


def current() -> Context:
    """What this thread works on."""
    return _current.get(_NOTHING)


def parse(traceparent: str) -> tuple[str, str] | None:
    """Ids of the trace and the span; None if it is not a valid traceparent."""
    # Later versions may have more fields, after a dash; version 00 has none.
    found = _FORM.fullmatch(traceparent) if len(traceparent) <= 512 else None
    if found is None or traceparent.startswith("ff") or (found[3] and traceparent.startswith("00")):
        return None
    trace, span = found["trace"], found["span"]
    return (trace, span) if trace.strip("0") and span.strip("0") else None


def of_recording(key: str, trace: str = "") -> str:
    """The traceparent of a recording; its span is the recording itself.

    `trace` is the id of the trace that it is a part of; empty: it has one of its own.
    """
    digest = hashlib.sha256(f"trace of {key}".encode()).hexdigest()
    return Context(trace=trace or digest[:32], span=digest[32:48]).traceparent


@contextmanager
def about(recording: str = "", chunk: int | None = None, traceparent: str = "") -> Iterator[None]:
    """Say what the body works on. What is left empty stays as it is, if that is about the same recording.

    `traceparent` is the trace to join, if the thread is in no other span of it; what is not valid is ignored.
    """
    before = current()
    is_other = recording not in {"", before.recording}
    trace, span = ("", "") if is_other and before.recording else (before.trace, before.span)
    ids = parse(traceparent)
    if ids is not None and ids[0] != trace:
        trace, span = ids
    if chunk is None and not is_other:
        chunk = before.chunk
    found = replace(before, recording=recording or before.recording, chunk=chunk, trace=trace, span=span)
    with entered(found):
        yield


def about_message(attributes: Mapping[str, str]) -> AbstractContextManager[None]:
    """The same from the attributes of a message."""
    chunk = attributes.get("chunk", "")
    return about(
        attributes.get("recording", ""),
        int(chunk) if chunk.isdecimal() and len(chunk) < 10 else None,
        attributes.get(TRACEPARENT, ""),
    )


@contextmanager
def entered(context: Context) -> Iterator[None]:
    """Make a context that of this thread for the body."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def attributes() -> dict[str, str]:
    """The attributes that carry the trace to the receiver of a message; none if there is no trace."""
    traceparent = current().traceparent
    return {TRACEPARENT: traceparent} if traceparent else {}
