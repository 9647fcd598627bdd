"""How many people there are among the voices of a recording, and what each one's voice is like. Pure.

Similar voices become groups; a group with enough non-overlapped speech is a person. The constants are those that separated real
recordings and mixtures of known speakers best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.flow.diarization.linkage import Join, members, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ALIKE = 0.45
"""Mean cosine between the voices of two groups from which on they are one person."""
SHORTEST, GROWTH = 1.5, 0.15
"""Seconds alone that a group needs at least to be a person, and how many times the root of the seconds of all: 9 s of
an hour, 31 s of twelve. The longer a recording, the more odd sounds are alike by chance."""
BLOCK, CERTAIN = 2048, 0.6
"""Voices that are compared with each other at most; of more, those of a block that are this alike become one first."""
STUCK = 0.9
"""Share of the voices that may be left when blocks become smaller no more."""


def people(
    vectors: NDArray[np.float32], clean: NDArray[np.float32], *, least: int, most: int | None
) -> NDArray[np.float32]:
    """A vector of length 1 for each person.

    Args:
        vectors: a row of length 1 for each voice, in the order of the recording; at least one.
        clean: seconds of each voice alone.
        least: fewest people; there are fewer only if there are fewer voices.
        most: most people, at least `least`; None: any number.
    """
    while len(vectors) > BLOCK:
        before = len(vectors)
        vectors, clean = _thinned(vectors, clean)
        if len(vectors) > STUCK * before:
            break
    joins = tree(vectors, clean)
    enough = max(SHORTEST, GROWTH * float(np.sqrt(clean.sum(dtype=np.float64))))
    sums, seconds = _together(vectors, clean, joins[: _cut(joins, clean, enough, least, most)])
    kept = np.flatnonzero(seconds >= enough)
    if len(kept) < least:
        kept = np.sort(np.argsort(-seconds, kind="stable")[:least])
    centres = sums[kept]
    found: NDArray[np.float32] = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    return found


def _cut(joins: list[Join], clean: NDArray[np.float32], enough: float, least: int, most: int | None) -> int:
    """How many of the joins are made."""
    cut, apart = 0, None
    for made, (groups, large) in enumerate(_counts(joins, clean, enough)):
        cut = made
        if large >= least:
            apart = made
        if made == len(joins) or groups <= least:
            break
        if joins[made].similarity < ALIKE and (most is None or large <= most):
            break
    if apart is None or apart == cut:
        return cut
    # Too few have enough: then those with little of them count as people, or else two who are alike.
    seconds = np.bincount(members(len(clean), joins[:cut]), clean)
    return cut if (seconds >= SHORTEST).sum() >= least else apart


def _counts(joins: list[Join], clean: NDArray[np.float32], enough: float) -> Iterator[tuple[int, int]]:
    """How many groups there are after each number of joins, and how many of them have enough of them alone."""
    seconds = clean.astype(np.float64).tolist()
    groups, large = len(seconds), sum(one >= enough for one in seconds)
    yield groups, large
    for join in joins:
        one, other = seconds[join.one], seconds[join.other]
        seconds[join.one] = one + other
        groups -= 1
        large += (one + other >= enough) - (one >= enough) - (other >= enough)
        yield groups, large


def _thinned(
    vectors: NDArray[np.float32], clean: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same voices, those of one stretch of the recording that are beyond doubt one person's put together."""
    means, seconds = [], []
    for first in range(0, len(vectors), BLOCK):
        some, heavy = vectors[first : first + BLOCK], clean[first : first + BLOCK]
        certain = [join for join in tree(some, heavy) if join.similarity >= CERTAIN]
        sums, alone = _together(some, heavy, certain)
        total = alone.astype(np.float32)
        means.append(sums / total[:, None])
        seconds.append(total)
    return np.concatenate(means), np.concatenate(seconds)


def _together(
    vectors: NDArray[np.float32], clean: NDArray[np.float32], joins: list[Join]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Of each group after some joins: the sum of its vectors times their seconds alone, and the sum of these seconds."""
    groups, of = np.unique(members(len(vectors), joins), return_inverse=True)
    sums = np.zeros((len(groups), vectors.shape[1]), np.float32)
    np.add.at(sums, of, vectors * clean[:, None])
    return sums, np.bincount(of, clean).astype(np.float64)
