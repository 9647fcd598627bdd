from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from console import bodies
from console.bodies import pieces
from tests import event_loop


class Request:
    """A body that arrives in parts."""

    def __init__(self, *parts):
        self._parts = parts

    async def stream(self):
        for part in self._parts:
            yield part


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((b"ab", b"c", b"d", b"e"), [b"abc", b"de"]),
        ((b"abcdefg", b""), [b"abcdefg"]),
        ((b"a", b""), [b"a"]),
        ((), []),
    ],
)
def test_small_parts_are_gathered_and_nothing_is_lost(parts, expected):
    async def gathered():
        return [one async for one in pieces(Request(*parts), 3)]

    assert event_loop.run(gathered()) == expected


def test_a_sender_of_whom_nothing_comes_counts_as_gone(monkeypatch):
    monkeypatch.setattr(bodies, "QUIET", 1.0)

    class Quiet:
        async def stream(self):
            for _ in range(3):
                await asyncio.sleep(0.4)
                yield b"a"
            await asyncio.Event().wait()

    came = []

    async def gather():
        async for one in pieces(Quiet(), 1):
            came.append(one)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ClientDisconnect):
        event_loop.run(gather())
    assert came == [b"a"] * 3
