from __future__ import annotations

import pytest

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
