"""Pack windows of unequal length into batches that waste little on padding.

A batch is computed as long as its longest window, so windows are sorted by length first. What bounds
the memory of a batch is its padded length, `count x longest`; the number of windows is bounded too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PADDED = 480 * 16_000
"""Samples: eight minutes of sound, which a small GPU holds at once with Parakeet's 0.6 B weights."""


def pack(lengths: Sequence[int], *, max_windows: int, max_padded: int = PADDED) -> list[tuple[int, ...]]:
    """Group windows of similar length, the longest first.

    The longest first, so that what remains at the end, when some threads have nothing left to do, is
    short. A window longer than `max_padded` is a batch of its own.

    Args:
        lengths: length of each window, in samples.
        max_windows: windows a batch may hold, 1 or more.
        max_padded: samples a batch may hold, padding included.

    Returns:
        Batches of indices into `lengths`; every index is in exactly one. Equal input gives equal output.
    """
    batches: list[tuple[int, ...]] = []
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        full = (
            len(batch) >= max_windows or (len(batch) + 1) * (lengths[batch[0]] if batch else 0) > max_padded
        )
        if batch and full:
            batches.append(tuple(batch))
            batch = []
        batch.append(index)
    if batch:
        batches.append(tuple(batch))
    return batches


def padding(lengths: Sequence[int], batches: Iterable[Sequence[int]]) -> float:
    """The share of the computed length that is padding, 0 to 1."""
    padded = useful = 0
    for batch in batches:
        padded += len(batch) * max(lengths[index] for index in batch)
        useful += sum(lengths[index] for index in batch)
    return 1.0 - useful / padded if padded else 0.0
