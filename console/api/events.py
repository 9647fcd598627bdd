"""What changes, as it changes: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent

from console.api.answers import answered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from console.api.feed import Feed

PING = 15
"""Seconds between two comments in a stream that has nothing to say."""
RETRY = 2000
"""Milliseconds after which a browser connects again."""
MOST_DIGITS = 18


@answered
async def events(request: Request) -> Response:
    """`GET /events`: of all recordings, or of one."""
    feed: Feed = request.app.state.feed
    who = str(getattr(request.state, "who", ""))
    feed.enter(who)
    given = request.headers.get("last-event-id", "")
    last = int(given) if given.isdecimal() and len(given) <= MOST_DIGITS else None
    stream = _stream(feed, last, request.query_params.get("recording", ""))
    return Stream(feed, stream, who)


class Stream(EventSourceResponse):
    """A stream that has its place in a feed, and gives it back however it ends."""

    def __init__(self, feed: Feed, events: AsyncGenerator[ServerSentEvent, None], who: str = "") -> None:
        super().__init__(events, ping=PING, headers={"Cache-Control": "no-store"}, sep="\n")
        self._feed = feed
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave(self._who)


async def _stream(feed: Feed, last: int | None, only: str) -> AsyncGenerator[ServerSentEvent, None]:
    yield ServerSentEvent(comment="open", retry=RETRY, sep="\n")
    async with aclosing(feed.events(last)) as found:
        async for one in found:
            if only and one.recording and one.recording != only:
                continue
            data = msgspec.json.encode(one.data).decode()
            yield ServerSentEvent(id=str(one.number), event=one.kind, data=data, sep="\n")
