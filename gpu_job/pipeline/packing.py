"""Pack windows of unequal length into batches: neither much padding nor many calls.

A batch is computed as long as its longest window, so windows are sorted by length first; then the sorted row
is divided where that costs least. More batches pad less, but each call has a price of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

CALL = 20 * 16_000
"""Samples of padding that one more call of the engine is worth: with windows of 10 s from eight chunks that
makes batches of some fifty windows with 4 % of padding; from one chunk fifteen with 6 %."""


def pack(
    lengths: Sequence[int],
    *,
    max_windows: int | None = None,
    max_padded: float,
    takes: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda length: length,
    call: float = CALL,
) -> list[tuple[int, ...]]:
    """Group windows of similar length, the longest first, so that padding plus calls cost least.

    Exact, by dynamic programming over the sorted lengths: among all ways to divide the sorted row, the one
    with the smallest sum of padded lengths and `call` for each batch. The longest come first, so that what
    remains at the end, when some threads have nothing left to do, is short.

    Args:
        lengths: length of each window, in samples.
        max_windows: windows a batch may hold, 1 or more; None for any number.
        max_padded: what a batch may take, padding included. A window that takes more is a batch of its own.
        takes: what one window takes, by its length: its samples, or memory that they need.
        call: samples of padding that one call less is worth.

    Returns:
        Batches of indices into `lengths`; every index is in exactly one. Equal input gives equal output.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    length = np.array([lengths[index] for index in order], dtype=np.float64)
    taken = takes(length)
    # cheapest[i]: of the first i windows; first[i]: where the last batch of that division begins.
    cheapest = np.zeros(len(order) + 1)
    first = np.zeros(len(order) + 1, dtype=np.int64)
    for end in range(1, len(order) + 1):
        begin = 0 if max_windows is None else max(0, end - max_windows)
        count = np.arange(end - begin, 0, -1)
        cost = cheapest[begin:end] + call + count * length[begin:end]
        cost[:-1][count[:-1] * taken[begin : end - 1] > max_padded] = np.inf
        best = int(np.argmin(cost))
        cheapest[end], first[end] = cost[best], begin + best
    batches = []
    end = len(order)
    while end:
        batches.append(tuple(order[first[end] : end]))
        end = int(first[end])
    return batches[::-1]


def padding(lengths: Sequence[int], batches: Iterable[Sequence[int]]) -> float:
    """The share of the computed length that is padding, 0 to 1."""
    padded = useful = 0
    for batch in batches:
        padded += len(batch) * max(lengths[index] for index in batch)
        useful += sum(lengths[index] for index in batch)
    return 1.0 - useful / padded if padded else 0.0
